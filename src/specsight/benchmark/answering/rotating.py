"""Options shown in another order, and what was answered about them in the order of the item.

Under rotation r the n options keep their letters and the texts move up by r places: the first letter shows the text of
the r-th. A model that understands gives the same text each time (circular-option accuracy, MMBench, Liu et al. 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

V = TypeVar("V")


def rotate(options: Mapping[str, V], by: int) -> dict[str, V]:
    """Letter → what stands `by` places further down, around the end."""
    letters = list(options)
    return {letter: options[letters[(k + by) % len(letters)]] for k, letter in enumerate(letters)}


def original_letter(letter: str, options: Mapping[str, str], by: int) -> str:
    """The item's own letter of the text that `letter` showed."""
    letters = list(options)
    return letters[(letters.index(letter) + by) % len(letters)]


def original_answer(given: str, options: Mapping[str, str], by: int) -> str:
    """ "B", or "A, C", in the item's own letters and their order."""
    chosen = {original_letter(letter.strip(), options, by) for letter in given.split(",")}
    return ", ".join(letter for letter in options if letter in chosen)
