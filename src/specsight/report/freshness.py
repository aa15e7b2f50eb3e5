"""Whether a page on disk says what its folder holds: pages carry a digest of what they were drawn from.

In: the files of a folder and the program that draws. Out: a digest; a page with the same one need not be drawn again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path

from specsight.runs import folder
from specsight.version import __version__

DRAWN_FROM = "specsight-drawn-from"
"""Name of the page's `meta` entry that holds the digest."""
SOURCES = (
    folder.CONFIG,
    folder.PREDICTIONS,
    folder.SKIPPED,
    folder.FITS,
    folder.METRICS,
    folder.CURVES,
    folder.ENVIRONMENT,
)
"""Files of a run folder that its page is drawn from; maps change with the lines of their predictions."""
HEAD = 4096
"""Bytes at the start of a page among which the entry stands."""


def drawn_from(path: Path, names: Iterable[str] = SOURCES) -> str:
    """Digest of the named files of the folder `path` and of what draws them."""
    digest = hashlib.sha256(drawn_by().encode("ascii"))
    for name in names:
        file = path / name
        digest.update(f"{name}:".encode())
        if file.is_file():
            with file.open("rb") as handle:
                while block := handle.read(1 << 20):
                    digest.update(hashlib.sha256(block).digest())
    return digest.hexdigest()


def is_current(path: Path) -> bool:
    """Whether the page in the run folder `path` was drawn from what the folder holds now."""
    page = path / folder.PAGE
    if not page.is_file():
        return False
    with page.open("rb") as handle:
        head = handle.read(HEAD)
    return f'name="{DRAWN_FROM}" content="{drawn_from(path)}"'.encode("ascii") in head


@cache
def drawn_by() -> str:
    """Digest of the program that draws: its version and the source of this room."""
    digest = hashlib.sha256(__version__.encode())
    room = resources.files("specsight.report")
    for part in (room, room / "templates"):
        for file in sorted(part.iterdir(), key=lambda f: f.name):
            if file.name.endswith((".py", ".j2", ".css", ".js")):
                digest.update(file.read_bytes())
    return digest.hexdigest()
