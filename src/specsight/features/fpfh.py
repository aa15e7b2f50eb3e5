"""Fast point feature histograms (Rusu, Blodow and Beetz, ICRA 2009) of an organised cloud: what surrounds each point.

In: depth in mm on a grid. Out: 33 numbers a point: how often each of the three Darboux angles between its normal and
those of its neighbours falls into each of 11 bins, plus the mean of its neighbours' own histograms by distance.
Neighbours are those within a radius; on a grid they are found by shifting it, with no search.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from specsight.features.relief import Plane
from specsight.features.surface import surface_of
from specsight.images.cells import Cells

BINS, ANGLES = 11, 3
RADIUS = 3.5
"""Of a neighbourhood, in steps from one point to the next: 36 neighbours on a flat surface."""
STEP = 4
"""Pixels from one point to the next."""
Box = tuple[slice, slice]


def fpfh(depth: Plane, mm_per_px: float | None) -> tuple[NDArray[np.float32], NDArray[np.bool_], Cells]:
    """Histograms (33, h, w) of points every `STEP` pixels of `depth` (H, W), which of them are known, and their cells.

    Each of the three histograms sums to one; those of unknown points are 0. `mm_per_px`: see `surface_of`.
    """
    pixel = mm_per_px or 1.0
    surface = surface_of(depth, pixel)
    rows, columns = (
        np.arange(STEP // 2, max(size, STEP // 2 + 1), STEP).clip(0, size - 1) for size in depth.shape
    )
    at = np.ix_(rows, columns)
    known = surface.valid[at]
    height = np.where(known, surface.height[at], 0)
    normals = np.moveaxis(surface.normals[at], -1, 0)
    places = np.broadcast_arrays(columns[None] * pixel, rows[:, None] * pixel)
    points = np.stack([*places, height]).astype(np.float32)
    simple, neighbours, near = _simple(points, normals, known, RADIUS * STEP * pixel)
    around = np.zeros_like(simple)
    for here, there, closeness in near:
        # In steps, so that the histogram does not depend on the unit.
        weight = closeness * np.float32(STEP * pixel)
        around[:, here[0], here[1]] += weight * simple[:, there[0], there[1]]
        around[:, there[0], there[1]] += weight * simple[:, here[0], here[1]]
    histograms = simple + around / neighbours
    blocks = histograms.reshape(ANGLES, BINS, *known.shape)
    sums = blocks.sum(1, keepdims=True)
    blocks = np.divide(blocks, sums, out=np.zeros_like(blocks), where=sums > 0) * known
    cells = Cells(known.shape, (float(STEP), float(STEP)))
    return blocks.reshape(histograms.shape).astype(np.float32), known, cells


def _simple(
    points: NDArray[np.float32], normals: NDArray[np.float32], known: NDArray[np.bool_], radius: float
) -> tuple[NDArray[np.float32], Plane, list[tuple[Box, Box, Plane]]]:
    """Histograms of each point and its neighbours alone (33, h, w), how many these are, at least 1, and the pairs.

    A pair: the points, their neighbours, and 1 / distance, 0 where they are none.
    """
    shape = known.shape
    counts = np.zeros((ANGLES * BINS, shape[0] * shape[1]), np.float32)
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    pairs = []
    for here, there in _shifts(shape):
        across = points[:, there[0], there[1]] - points[:, here[0], here[1]]
        distance = np.sqrt((across**2).sum(0))
        near = known[here] & known[there] & (distance <= radius)
        pairs.append((here, there, np.asarray(near / np.maximum(distance, 1e-6), np.float32)))
        angles = _darboux(
            across / np.maximum(distance, 1e-6), normals[:, here[0], here[1]], normals[:, there[0], there[1]]
        )
        for angle, share in enumerate(angles):
            place = np.clip((share[near] * BINS).astype(int), 0, BINS - 1) + angle * BINS
            for ends in (number[here][near], number[there][near]):
                # Of one shift each point is met once: plain addition loses none.
                counts[place, ends] += 1
    found = counts.reshape(-1, *shape)
    neighbours = np.maximum(found[:BINS].sum(0), 1)
    return found / neighbours, neighbours, pairs


def _darboux(
    line: NDArray[np.float32], first: NDArray[np.float32], second: NDArray[np.float32]
) -> tuple[Plane, Plane, Plane]:
    """The angles between two normals (3, h, w) in the frame of one of them, each scaled to [0, 1].

    The frame stands on the point whose normal is closer to the line that joins them (3, h, w), as the paper has it, so
    that a pair has the same angles from either end.
    """
    of_first, of_second = (first * line).sum(0), (second * line).sum(0)
    swap = np.abs(of_first) < np.abs(of_second)
    u, other = np.where(swap, second, first), np.where(swap, first, second)
    line = np.where(swap, -line, line)
    phi = np.where(swap, -of_second, of_first)
    v = np.cross(line, u, axis=0)
    v /= np.maximum(np.sqrt((v**2).sum(0)), 1e-6)
    w = np.cross(u, v, axis=0)
    alpha = (v * other).sum(0)
    theta = np.arctan2((w * other).sum(0), (u * other).sum(0))
    return (alpha + 1) / 2, (phi + 1) / 2, np.asarray((theta + np.pi) / (2 * np.pi))


def _shifts(shape: tuple[int, ...]) -> Iterator[tuple[Box, Box]]:
    """Points and their neighbours, every pair once: shifts down, or to the right in the same row."""
    reach = int(RADIUS)
    for down in range(reach + 1):
        for right in range(-reach, reach + 1):
            if (down == 0 and right <= 0) or down**2 + right**2 > RADIUS**2:
                continue
            if down < shape[0] and abs(right) < shape[1]:
                rows = slice(0, shape[0] - down), slice(down, None)
                left, moved = (
                    slice(max(0, -right), shape[1] - max(0, right)),
                    slice(max(0, right), shape[1] - max(0, -right)),
                )
                yield (rows[0], left), (rows[1], moved)
