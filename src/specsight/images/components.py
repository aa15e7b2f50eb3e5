"""Connected regions of a picture, also of a circular one, whose last column touches its first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def components(
    map_: NDArray[np.float32], mask: NDArray[np.bool_], circular: bool
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """8-connected components (0 is outside) and the largest map value by label; labels may have gaps."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if circular:
        renumber = np.arange(count, dtype=np.int32)
        _join_across_seam(labels, renumber)
        labels = renumber[labels]
    peaks = np.full(count, -np.inf, np.float32)
    np.maximum.at(peaks, labels[mask], map_[mask])
    return labels, peaks


def _join_across_seam(labels: NDArray[np.int32], renumber: NDArray[np.int32]) -> None:
    """Give regions that touch over the seam (last column to first, 8-connected) one number."""
    first, last = labels[:, 0], labels[:, -1]
    for shift in (-1, 0, 1):
        rows = np.arange(max(0, shift), len(first) + min(0, shift))
        for a, b in zip(first[rows], last[rows - shift]):
            if a and b and renumber[a] != renumber[b]:
                low, high = sorted((renumber[a], renumber[b]))
                renumber[renumber == high] = low


def unwrapped(inside: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
    """A region (h, W) over all columns of a circular picture, cut open in its widest empty gap so that it is in one
    piece, and the picture's column that it begins at."""
    columns = np.flatnonzero(inside.any(axis=0))
    if len(columns) == inside.shape[1]:
        return inside, 0
    start = int(columns[np.argmax(np.diff(columns)) + 1])
    return np.roll(inside, -start, axis=1), start
