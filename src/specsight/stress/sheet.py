"""Contact sheets: one picture under a stressor at every level, side by side, the clean one first.

In: a sample or picture. Out: (H, W, 3) uint8, and JPEG. Depth is drawn as relief, unknown pixels in magenta.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.records import RGB, Picture, Sample
from specsight.stress.applying import apply, seed_of
from specsight.stress.stressor import stressors

SIDE = 192
"""Height of a picture on a sheet, in pixels."""
GAP = 4
UNKNOWN = (214, 39, 160)
"""Colour of unknown depth."""


def encoded(sample: Sample, name: str, seed: int = 0) -> bytes:
    """The sheet of a sample on disk as JPEG. Raises SpecsightError where it cannot be read or stressed."""
    drawn = of_picture(images.load_picture(sample), name, seed_of(sample.id, seed))
    return cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def of_picture(
    picture: Picture, name: str, seed: int, levels: Sequence[float] | None = None
) -> NDArray[np.uint8]:
    """The picture at level 0 and at `levels` (None: those of the stressor), from left to right."""
    chosen = stressors[name].levels if levels is None else levels
    stressed = [apply(picture, name, level, seed) for level in (0, *chosen)]
    shown = [_small(one.rgb if RGB in stressors[name].touches else relief(one)) for one in stressed]
    gap = np.full((shown[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([one for panel in shown for one in (panel, gap)][:-1], axis=1)


def relief(picture: Picture) -> NDArray[np.uint8]:
    """Depth as a surface lit from the upper left, (H, W, 3); black where the picture has none."""
    if picture.depth is None or np.isnan(picture.depth).all():
        return np.zeros_like(picture.rgb)
    known = np.isfinite(picture.depth)
    height = np.where(known, picture.depth, np.nanmedian(picture.depth)).astype(np.float32)
    height -= cv2.GaussianBlur(height, (0, 0), min(height.shape) / 8)
    down, right = np.gradient(cv2.GaussianBlur(height, (0, 0), 0.8))
    slope = -(down + right)
    spread = float(np.percentile(np.abs(slope[known]), 98)) or 1.0
    grey = np.clip(128 + 100 * slope / spread, 0, 255).astype(np.uint8)
    drawn = np.repeat(grey[..., None], 3, axis=2)
    drawn[~known] = UNKNOWN
    return drawn


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    size = (max(1, round(width * SIDE / height)), SIDE)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
