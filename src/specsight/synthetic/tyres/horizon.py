"""What a height field hides from its own points: the horizon in eight directions, the open sky, a lamp's shadow.

Horizons are exact at the nearest pixels, where a groove's edge or a letter's foot makes its crisp dark line, and taken
at half the resolution farther away. A lamp has a height: its shadow is swept once for each of several elevations, so
that it is sharp at the foot of a letter and soft at its end.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field
from specsight.synthetic.tyres.conditions import Light

_DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
"""(dx, dy) of the sectors, 45° apart, as in `reflection.SECTORS`."""
_NEAR_PX = (1, 2, 3)
_FAR_PX = (2, 3, 5, 8, 13, 21, 34, 55)
"""At half the resolution."""
_FAR_MM = 16.0

_SOFTNESS_MM = 0.10
_LAMP_STEPS = (-0.9, -0.3, 0.3, 0.9)
_DEEPEST_MM = 8.0
_UPSTREAM_PX = 160


def horizons(height: Field, mm_per_px: float) -> list[Field]:
    """Of every pixel, per direction: the steepest slope (tangent) up to what stands there, at least 0."""
    rows, columns = height.shape
    half = cv2.resize(height, ((columns + 1) // 2, (rows + 1) // 2), interpolation=cv2.INTER_AREA)
    reach = [r for r in _FAR_PX if 2 * r * mm_per_px <= _FAR_MM] or [_FAR_PX[0]]
    far = _steepest(half, reach, 2 * mm_per_px)
    near = _steepest(height, _NEAR_PX, mm_per_px)
    for slope, distant in zip(near, far):
        np.maximum(slope, cv2.resize(distant, (columns, rows), interpolation=cv2.INTER_LINEAR), out=slope)
    return near


def open_sky(horizons: list[Field], normals: Field) -> Field:
    """(rows, columns) in (0, 1]: the share of an even sky above its own plane that a point sees, cosine-weighted."""
    total = np.zeros_like(horizons[0])
    tilt = np.maximum(normals[..., 2], np.float32(0.05))
    slope_x, slope_y = -normals[..., 0] / tilt, -normals[..., 1] / tilt
    for horizon, (dx, dy) in zip(horizons, _DIRECTIONS):
        length = math.hypot(dx, dy)
        own = slope_x * np.float32(dx / length) + slope_y * np.float32(dy / length)
        above = horizon - np.maximum(own, 0)
        np.maximum(above, 0, out=above)
        total += 1 / (1 + above * above)
    total *= np.float32(1 / len(horizons))
    return total


def over_horizon(horizon: Field, low: float, high: float) -> Field:
    """The share of a lamp between two elevations (degrees) that stands above a horizon."""
    lower, upper = math.tan(math.radians(low)), math.tan(math.radians(high))
    share: Field = np.clip((np.float32(upper) - horizon) * np.float32(1 / (upper - lower)), 0, 1)
    return share


def sunlit(height: Field, light: Light, half_height: float, mm_per_px: float) -> Field:
    """(rows, columns) in [0, 1]: how much of a lamp, 2 · `half_height` degrees high, a point sees."""
    azimuth = math.radians(light.azimuth)
    dx, dy = math.cos(azimuth), math.sin(azimuth)
    elevations = [light.elevation + half_height * step for step in _LAMP_STEPS]
    if abs(dx) < abs(dy):
        return np.ascontiguousarray(_sunlit_along_rows(height.T, dy, dx, elevations, mm_per_px).T)
    return _sunlit_along_rows(height, dx, dy, elevations, mm_per_px)


def _steepest(height: Field, reach: list[int] | tuple[int, ...], mm_per_px: float) -> list[Field]:
    rows, columns = height.shape
    margin = max(reach)
    padded = cv2.copyMakeBorder(height, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    slope = np.empty_like(height)
    steepest = []
    for dx, dy in _DIRECTIONS:
        best = np.zeros_like(height)
        for r in reach:
            top, left = margin + dy * r, margin + dx * r
            np.subtract(padded[top : top + rows, left : left + columns], height, out=slope)
            slope *= np.float32(1 / (r * mm_per_px * math.hypot(dx, dy)))
            np.maximum(best, slope, out=best)
        steepest.append(best)
    return steepest


def _sunlit_along_rows(
    height: NDArray[np.float32], along: float, across: float, elevations: list[float], mm_per_px: float
) -> Field:
    """Shear the field so that the light runs along rows, keep the running horizon, shear back."""
    shear = round(across / along, 9)
    falls = [np.float32(math.tan(math.radians(e)) * mm_per_px / abs(along)) for e in elevations]
    # Slanting light enters over rows of which the canvas shows only a part: let the relief go on upstream.
    upstream = 0 if shear == 0 else min(_UPSTREAM_PX, math.ceil(_DEEPEST_MM / float(min(falls))))
    before, after = (0, upstream) if along > 0 else (upstream, 0)
    if upstream:
        height = cv2.copyMakeBorder(height, 0, 0, before, after, cv2.BORDER_REPLICATE)
    rows, columns = height.shape
    extra = math.ceil(abs(shear) * columns)
    forward = np.asarray([[1, 0, 0], [-shear, 1, extra if shear > 0 else 0]], np.float32)
    sheared = height
    if extra:
        size = (columns, rows + extra)
        sheared = cv2.warpAffine(height, forward, size, borderMode=cv2.BORDER_REPLICATE)
    if along > 0:
        sheared = sheared[:, ::-1]
    steps = np.arange(columns, dtype=np.float32)
    lit = np.zeros(sheared.shape, np.float32)
    for fall in falls:
        rays = sheared + fall * steps
        above = np.maximum.accumulate(rays, axis=1)
        above -= rays
        above *= np.float32(-1 / _SOFTNESS_MM)
        lit += np.exp(above, out=above)
    lit *= np.float32(1 / len(falls))
    if along > 0:
        lit = lit[:, ::-1]
    lit = np.ascontiguousarray(lit)
    if extra:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        lit = cv2.warpAffine(lit, forward, (columns, rows), flags=flags)
    cropped: Field = lit[:, before : columns - after]
    return cropped
