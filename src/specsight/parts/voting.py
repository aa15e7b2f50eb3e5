"""Labelled pictures that were laid over another one → how likely each part is at each of its places.

Two witnesses add up. The label maps themselves, moved to where their pictures lie, count where the cells that meet
agree: they know borders to the pixel and see nothing of a defect. And each cell asks the labelled cells that look most
like it, near its place rather than far from it, for the labels around them (non-local label fusion, Coupé et al. 2011):
they know what was moved, or is written elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.parts.labelled import Labelled
from specsight.parts.placing import Grid, Placement

NEAR = 1.5
"""Cells that a place may lie off without being much less likely."""
FAR = 4.0
"""Largest penalty of a place, in units of `PLACE_WEIGHT`: what looks alike counts however far it is."""
PLACE_WEIGHT = 0.05
"""Cosine that a place `NEAR` cells off costs, times two."""
MOST_ALIKE = 5
"""Labelled cells that each cell asks."""
SHARPNESS = 0.03
"""Cosine by which a labelled cell may be less alike before it counts a third."""
AGREES = 0.4
"""Cosine of cells that meet from which on the label map counts fully."""
FADES = 4.0
"""Cells beyond the edge of a label map at which it counts a third."""
MAP_WEIGHT = 2.0
"""Of a label map, against what the most alike cells say."""
SOFTNESS = 1.5
"""Labels by which borders are blurred before they are added up."""
BLOCK = 1 << 21
"""Comparisons at once."""

Votes = NDArray[np.float32]
"""(classes, H, W)"""


def votes(grid: Grid, circular: bool, placed: Sequence[tuple[Placement, Labelled]], classes: int) -> Votes:
    """Weights of the classes at each label of a picture with these features (D, h, w)."""
    fine = placed[0][1].fine
    picture = Labelled(grid, np.zeros((grid.shape[1] * fine, grid.shape[2] * fine), np.int16), circular)
    total = _of_alike_cells(picture, placed, classes)
    for placement, labelled in placed:
        total += MAP_WEIGHT * _of_map(picture, placement, labelled, classes)
    return np.stack([cv2.GaussianBlur(one, (0, 0), SOFTNESS) for one in total])


def _of_map(picture: Labelled, placement: Placement, labelled: Labelled, classes: int) -> Votes:
    """The label map where the picture lies over it, by how well cells agree around each place.

    Beyond the map's edge its outermost labels go on, and count less the farther it is.
    """
    height, width = picture.labels.shape
    h, w = picture.grid.shape[1:]
    rows, beyond_rows = _met(h, labelled.grid.shape[1], placement.shift[0], False)
    columns, beyond_columns = _met(w, labelled.grid.shape[2], placement.shift[1], labelled.circular)
    theirs = labelled.unit.reshape(labelled.grid.shape)[:, rows[:, None], columns]
    alike = (theirs * picture.unit.reshape(picture.grid.shape)).sum(0)
    inside = (beyond_rows[:, None] + beyond_columns) == 0
    alike = np.where(inside, alike, max(placement.agreement, 0)).astype(np.float32)
    weight = np.clip(cv2.blur(alike, (3, 3)) / AGREES, 0, 1)
    weight *= np.exp(-(beyond_rows[:, None] + beyond_columns) / FADES).astype(np.float32)
    weight = cv2.resize(weight, (width, height), interpolation=cv2.INTER_LINEAR)
    fine = labelled.fine
    rows, _ = _met(height, labelled.labels.shape[0], placement.shift[0] * fine, False)
    columns, _ = _met(width, labelled.labels.shape[1], placement.shift[1] * fine, labelled.circular)
    labels = labelled.labels[rows[:, None], columns]
    shown = [cv2.GaussianBlur((labels == k).astype(np.float32), (0, 0), SOFTNESS) for k in range(classes)]
    return np.asarray(np.stack(shown) * weight, np.float32)


def _met(own: int, theirs: int, shift: float, round_: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Along an axis: which of `theirs` each place meets, the outermost beyond the end, and how far beyond it lies."""
    at = np.arange(own) - round(shift)
    if round_:
        return at % theirs, np.zeros_like(at)
    met = np.clip(at, 0, theirs - 1)
    return met, np.abs(at - met)


