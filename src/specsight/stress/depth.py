"""Depth that is incomplete, coarse, or not where the colours are. In and out: depth in mm, NaN where unknown."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.records import DEPTH, XYZ, Picture
from specsight.stress.picture import depth_of, measured
from specsight.stress.stressor import Stressor, stressors

DIRECTIONS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""(rows, columns) of a shift by one pixel."""


def dropout(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """`level` percent of the measured pixels become unknown: in patches and single points, first on steep flanks.

    That is where triangulation loses its line and where stereo finds no match.
    """
    depth = depth_of(picture)
    known = np.isfinite(depth)
    lost = round(int(known.sum()) * level / 100)
    if lost == 0:
        return picture
    chance = _patches(picture.size, random) + 0.7 * random.standard_normal(picture.size) + 0.7 * _steep(depth)
    chance[~known] = -np.inf
    gone = np.zeros(picture.size, bool)
    gone.flat[np.argpartition(chance.ravel(), -lost)[-lost:]] = True

    def without(values: NDArray[np.float32]) -> NDArray[np.float32]:
        changed = np.array(values, np.float32)
        changed[gone] = np.nan
        return changed

    return measured(picture, without)


def quantise(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """Depth, and z of coordinates, in whole steps of `level` mm, as a sensor of that resolution gives it."""
    step = np.float64(level)

    def in_steps(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.round(values / step) * step, np.float32)

    changed = replace(picture, depth=in_steps(depth_of(picture)))
    if XYZ not in picture.signals:
        return changed
    cloud = np.array(picture.signals[XYZ], np.float32)
    cloud[..., 2] = in_steps(cloud[..., 2])
    return replace(changed, signals={**picture.signals, XYZ: cloud})


def shift(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """Depth moved by `level` pixels against the colours, up, down, left or right; what nothing moved into is unknown.

    On a strip that closes in itself, columns come round.
    """
    rows, columns = (int(level) * one for one in DIRECTIONS[int(random.integers(len(DIRECTIONS)))])

    def moved(values: NDArray[np.float32]) -> NDArray[np.float32]:
        away = np.roll(values, (rows, columns), (0, 1))
        if rows:
            away[slice(0, rows) if rows > 0 else slice(rows, None)] = np.nan
        if columns and not picture.circular:
            away[:, slice(0, columns) if columns > 0 else slice(columns, None)] = np.nan
        return away

    return measured(picture, moved)


def _patches(size: tuple[int, int], random: np.random.Generator) -> NDArray[np.float64]:
    """(H, W) smooth noise of deviation 1, in patches of a fiftieth of the shorter side."""
    noise = cv2.GaussianBlur(random.standard_normal(size), (0, 0), max(1.0, min(size) / 50))
    return np.asarray(noise / (noise.std() or 1.0), np.float64)


def _steep(depth: NDArray[np.float32]) -> NDArray[np.float64]:
    """(H, W) how steep depth is, as a rank from -1 to 1: mm and scale do not matter."""
    filled = np.where(np.isfinite(depth), depth, np.nanmedian(depth)).astype(np.float64)
    smooth = cv2.GaussianBlur(filled, (0, 0), 1.0)
    # One row has no slope from row to row.
    down, right = (
        np.gradient(smooth, axis=k) if smooth.shape[k] > 1 else np.zeros(smooth.shape) for k in (0, 1)
    )
    slope = np.hypot(down, right).ravel()
    rank = np.empty(slope.size)
    rank[np.argsort(slope, kind="stable")] = np.linspace(-1, 1, slope.size)
    return rank.reshape(depth.shape)


stressors.register("depth_dropout")(
    Stressor(
        "Depth dropout",
        "measured pixels become unknown, in patches and points, first on steep flanks",
        "% of the measured pixels lost",
        (10.0, 30.0, 60.0),
        99.0,
        (DEPTH,),
        dropout,
    )
)
stressors.register("depth_quantisation")(
    Stressor(
        "Depth quantisation",
        "depth in whole steps, as a sensor of that resolution gives it",
        "step in mm",
        (0.1, 0.25, 0.5),
        100.0,
        (DEPTH,),
        quantise,
    )
)
stressors.register("misregistration")(
    Stressor(
        "Misregistration",
        "depth lies beside the colours, shifted along one axis",
        "px",
        (1.0, 2.0, 4.0),
        64.0,
        (DEPTH,),
        shift,
        whole=True,
    )
)
