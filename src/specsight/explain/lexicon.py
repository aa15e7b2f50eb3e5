"""The words of `lexicon.yaml`: phrases of statements, which no product owns, and what they do in one."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from specsight.explain.claims import Mention


@lru_cache(maxsize=1)
def lexicon() -> dict[str, list[tuple[tuple[str, ...], Mention]]]:
    """First word → phrases with what they are; of two meanings of a phrase the first that is listed counts."""
    found: dict[tuple[str, ...], Mention] = {}
    for kind, value in _content().items():
        if kind in ("place fillers", "generic"):
            continue
        groups = value.items() if isinstance(value, dict) else [(None, value)]
        for name, phrases in groups:
            one = {"verdicts": "verdict", "places": "place"}.get(kind, kind)
            for phrase in _listed(phrases):
                found.setdefault(tuple(phrase.split()), Mention(one, None if name == "none" else name))
    by_word: dict[str, list[tuple[tuple[str, ...], Mention]]] = {}
    for words, mention in found.items():
        by_word.setdefault(words[0], []).append((words, mention))
    return by_word


@lru_cache(maxsize=1)
def generic_words() -> tuple[str, ...]:
    """General words for a defect, such as "flaw"."""
    return tuple(_listed(_content()["generic"]))


@lru_cache(maxsize=1)
def place_fillers() -> tuple[tuple[str, ...], ...]:
    """Phrases that may stand behind a place and add nothing ("corner", "of the picture"), the longest first."""
    phrases = dict.fromkeys(tuple(phrase.split()) for phrase in _listed(_content()["place fillers"]))
    return tuple(sorted(phrases, key=len, reverse=True))


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    text = Path(__file__).with_suffix(".yaml").read_text("utf-8")
    content: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return content


def _listed(phrases: str) -> list[str]:
    return [phrase.strip() for phrase in str(phrases).split(";") if phrase.strip()]
