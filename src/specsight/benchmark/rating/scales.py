"""Scales from 1 to 5: five for what models said about pictures, four for the statements of an inspection.

Higher is better on all of them, hallucination too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True)
class Scale:
    """What is asked, and what three of the five values mean."""

    title: str
    asks: str
    one: str
    three: str
    five: str


SCALES: Mapping[str, Scale] = {
    "localisation": Scale(
        "Localisation",
        "Does it say where the defects are?",
        "misses them, or names no place",
        "the right area, loosely",
        "matches them",
    ),
    "correctness": Scale(
        "Correctness",
        "Is what it says true?",
        "wrong in the main thing",
        "the main thing is true, details are not",
        "all true",
    ),
    "completeness": Scale(
        "Completeness",
        "Does it say all that there is to say?",
        "leaves out the main thing",
        "leaves out some",
        "nothing is missing",
    ),
    "usefulness": Scale(
        "Usefulness",
        "Could an inspector act on it?",
        "no, or it misleads",
        "with a second look",
        "at once",
    ),
    "hallucination": Scale(
        "Freedom from invention",
        "Does it keep to what is on the picture?",
        "mostly invented",
        "one thing is invented",
        "nothing is invented",
    ),
}

STATEMENT_SCALES: Mapping[str, Scale] = {
    "truth": Scale(
        "True of the picture",
        "Is what it says true of the part that you see?",
        "wrong in the main thing",
        "the main thing is true, details are not",
        "all true",
    ),
    "support": Scale(
        "Supported by the map",
        "Does the map show what it says, where it says it?",
        "the map shows something else",
        "the main thing, or roughly there",
        "all of it",
    ),
    "clarity": Scale(
        "Understandable",
        "Is it clear at one reading what is meant?",
        "no",
        "at the second reading",
        "at once",
    ),
    "usefulness": Scale(
        "Useful",
        "Could an inspector act on it?",
        "no, or it misleads",
        "with a second look",
        "at once",
    ),
}
"""Of statements that an inspection makes, which have their map beside them."""
Kind = Literal["answers", "statements"]
KINDS: Mapping[Kind, Mapping[str, Scale]] = {"answers": SCALES, "statements": STATEMENT_SCALES}
"""What is rated → its scales."""
