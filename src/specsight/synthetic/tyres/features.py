"""What good tyres carry, as the words and the truth know it: its kind, and where it lies on the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field
from specsight.synthetic.tyres.geometry import Window

Box = tuple[slice, slice]

ACCEPTABLE = ("yellow balance dot", "spew", "demoulding mark", "chalk mark")
"""Kinds of what is dressed on good tyres and measured as a mark, in the order in which it is put on."""


@dataclass(frozen=True)
class Feature:
    """Something on a good tyre: `mask` within `box` of the canvas; `before` holds (albedo, gloss) under a paint."""

    kind: str
    box: Box
    mask: NDArray[np.bool_]
    before: tuple[Field, Field] | None = None


def box_around(window: Window, row: int, column: int, reach: int) -> tuple[Box, Field, Field]:
    """The box within `reach` pixels of a canvas pixel, and its x (1, w) and y (h, 1) in mm from there."""
    rows, columns = window.canvas
    top, left = max(0, row - reach), max(0, column - reach)
    bottom, right = min(rows, row + reach + 1), min(columns, column + reach + 1)
    y = (np.arange(top, bottom, dtype=np.float32) - row)[:, None] * np.float32(window.mm_per_px)
    x = (np.arange(left, right, dtype=np.float32) - column)[None, :] * np.float32(window.mm_per_px)
    return (slice(top, bottom), slice(left, right)), x, y
