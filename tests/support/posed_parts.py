"""An asymmetric part on an even ground, rotated and shifted as asked."""

from __future__ import annotations

import cv2
import numpy as np


def posed_part(
    seed: int,
    degrees: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    side: int = 160,
    noise: float = 2.0,
) -> np.ndarray:
    """Picture (side, side, 3): the part turned counter-clockwise by `degrees`, then shifted by (rows, columns) px."""
    scale = side / 160
    drawn = np.full((side, side, 3), 205, np.uint8)
    for (left, top, right, bottom), colour in (
        ((35, 68, 125, 88), (60, 66, 70)),
        ((35, 45, 55, 88), (120, 70, 60)),
        ((100, 62, 112, 94), (60, 90, 130)),
    ):
        first, last = (round(left * scale), round(top * scale)), (round(right * scale), round(bottom * scale))
        cv2.rectangle(drawn, first, last, colour, -1)
    for k in range(6):
        x = round((62 + 6 * k) * scale)
        cv2.line(drawn, (x, round(70 * scale)), (x, round(86 * scale)), (30, 30, 35), max(1, round(scale)))
    middle = (side - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    turn[:, 2] += shift[1], shift[0]
    posed = cv2.warpAffine(drawn, turn, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    noisy = posed + np.random.default_rng(seed).normal(0, noise, posed.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def grains(seed: int, side: int = 160) -> np.ndarray:
    """A texture (side, side, 3) that lies nowhere."""
    grey = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (side, side)), (0, 0), 2)
    return np.repeat(np.clip(128 + 150 * grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
