"""Channels beside colours and depth → arrays: normals, organised clouds, pictures under other lights, any other.

In: a file and the name of what it holds. Out: (H, W) or (H, W, C), upright, NaN where unknown. Nothing is resized.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import UnreadableFile
from specsight.images.colours import read_rgb
from specsight.images.depth import read_cloud, stored_array
from specsight.records import NORMALS, XYZ

_LIGHT = re.compile(r"light(_.*)?")
_LENGTHS = (0.5, 1.5)
"""Between which the length of nearly every stored normal lies, whatever rounding and compression did to it."""
_MOST_ODD = 0.1
"""Share of stored normals that may have another length."""


def is_light(name: str) -> bool:
    """Whether a signal is a picture of the same view under another light: "light", "light_1", ..."""
    return _LIGHT.fullmatch(name) is not None


def read_signal(
    name: str,
    path: str | Path,
    bits: int | None = None,
    max_pixels: int | None = None,
    unit_mm: float = 1.0,
) -> NDArray[Any]:
    """The channels of a file that holds the signal `name`; see `Picture.signals` for what each name means.

    `bits`: as for `read_colours`, of pictures under other lights. `unit_mm`: millimetres of one unit of a cloud. Raises
    UnreadableFile for a file that cannot be read or holds something else.
    """
    path = Path(path)
    if is_light(name):
        return read_rgb(path, bits, max_pixels)
    if name == NORMALS:
        return _normals(stored_array(path, max_pixels), path)
    if name == XYZ:
        cloud = read_cloud(path, max_pixels, unit_mm)
        if cloud is None:
            raise UnreadableFile(f"{XYZ} '{path}' holds no cloud: expected (H, W, 3) for x, y, z")
        return _with_something(cloud, name, path)
    raw = stored_array(path, max_pixels)
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[..., 0]
    if raw.ndim not in (2, 3) or raw.dtype.kind not in "fiub":
        raise UnreadableFile(
            f"{name} '{path}' is {raw.shape} {raw.dtype}: expected (H, W) or (H, W, C) of numbers"
        )
    values = raw.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return _with_something(values, name, path)


def _normals(raw: NDArray[Any], path: Path) -> NDArray[np.float32]:
    """Unit vectors (H, W, 3): floating point as it is, integers spread over [-1, 1]; zero length is unknown."""
    if raw.ndim != 3 or raw.shape[2] not in (3, 4) or raw.dtype.kind not in "fu":
        raise UnreadableFile(f"{NORMALS} '{path}' is {raw.shape} {raw.dtype}: expected (H, W, 3) for x, y, z")
    vectors = raw[..., :3].astype(np.float32)
    unknown = ~np.isfinite(vectors).all(axis=2) | (vectors == 0).all(axis=2)
    if raw.dtype.kind == "u":
        half = np.iinfo(raw.dtype).max / 2
        vectors = (vectors - np.float32(half)) / np.float32(half)
    length = np.sqrt((vectors * vectors).sum(axis=2))
    known = length[~unknown]
    odd = (known < _LENGTHS[0]) | (known > _LENGTHS[1])
    if known.size and odd.mean() > _MOST_ODD:
        raise UnreadableFile(
            f"{NORMALS} '{path}' holds no unit vectors: store x, y, z in [-1, 1], or spread over the range of integers"
        )
    vectors = vectors / np.maximum(length, np.finfo(np.float32).tiny)[..., None]
    vectors[unknown | (length < _LENGTHS[0])] = np.nan
    return _with_something(vectors, NORMALS, path)


def _with_something(values: NDArray[np.float32], name: str, path: Path) -> NDArray[np.float32]:
    if np.isnan(values).all():
        raise UnreadableFile(f"{name} '{path}' holds no measurement: measure again")
    return values
