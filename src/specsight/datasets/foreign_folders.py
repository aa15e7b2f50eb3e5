"""Folders and files that are no data although pictures lie in them: what systems keep, and results of Specsight.

Known by name (thumbnails and recycle bins of network drives, hidden files) or by what this program writes (run folders,
saved models). No reader looks into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

THUMBNAILS, BIN, SYSTEM, HIDDEN = "thumbnails", "in a recycle bin", "of the system", "hidden"
RESULTS = "results of Specsight"

_NAMES: Mapping[str, str] = {
    "@eadir": THUMBNAILS,
    ".thumbnails": THUMBNAILS,
    ".thumbs": THUMBNAILS,
    "thumbs.db": THUMBNAILS,
    "ehthumbs.db": THUMBNAILS,
    ".@__thumb": THUMBNAILS,
    "$recycle.bin": BIN,
    "recycler": BIN,
    "#recycle": BIN,
    "@recycle": BIN,
    "#snapshot": SYSTEM,
    "@recently-snapshot": SYSTEM,
    "__macosx": SYSTEM,
    "system volume information": SYSTEM,
    "lost+found": SYSTEM,
    "desktop.ini": SYSTEM,
}
"""Name in lower case → whose it is."""

_RESULTS = (
    ("config.yaml", "predictions.jsonl"),
    ("config.yaml", "fits.json"),
    ("metrics.json", "report.html"),
    ("suite.json",),
    ("few_shot.csv", "few_shot.svg"),
    ("detector.json", "checksums.json"),
)
"""Files that lie together in a run folder, in one of several runs, in a saved model."""
_BELOW = frozenset({"overlays", "maps", "models"})
"""Folders that a run folder holds."""


def of_system(name: str) -> str | None:
    """Whose a file or folder of this name is, where it is no data; None for any other name."""
    lower = name.lower()
    if lower in _NAMES:
        return _NAMES[lower]
    if lower.startswith(".trash"):
        return BIN
    return HIDDEN if name.startswith(".") else None


def holds_results(folder: Path) -> bool:
    """Whether `folder` is a run folder, holds the results of several runs, or is a saved model."""
    return any(all((folder / name).is_file() for name in names) for names in _RESULTS)


def within_results(folder: Path) -> bool:
    """Whether `folder` is what `holds_results` finds, or one of the folders in it (such as `overlays/0`)."""
    folder = folder.absolute()
    if holds_results(folder):
        return True
    return any(
        inner.name in _BELOW and holds_results(inner.parent) for inner in (folder, *folder.parents[:2])
    )
