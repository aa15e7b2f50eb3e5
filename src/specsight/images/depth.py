"""Depth files → (H, W) float32 with NaN where nothing was measured: TIFF, .npy, and integer pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import UnreadableFile
from specsight.images.decoding import check_file, check_pixels, opened, orientation_of, turned, unreadable
from specsight.images.deep import decode_deep, is_deep
from specsight.images.tiff import first_page, is_tiff, page_orientation, stored_values


def read_depth(
    path: str | Path, depth_range: tuple[float, float] | None = None, max_pixels: int | None = None
) -> NDArray[np.float32]:
    """Depth (H, W) float32 in the file's unit; NaN where unknown.

    TIFF or .npy with three channels: an organised x, y, z cloud, of which z counts; (0, 0, 0) is unknown. Floating
    point: as it is. Integers with `depth_range` (minimum, maximum): their full range is spread over it. Integers
    without: as they are, and 0 is unknown, as depth cameras write it. Infinite values are unknown too.
    """
    path = Path(path)
    check_file(path)
    if path.suffix.lower() == ".npy":
        raw = _read_npy(path, max_pixels)
    elif is_tiff(path):
        with first_page(path, max_pixels) as page:
            raw = turned(stored_values(path, page), page_orientation(page))
    else:
        with opened(path, max_pixels) as image:
            stored = decode_deep(image, path).values if is_deep(image, path) else np.asarray(image)
            raw = turned(stored, orientation_of(image))
    return _depth(raw, depth_range, path)


def _read_npy(path: Path, max_pixels: int | None) -> NDArray[Any]:
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        if stored.ndim >= 2:
            check_pixels(path, stored.shape[0], stored.shape[1], max_pixels)
        return np.array(stored)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error


def _depth(raw: NDArray[Any], depth_range: tuple[float, float] | None, path: Path) -> NDArray[np.float32]:
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[..., 0]
    if raw.ndim not in (2, 3) or (raw.ndim == 3 and raw.shape[2] != 3) or raw.dtype.kind not in "fiu":
        raise UnreadableFile(
            f"depth '{path}' is {raw.shape} {raw.dtype}: expected (H, W), or (H, W, 3) for x, y, z"
        )
    if raw.ndim == 3:
        depth = np.where((raw == 0).all(axis=2), np.nan, raw[..., 2]).astype(np.float32)
    elif raw.dtype.kind == "f":
        depth = raw.astype(np.float32)
    elif depth_range is not None:
        low, high = depth_range
        depth = (raw / np.iinfo(raw.dtype).max * (high - low) + low).astype(np.float32)
    else:
        depth = np.where(raw == 0, np.nan, raw).astype(np.float32)
    depth[~np.isfinite(depth)] = np.nan
    return depth
