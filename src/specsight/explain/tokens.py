"""A text → words, numbers and signs; what it repeats of the evidence is one token, so that nothing inside is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from specsight.explain.claims import Saying
from specsight.reading.normal import plain, stem

MARK = "\ue000"
"""Stands around the number of a saying of the evidence."""
TOKEN = re.compile(rf"{MARK}\d+{MARK}|\d+(?:[.,]\d+)*|[.,]\d+|[^\W\d_]+(?:'[^\W\d_]+)?|[^\w\s]")
ABBREVIATED = {"i.e.": "namely", "approx.": "approx", "ca.": "ca"}


class Token(NamedTuple):
    """A word, number or sign."""

    text: str
    stem: str


def tokens_of(text: str, sayings: Sequence[Saying]) -> list[Token]:
    """The tokens of a text. A saying of the evidence in it, longer ones first, is one: `MARK`, its number, `MARK`."""
    words = " ".join(plain(text.replace(MARK, " ")).split())
    for number, saying in sorted(enumerate(sayings), key=lambda one: -len(one[1].text)):
        pattern = _pattern(saying.text, saying.quoted)
        if pattern is not None:
            words = pattern.sub(f" {MARK}{number}{MARK} ", words)
    for short, word in ABBREVIATED.items():
        words = re.sub(rf"(?<!\w){re.escape(short)}", word, words, flags=re.IGNORECASE)
    return words_of(words)


def words_of(words: str) -> list[Token]:
    """The tokens of plain words: in lower case, contractions and hyphens taken apart."""
    words = words.casefold().replace("can't", "can not").replace("cannot", "can not").replace("n't", " not")
    words = re.sub(r"(?<![\w)])- ?(?=[\d.])", " minus ", words)
    words = re.sub(r"(?<=\w)-(?=[^\W\d_])", " ", words).replace("_", " ").replace("'s ", " ")
    return [Token(found, stem(found)) for found in TOKEN.findall(words)]


@lru_cache(maxsize=4_096)
def _pattern(text: str, quoted: bool) -> re.Pattern[str] | None:
    """A saying as it may stand in a text; None for one without words."""
    said = r"\s+".join(map(re.escape, plain(text).rstrip(". ").split()))
    if not said:
        return None
    pattern = rf"['\"]{said}\.?['\"]" if quoted else rf"(?<!\w){said}(?!\w)"
    return re.compile(pattern, re.IGNORECASE)
