"""The same work on many files, a few at a time, with a progress bar; Ctrl-C drops what has not begun."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from specsight.machine import usable_processors
from specsight.progress import track

A = TypeVar("A")
B = TypeVar("B")

AHEAD = 4
"""Items per thread that are worked on, or done, before they are asked for."""


def map_in_threads(work: Callable[[A], B], items: Sequence[A], what: str) -> Iterator[B]:
    """`work(item)` for each item, in order. Decoders release the interpreter lock, so threads suffice.

    Only some results are held at a time, whatever the number of items and however slowly they are taken.
    """
    threads = min(8, usable_processors())
    pool = ThreadPoolExecutor(max_workers=threads)
    try:
        yield from track(_in_order(pool, work, iter(items), AHEAD * threads), what, total=len(items))
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[A], B], items: Iterable[A], ahead: int
) -> Iterator[B]:
    items = iter(items)
    begun: deque[Future[B]] = deque(pool.submit(work, item) for item in islice(items, ahead))
    while begun:
        result = begun.popleft().result()
        begun.extend(pool.submit(work, item) for item in islice(items, 1))
        yield result
