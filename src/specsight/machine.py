"""Facts about this machine and its installation that several rooms ask for."""

from __future__ import annotations

import os
from importlib import metadata


def usable_processors() -> int:
    """Processors this process may run on (a container may offer fewer than the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def version_of(library: str) -> str | None:
    """Installed version, or None."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
