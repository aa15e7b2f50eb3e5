"""The five scales from 1 to 5. Higher is better on all of them, hallucination too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
