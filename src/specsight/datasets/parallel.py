"""The same work on many files, a few at a time, with a progress bar; Ctrl-C drops what has not begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from specsight.machine import usable_processors
from specsight.progress import track

A = TypeVar("A")
B = TypeVar("B")


def map_in_threads(work: Callable[[A], B], items: Sequence[A], what: str) -> Iterator[B]:
    """`work(item)` for each item, in order. Decoders release the interpreter lock, so threads suffice."""
    pool = ThreadPoolExecutor(max_workers=min(8, usable_processors()))
    try:
        yield from track(pool.map(work, items), what, total=len(items))
    finally:
        pool.shutdown(cancel_futures=True)
