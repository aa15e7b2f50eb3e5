"""One-dimensional shapes that the mould is composed of; arrays in, arrays out, millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def smoothstep(t: Field) -> Field:
    """0 below 0, 1 above 1, with flat ends."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def ridge(distance: Field, width: float, flank: float) -> Field:
    """1 within `width` / 2 of the line, sloping to 0 over `flank` outside it."""
    return smoothstep((np.float32(width / 2 + flank) - np.abs(distance)) / np.float32(flank))


def band(position: Field, start: float, end: float, flank: float) -> Field:
    """1 between `start` and `end`, sloping to 0 over `flank` outside them."""
    return ridge(position - np.float32((start + end) / 2), end - start, flank)


def triangle(phase: Field) -> Field:
    """Zigzag of period 1 between -1 and 1."""
    zigzag: Field = (4 * np.abs((phase % 1) - 0.5) - 1).astype(np.float32)
    return zigzag


def wrapped(difference: Field, period: float) -> Field:
    """The representative of `difference` nearest to zero, modulo `period`."""
    half = np.float32(period / 2)
    nearest: Field = (difference + half) % np.float32(period) - half
    return nearest
