"""A fleet follows its store: what goes live anywhere is loaded here, beside the judging, which a swap never stalls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from specsight.line.fleet import Fleet

EVERY = 1.0
"""Seconds between two looks at what is live."""


@contextmanager
def following(fleet: Fleet, tell: Callable[[str], None], every: float = EVERY) -> Iterator[None]:
    """Let the models of `fleet` that are loaded follow their store while the block runs.

    `tell` hears in a line of each version that begins to judge, and, once, why another one cannot be loaded; the former
    one goes on then.
    """
    stop = threading.Event()

    def follow() -> None:
        known: dict[str, str] = {}
        while not stop.wait(every):
            before = {name: one.version for name, one in fleet.loaded().items()}
            problems = fleet.follow_all()
            for name, one in fleet.loaded().items():
                if one.version != before.get(name):
                    tell(f"model: {name} {one.version} judges from now on")
                elif name in problems and problems[name] != known.get(name):
                    tell(f"model: {name} {one.version} goes on judging: {problems[name]}")
            known = problems

    thread = threading.Thread(target=follow, name="following")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
