"""Anomaly maps as a line keeps them: small, and fine enough to check an explanation against.

In and out: (H, W) float32, higher = more anomalous. Kept as a PNG of 16 bits that names its range, so that a value is
off by at most 1/131070 of the map's range; longer sides than `SIDE` are scaled by area means.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from specsight.errors import SpecsightError

SIDE = 512
"""Longest side of a kept map in pixels: maps are interpolated from grids of fewer cells than that."""
RANGE = "specsight-range"
LEVELS = 65535


def encode_kept(map_: NDArray[np.float32]) -> bytes:
    """A map as it is kept."""
    height, width = map_.shape
    if max(height, width) > SIDE:
        scale = SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        map_ = np.asarray(cv2.resize(map_, size, interpolation=cv2.INTER_AREA), np.float32)
    low, high = float(map_.min()), float(map_.max())
    spread = high - low or 1.0
    levels = np.round((map_.astype(np.float64) - low) / spread * LEVELS).astype(np.uint16)
    about = PngInfo()
    about.add_text(RANGE, f"{low!r} {low + spread!r}")
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG", pnginfo=about, compress_level=1)
    return buffer.getvalue()


def decode_kept(content: bytes, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
    """A kept map, (H, W), scaled to `size` where one is given. Raises SpecsightError for bytes that hold none."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            low, high = map(float, str(image.info[RANGE]).split())
            levels = np.asarray(image, np.float64)
    except Exception as error:  # decoders leak errors of any kind
        raise SpecsightError("what is kept of this map is damaged") from error
    map_ = (low + levels / LEVELS * (high - low)).astype(np.float32)
    if size is None or map_.shape == size:
        return map_
    return np.asarray(cv2.resize(map_, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
