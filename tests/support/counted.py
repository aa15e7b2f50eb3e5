"""How many parts a store holds, by their word."""

from __future__ import annotations

from collections import Counter

from specsight.line.history import Wanted, find
from specsight.line.store import MOST, LineStore


def counts(store: LineStore, line: str | None = None) -> dict[str, int]:
    """Word of `JudgedPart.word` → how many of the newest parts have it."""
    return dict(Counter(one.word for one in find(store, Wanted(line), MOST)))
