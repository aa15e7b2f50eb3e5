"""Depth files → (H, W) float32 in mm with NaN where nothing was measured: TIFF, .npy, and integer pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, UnreadableFile
from specsight.images.decoding import check_file, check_pixels, opened, orientation_of, turned, unreadable
from specsight.images.deep import decode_deep, is_deep
from specsight.images.tiff import first_page, is_tiff, page_orientation, stored_values

METRES = 1000.0
"""Millimetres of a metre."""
NO_READING = (-9999.0, -32768.0, 65535.0)
"""What cameras and height maps of floating point write where nothing was measured."""
FARTHEST = 1e6
"""Millimetres from the camera beyond which nothing was measured: a kilometre."""


def read_depth(
    path: str | Path,
    depth_range: tuple[float, float] | None = None,
    max_pixels: int | None = None,
    unit_mm: float = 1.0,
) -> NDArray[np.float32]:
    """Depth (H, W) float32 in mm; NaN where unknown.

    TIFF or .npy with three channels: an organised x, y, z cloud, of which z counts; (0, 0, 0) is unknown. Floating
    point: as it is, `NO_READING` and infinite values unknown. Integers with `depth_range` (minimum, maximum): their
    full range is spread over it. Integers without: as they are, and 0 is unknown, as depth cameras write it, and 65535
    of 16 bits.

    All of it is multiplied by `unit_mm`, the millimetres of one unit (1000: metres), except that integers without a
    range stay millimetres in a file of metres: no camera counts in those. What is farther away than `FARTHEST` then is
    unknown. Raises UnreadableFile for anything else, a picture in colours among it.
    """
    path = Path(path)
    raw = stored_array(path, max_pixels)
    cloud = raw.ndim == 3 and raw.shape[2] == 3
    if cloud and raw.dtype.kind == "u":
        raise UnreadableFile(
            f"depth '{path}' is a picture in colours ({raw.dtype}): give a file of distances, (H, W), or of x, y, z"
        )
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[..., 0]
    if not (cloud or raw.ndim == 2) or raw.dtype.kind not in "fiu":
        raise UnreadableFile(
            f"depth '{path}' is {raw.shape} {raw.dtype}: expected (H, W), or (H, W, 3) for x, y, z"
        )
    if cloud:
        return np.ascontiguousarray(_cloud(raw, unit_mm)[..., 2])
    if raw.dtype.kind == "f":
        return _measured(raw, np.isin(raw, NO_READING), unit_mm)
    if depth_range is not None:
        low, high = depth_range
        spread = raw / np.iinfo(raw.dtype).max * (high - low) + low
        return _measured(spread, np.zeros(raw.shape, bool), unit_mm)
    full = raw == np.iinfo(np.uint16).max if raw.dtype == np.uint16 else np.zeros(raw.shape, bool)
    return _measured(raw, (raw == 0) | full, 1.0 if unit_mm >= METRES else unit_mm)


def read_cloud(
    path: str | Path, max_pixels: int | None = None, unit_mm: float = 1.0
) -> NDArray[np.float32] | None:
    """x, y and z (H, W, 3) float32 in mm of an organised cloud, as `read_depth` reads its z; None: it is no cloud."""
    raw = stored_array(Path(path), max_pixels)
    if raw.ndim != 3 or raw.shape[2] != 3 or raw.dtype.kind not in "fi":
        return None
    return _cloud(raw, unit_mm)


def stored_array(path: Path, max_pixels: int | None = None) -> NDArray[Any]:
    """Values of a TIFF, a .npy or a picture as stored, at full depth, (H, W) or (H, W, C), upright.

    Raises UnreadableFile where there is no such file.
    """
    check_file(path)
    if path.suffix.lower() == ".npy":
        return _read_npy(path, max_pixels)
    if is_tiff(path):
        with first_page(path, max_pixels) as page:
            return turned(stored_values(path, page), page_orientation(page))
    with opened(path, max_pixels) as image:
        stored = decode_deep(image, path).values if is_deep(image, path) else np.asarray(image)
        return turned(stored, orientation_of(image))


def _cloud(raw: NDArray[Any], unit_mm: float) -> NDArray[np.float32]:
    unknown = (raw == 0).all(axis=2) | np.isin(raw[..., 2], NO_READING)
    return _measured(raw, np.broadcast_to(unknown[..., None], raw.shape), unit_mm)


def _measured(values: NDArray[Any], unknown: NDArray[np.bool_], unit_mm: float) -> NDArray[np.float32]:
    """`values` in mm, NaN where they are `unknown` or not `plausible`."""
    measured = np.where(unknown, np.nan, values)
    if unit_mm != 1:
        with np.errstate(over="ignore"):
            measured = measured * unit_mm
    return plausible(measured)


def plausible(values: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers in float32, NaN where they are not finite or lie farther than `FARTHEST` from 0, as no sensor measures:
    their squares would be infinite."""
    # Files of 64 bits may hold what no 32 bits do.
    with np.errstate(over="ignore", invalid="ignore"):
        measured: NDArray[np.float32] = values.astype(np.float32)
        measured[~(np.abs(measured) <= FARTHEST)] = np.nan
    return measured


def _read_npy(path: Path, max_pixels: int | None) -> NDArray[Any]:
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        if stored.ndim >= 2:
            check_pixels(path, stored.shape[0], stored.shape[1], max_pixels, int(np.prod(stored.shape[2:])))
        return np.array(stored)
    except SpecsightError:
        raise
    except Exception as error:  # the reader of headers leaks OverflowError, RecursionError, ...
        raise unreadable(path, error) from error
