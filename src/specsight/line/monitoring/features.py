"""A picture → what a line's light, lens and fixture do to it, as a few numbers that need no reference picture.

Position is the middle of the picture's edges, so that no even change of light moves it; a part before a plain
background moves it by just as much as it is shifted. Where a part fills the whole picture it says little.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256
"""Pixels of the longer side at which pictures are measured: larger ones are scaled by area means."""
FEATURES = ("brightness", "sharpness", "row", "column")


def measure(rgb: NDArray[np.uint8]) -> dict[str, float]:
    """Of a picture (H, W, 3):

    brightness: mean luminance, in [0, 255]. sharpness: variance of the Laplacian (Pech-Pacheco et al. 2000, "Diatom
    autofocusing in brightfield microscopy") over that of luminance, so that neither brightness nor contrast changes it;
    0 where the picture is even. row, column: the middle of its edges, in [0, 1] of the picture's height and width.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    scale = SIDE / max(grey.shape)
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    grey = grey.astype(np.float32)
    brightness, contrast = float(grey.mean()), float(grey.var())
    second = cv2.Laplacian(grey, cv2.CV_32F)
    edges = np.asarray(cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)))
    rows, columns = edges.sum(1, dtype=np.float64), edges.sum(0, dtype=np.float64)
    return {
        "brightness": brightness,
        "sharpness": float(second.var()) / contrast if contrast > 0 else 0.0,
        "row": _middle(rows),
        "column": _middle(columns),
    }


def _middle(weights: NDArray[np.float64]) -> float:
    total = float(weights.sum())
    places = (np.arange(len(weights)) + 0.5) / len(weights)
    return float(weights @ places) / total if total > 0 else 0.5