def _of_alike_cells(picture: Labelled, placed: Sequence[tuple[Placement, Labelled]], classes: int) -> Votes:
    """What the most alike labelled cells say is around each cell, shares that sum to 1."""
    chosen, likeness = [], []
    base = 0
    for placement, labelled in placed:
        best, score = _most_alike(picture, placement, labelled)
        chosen.append(best + base)
        likeness.append(score)
        base += len(labelled.windows)
    indices, scores = np.concatenate(chosen, 1), np.concatenate(likeness, 1)
    order = np.argsort(-scores, 1, kind="stable")[:, :MOST_ALIKE]
    indices, scores = np.take_along_axis(indices, order, 1), np.take_along_axis(scores, order, 1)
    weights = np.exp((scores - scores.max(1, keepdims=True)) / SHARPNESS)
    weights = np.asarray(weights / weights.sum(1, keepdims=True), np.float32)
    windows = np.concatenate([labelled.windows for _, labelled in placed])
    fine = placed[0][1].fine
    ramp = np.exp(-0.5 * ((np.arange(2 * fine) - fine + 0.5) / (fine / 2)) ** 2).astype(np.float32)
    totals = np.zeros((classes, *picture.labels.shape), np.float32)
    for k in range(classes):
        said = np.zeros((len(indices), 2 * fine, 2 * fine), np.float32)
        for place in range(indices.shape[1]):
            said += weights[:, place, None, None] * (windows[indices[:, place]] == k)
        totals[k] = _laid_out(said * ramp[:, None] * ramp, picture)
    return np.asarray(totals / (totals.sum(0, keepdims=True) + 1e-6), np.float32)


def _most_alike(
    picture: Labelled, placement: Placement, labelled: Labelled
) -> tuple[NDArray[np.int64], Grid]:
    """Indices of the labelled cells that are most like each cell and near its place, and how much so: (cells, k)."""
    cells, theirs = picture.unit.shape[1], labelled.unit.shape[1]
    count = min(MOST_ALIKE, theirs)
    down, across = (
        _squared(picture.grid.shape[axis + 1], labelled.grid.shape[axis + 1], placement.shift[axis], round_)
        for axis, round_ in ((0, False), (1, picture.circular and labelled.circular))
    )
    indices, scores = np.empty((cells, count), np.int64), np.empty((cells, count), np.float32)
    rows = max(1, BLOCK // (theirs * picture.grid.shape[2]))
    for start in range(0, picture.grid.shape[1], rows):
        off = down[start : start + rows, None, :, None] + across[None, :, None, :]
        penalty = np.minimum(off / (2 * NEAR**2), FAR) * PLACE_WEIGHT
        block = slice(start * picture.grid.shape[2], (start + len(off)) * picture.grid.shape[2])
        alike = picture.unit[:, block].T @ labelled.unit - penalty.reshape(-1, theirs)
        best = np.argpartition(-alike, count - 1, 1)[:, :count]
        indices[block], scores[block] = best, np.take_along_axis(alike, best, 1)
    return indices, scores


def _squared(own: int, theirs: int, shift: float, round_: bool) -> Grid:
    """Squared distance in cells along an axis of each cell to where each labelled one lies, (own, theirs)."""
    off = np.arange(own)[:, None] - np.arange(theirs)[None] - shift
    if round_:
        off = (off + theirs / 2) % theirs - theirs / 2
    return np.asarray(off**2, np.float32)


def _laid_out(windows: NDArray[np.float32], picture: Labelled) -> NDArray[np.float32]:
    """Windows (cells, 2 fine, 2 fine) around each cell, added up where they overlap: (H, W)."""
    height, width = picture.labels.shape
    h, w, fine = *picture.grid.shape[1:], picture.fine
    margin = fine // 2
    total = np.zeros((height + 2 * margin, width + 2 * margin), np.float32)
    quarters = windows.reshape(h, w, 2, fine, 2, fine)
    for down in (0, 1):
        for across in (0, 1):
            laid = quarters[:, :, down, :, across, :].transpose(0, 2, 1, 3).reshape(height, width)
            total[down * fine : down * fine + height, across * fine : across * fine + width] += laid
    return total[margin : margin + height, margin : margin + width]
