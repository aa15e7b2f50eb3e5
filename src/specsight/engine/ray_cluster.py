"""Pieces of work as tasks of a Ray cluster, which schedules them, and runs those of a lost worker or machine again.

In: the address of a cluster, or none: then one of this machine is started, and ended with the work. Ray's tasks are
stateless; what `make` loaded stays in the worker's process for all pieces of one `map`, as in an actor, but a task
whose worker is gone may go to any other one. Each task has one processor, and Ray gives its libraries one thread.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from specsight.engine.contract import Engine, Piece, Result
from specsight.errors import SpecsightError, require
from specsight.images import max_megapixels, set_max_megapixels
from specsight.machine import STOPPING, usable_processors
from specsight.storage import temporary_folder

ADDRESS = "RAY_ADDRESS"
ATTEMPTS = 3
"""How often a piece whose worker was lost is begun again: a picture that kills what looks at it must not go round for
ever, and a machine that is lost takes each of its pieces once."""
AHEAD = 4
"""Pieces for each worker that are under way or wait for an earlier one: so many results are held at once at most."""
STORE = 256 * 2**20
"""Bytes of memory that a cluster of this machine shares results in; more of them go to its disk."""
LONGEST_FOLDER = 42
"""Characters of the folder that Ray makes its sockets in: their paths may have 107."""

_loaded: dict[str, Callable[[Any], Any]] = {}
"""In a worker: what the pieces of the latest `map`s need."""
KEPT = 2
"""`map`s whose models a worker holds: that of an evaluation's pictures may run beside that of other evaluations."""


@contextlib.contextmanager
def joined(address: str | None, workers: int | None) -> Iterator[Ray]:
    """A cluster that is joined, or started; see `opening.opened`. One that this process has joined already is used."""
    ray = require("ray", "ray")
    if workers is not None and workers < 1:
        raise SpecsightError(f"--engine-workers {workers}: give 1 or more")
    if ray.is_initialized():
        yield Ray(ray, workers or _processors(ray))
        return
    address = address or os.environ.get(ADDRESS) or None
    with contextlib.ExitStack() as stack:
        _start(ray, address, workers, stack)
        yield Ray(ray, workers or _processors(ray))


def _start(ray: Any, address: str | None, workers: int | None, stack: contextlib.ExitStack) -> None:
    """Join the cluster at `address`, or start one; `stack` leaves it again."""
    # Nothing is told to Ray's authors, and no page is served.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    stack.callback(_set_signals, {number: signal.getsignal(number) for number in STOPPING})
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "namespace": "specsight"}
    if address is None:
        folder = stack.enter_context(temporary_folder("ray"))
        common |= {
            "address": "local",
            "num_cpus": workers or usable_processors(),
            "num_gpus": 0,
            "include_dashboard": False,
            "object_store_memory": STORE,
        }
        if len(str(folder)) <= LONGEST_FOLDER:
            common["_temp_dir"] = str(folder)
    else:
        common["address"] = address
    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        ray.init(**common)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        where = f"no Ray cluster answers at '{address}'" if address else "Ray did not start"
        raise SpecsightError(f"{where}: {words[:300]}") from error
    finally:
        # Ray answers signals in its own way; ours end a command in one line.
        _set_signals(before)
    stack.callback(ray.shutdown)


def _set_signals(answers: dict[int, Any]) -> None:
    for number, answer in answers.items():
        # Only the main thread may, and only it was asked by Ray.
        with contextlib.suppress(ValueError, TypeError):
            signal.signal(number, answer)


def _processors(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


class Ray(Engine):
    """The workers of a cluster that this process has joined."""

    elsewhere = True
    chunk = 4

    def __init__(self, ray: Any, workers: int) -> None:
        self.workers = workers
        self._ray = ray
        self._task = ray.remote(num_cpus=1, max_retries=ATTEMPTS, scheduling_strategy="SPREAD")(_work)

    def map(self, make: Callable[[], Callable[[Piece], Result]], pieces: Iterable[Piece]) -> Iterator[Result]:
        """See `Engine.map`. Whatever ends it early, tasks that were not needed any more are cancelled."""
        ray = self._ray
        recipe = [ray.put(partial(_prepared, make, max_megapixels(), str(Path.cwd())))]
        key = uuid.uuid4().hex
        begun: deque[Any] = deque()
        running: set[Any] = set()
        todo = iter(pieces)
        exhausted = False
        try:
            while True:
                while not exhausted and len(running) < self.workers and len(begun) < AHEAD * self.workers:
                    try:
                        piece = next(todo)
                    except StopIteration:
                        exhausted = True
                        break
                    task = self._task.remote(key, recipe, piece)
                    begun.append(task)
                    running.add(task)
                if not begun:
                    return
                if begun[0] in running:
                    done, _ = ray.wait(list(running), num_returns=1)
                    running.difference_update(done)
                else:
                    yield self._result(begun.popleft())
        finally:
            for task in running:
                ray.cancel(task)

    def _result(self, task: Any) -> Any:
        ray = self._ray
        try:
            result, mistake = ray.get(task)
        except (ray.exceptions.RayTaskError, ray.exceptions.TaskCancelledError):
            raise
        except ray.exceptions.RayError as error:
            words = " ".join(str(error).split())
            raise SpecsightError(
                f"a worker was lost {ATTEMPTS + 1} times at the same piece of work ({words[:200]}); what was "
                "finished is kept, run the same command again to go on"
            ) from error
        if mistake is not None:
            raise SpecsightError(mistake)
        return result


def _prepared(make: Callable[[], Any], megapixels: float, folder: str) -> Any:
    """In a worker: what `make` gives, under the limits and in the current folder of whoever asked."""
    set_max_megapixels(megapixels)
    try:
        os.chdir(folder)
    except OSError as error:
        raise SpecsightError(
            f"'{folder}' is not there for a worker on {platform.node()}: work on storage that all machines share"
        ) from error
    return make()


def _work(key: str, recipe: list[Any], piece: Any) -> tuple[Any, str | None]:
    """In a worker: the result of a piece, or a person's mistake in one line; a defect of ours raises."""
    import ray

    try:
        if key not in _loaded:
            if len(_loaded) >= KEPT:
                _loaded.pop(next(iter(_loaded)))
            _loaded[key] = ray.get(recipe[0])()
        return _loaded[key](piece), None
    except SpecsightError as error:
        return None, str(error)
