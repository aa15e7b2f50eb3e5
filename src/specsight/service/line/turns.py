"""Requests under one key take turns: two at once would find nothing on record, both of them."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """One request under a key at a time: what a second one asks is compared with what the first one left on record."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, line: str, key: str) -> asyncio.Lock:
        """Whoever asks under this key holds it meanwhile; it is forgotten when nobody does."""
        lock = self._locks.get((line, key))
        if lock is None:
            lock = self._locks[line, key] = asyncio.Lock()
        return lock
