"""Rendering by several processes: results in order, no worker that outlives a killed parent."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TypeVar

import cv2

from specsight.errors import SpecsightError
from specsight.machine import leave_signals_to_parent

Job = TypeVar("Job")
Result = TypeVar("Result")

_WORTH_A_POOL = 16
"""Fewer jobs are done before the processes have started."""


def work_in_order(
    work: Callable[[Job], Result], groups: Sequence[Sequence[Job]], workers: int
) -> Generator[Result, None, None]:
    """Results of all jobs in order, from this process or from `workers` others.

    The jobs of a group go to one process, one after another, so that what they share is computed once. `work` and the
    jobs must be picklable. SpecsightError where a process was ended from outside.
    """
    if workers == 1 or sum(map(len, groups)) < _WORTH_A_POOL:
        yield from (work(job) for group in groups for job in group)
        return
    # A forked copy of a process that already runs threads (OpenCV, torch) may hang: start fresh ones.
    context = multiprocessing.get_context("spawn")
    size = min(workers, len(groups))
    with ProcessPoolExecutor(size, mp_context=context, initializer=_start_worker) as pool:
        try:
            for results in pool.map(partial(_each, work), groups):
                yield from results
        except BrokenProcessPool as error:
            raise SpecsightError(
                "a process that draws was ended from outside, as systems do that run out of memory: run the same "
                "command again to go on, with fewer --workers where it takes them"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _each(work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    return [work(job) for job in jobs]


def _start_worker() -> None:
    """One thread per process; signals are the parent's to answer; and no worker outlives a killed parent."""
    cv2.setNumThreads(1)
    leave_signals_to_parent()
