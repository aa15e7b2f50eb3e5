"""Facts about this machine and its installation that several rooms ask for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from importlib import metadata

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals by which a person or a system asks a process to end; Windows has no SIGHUP."""


def usable_processors() -> int:
    """Processors this process may run on (a container may offer fewer than the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def leave_signals_to_parent() -> None:
    """In a worker process: ignore `STOPPING`, which the parent answers for all; end when the parent has ended."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """In a process that `multiprocessing` started: end as soon as the parent has ended, whatever ended it."""
    threading.Thread(target=_follow_parent, name="end with parent", daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def version_of(library: str) -> str | None:
    """Installed version, or None."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
