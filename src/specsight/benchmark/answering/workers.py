"""Calls by several threads, of which no result is lost, whatever ends them early.

In: calls, made as they are needed. Out: each result, handed on as it comes, by one thread.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from specsight.benchmark.answering.contract import CannotAnswer
from specsight.progress import note

T = TypeVar("T")

AHEAD = 2
"""Calls that wait for each thread at most."""


def call_in_threads(
    calls: Iterable[Callable[[], T]], threads: int, keep: Callable[[T], None], stop: Callable[[], None]
) -> None:
    """Make all `calls` and hand every result to `keep`, in the order in which they come.

    Whatever ends it early (a call that raises, Ctrl-C, a full disk), `stop` is called, what is under way is waited for
    and kept, since it is paid for, and what had not begun is not called. Raises what ended it.
    """
    pending: set[Future[T]] = set()
    with ThreadPoolExecutor(threads, thread_name_prefix="question") as pool:
        try:
            for call in calls:
                pending.add(pool.submit(call))
                if len(pending) >= AHEAD * threads:
                    _keep_finished(pending, keep)
            while pending:
                _keep_finished(pending, keep)
        except BaseException:
            stop()
            under_way = {future for future in pending if not future.cancel()}
            if any(not future.done() for future in under_way):
                note(f"waiting for {len(under_way)} answers that are under way")
            while under_way:
                with contextlib.suppress(CannotAnswer):
                    _keep_finished(under_way, keep)
            raise


def _keep_finished(pending: set[Future[T]], keep: Callable[[T], None]) -> None:
    """Wait for one result at least, and take those that are there out of `pending`, each before it is handed on."""
    wait(pending, return_when=FIRST_COMPLETED)
    for future in [future for future in pending if future.done()]:
        pending.remove(future)
        keep(future.result())
