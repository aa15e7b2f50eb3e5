"""On what a run ran: versions, processor, threads, memory. No paths, no names of machine or user."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from specsight.machine import usable_processors, version_of

LIBRARIES = ("numpy", "scipy", "faiss-cpu", "opencv-python-headless", "torch", "transformers")


def describe() -> dict[str, Any]:
    """Facts for `environment.json` and the page."""
    found = {name: version for name in LIBRARIES if (version := version_of(name))}
    return {
        "specsight": version_of("specsight"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_processors(),
        "memory": _memory(),
        "libraries": found,
    }


def peak_memory_mb() -> float | None:
    """The largest resident size of this process so far, in MB; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{total / 2**30:.1f} GiB"
