"""Which values a mask holds: for the layouts where only the mask's pixels tell the defect types."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from specsight.progress import track


def values_in(masks: Iterable[Path], what: str) -> dict[Path, list[int]]:
    """Distinct values other than 0 of each mask, rising; `what` names the progress bar."""
    paths = list(masks)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(paths, track(pool.map(_values, paths), what, total=len(paths)), strict=True))


def _values(path: Path) -> list[int]:
    import numpy as np

    from specsight.images import read_mask

    return [int(v) for v in np.unique(read_mask(path)) if v != 0]
