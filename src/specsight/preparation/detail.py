"""How much detail of a picture is lost when it is shrunk, measured where it shows structure.

In: a picture's pixels. Out: a share in [0, 1]. What varies within one cell of the encoder's grid at the standard
resolution is detail; what of it does not come back after shrinking and enlarging is lost. Sensor noise is no detail:
its part is estimated and taken off. Regions without structure beyond noise, such as an even background, do not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = 12
"""Blocks along the shorter side, in each of which the loss is measured."""
QUANTILE = 0.75
"""Of the blocks' losses: the finest quarter of the product decides, not its average."""
LEAST_VARIANCE = 4.0
"""Grey levels squared beyond noise that make structure."""
NOISE_FACTOR = 3.0
"""Structure must vary by this many times the noise's variance, too."""
QUIET = 0.1
"""Quantile of local deviations that is taken for noise alone."""
NOISE_BLOCK = 16

Plane = NDArray[np.float32]


def lost_detail(rgb: NDArray[np.uint8], resolutions: list[int], cell: float) -> list[float]:
    """Share of detail in [0, 1] that is lost with the shorter side at each of `resolutions` px.

    `rgb` (H, W, 3); `cell`: the encoder's cell at the standard resolution, in pixels of the picture. 0 where the
    picture is not shrunk, and where it shows no structure.
    """
    grey = np.asarray(rgb.mean(2), np.float32)
    short = min(grey.shape)
    block = max(8, short // BLOCKS)
    white = np.random.default_rng(0).normal(0, _noise(grey), grey.shape).astype(np.float32)
    detail = _blocks(np.square(grey - _shrunk(grey, 1 / cell)), block)
    noise = float(np.square(white - _shrunk(white, 1 / cell)).mean())
    shown = detail - noise > LEAST_VARIANCE + NOISE_FACTOR * noise
    losses = []
    for resolution in resolutions:
        if resolution >= short or not shown.any():
            losses.append(0.0)
            continue
        missing = _blocks(np.square(grey - _shrunk(grey, resolution / short)), block)
        of_noise = float(np.square(white - _shrunk(white, resolution / short)).mean())
        shares = (missing[shown] - of_noise) / (detail[shown] - noise)
        losses.append(float(np.clip(np.quantile(shares, QUANTILE), 0, 1)))
    return losses


def _shrunk(grey: Plane, scale: float) -> Plane:
    """A picture shrunk by averaging over areas and enlarged again."""
    import cv2

    height, width = grey.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _noise(grey: Plane) -> float:
    """Standard deviation of the sensor's noise (Immerkær 1996), where the picture is quietest."""
    import cv2

    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    deviations = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)) * np.float32(np.sqrt(np.pi / 2))
    return float(np.quantile(_blocks(deviations, min(NOISE_BLOCK, *grey.shape)), QUIET))


def _blocks(values: Plane, side: int) -> Plane:
    """Means over blocks of `side` × `side` pixels; what is left at the bottom and right belongs to none."""
    rows, columns = (max(1, length // side) for length in values.shape)
    side_y, side_x = (min(side, length) for length in values.shape)
    cropped = values[: rows * side_y, : columns * side_x]
    return np.asarray(cropped.reshape(rows, side_y, columns, side_x).mean((1, 3)), np.float32)
