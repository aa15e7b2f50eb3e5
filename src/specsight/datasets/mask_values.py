"""Which labels masks hold, and whether they are empty, for layouts where only a mask's pixels tell the types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from specsight.datasets.parallel import map_in_threads
from specsight.errors import SpecsightError

T = TypeVar("T")

MOST_LABELS = 32
"""A mask with more distinct values than this holds no labels: it was saved as JPEG, or smoothed."""


def labels_in(masks: Iterable[Path], what: str) -> dict[Path, list[int]]:
    """Distinct values other than 0 of each mask, rising; `what` names the progress bar.

    None for a mask that cannot be read and for one without labels (more than 32 values): its pictures keep their
    label, and the mask is told of where it is used.
    """
    return _of_each(_labels, masks, what)


def marks_in(masks: Iterable[Path], what: str) -> dict[Path, bool]:
    """Whether each mask marks something. Raises `UnreadableFile` for one that cannot be read."""
    return _of_each(_marks, masks, what)


def without_labels_note(masks: Iterable[Path], labels: dict[Path, list[int]], what: str) -> list[str]:
    """One note where masks hold no labels; none where all do."""
    without = [mask for mask in masks if not labels[mask]]
    if not without:
        return []
    return [
        f"{what}: {len(without)} mask(s) without labels (unreadable, empty, or with more than {MOST_LABELS} values, as "
        f"JPEG and smoothing make them), whose defects are not told apart: '{without[0]}'"
        + (", ..." if len(without) > 1 else "")
    ]


def _of_each(read: Callable[[Path], T], masks: Iterable[Path], what: str) -> dict[Path, T]:
    paths = list(masks)
    return dict(zip(paths, map_in_threads(read, paths, what), strict=True))


def _labels(path: Path) -> list[int]:
    import numpy as np

    from specsight.images import read_mask

    try:
        values = [int(v) for v in np.unique(read_mask(path)) if v != 0]
    except SpecsightError:
        return []
    return values if len(values) <= MOST_LABELS else []


def _marks(path: Path) -> bool:
    from specsight.images import marked, read_mask

    return bool(marked(read_mask(path)).any())
