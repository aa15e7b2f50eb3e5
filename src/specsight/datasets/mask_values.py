"""Which values a mask holds: for the layouts where only the mask's pixels tell the defect types."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from specsight.datasets.parallel import map_in_threads


def values_in(masks: Iterable[Path], what: str) -> dict[Path, list[int]]:
    """Distinct values other than 0 of each mask, rising; `what` names the progress bar."""
    paths = list(masks)
    return dict(zip(paths, map_in_threads(_values, paths, what), strict=True))


def _values(path: Path) -> list[int]:
    import numpy as np

    from specsight.images import read_mask

    return [int(v) for v in np.unique(read_mask(path)) if v != 0]
