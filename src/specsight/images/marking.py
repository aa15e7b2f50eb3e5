"""Which pixels of a mask are marked, where nothing says which of its values mean the defect.

In: the stored values of a mask. Out: booleans. Masks come as 0 and 255, as 0 and 1, as numbers of labels, with soft
edges from a resize and with the ringing of JPEG; taking everything above 0 for marked holds for labels alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LABELS = 32
"""Masks whose largest value is below this hold numbers of labels."""
NOISE = 16
"""Values up to 1/16 of the largest one are never labels beside it: JPEG leaves them around a mark."""
MOST_LEVELS = 16
"""Grey labels are few; soft edges and JPEG give more distinct values, or no even areas."""
EVEN_SHARE = 1 / 3


def marked(values: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Marked pixels (H, W) of a mask with `values` (H, W) >= 0.

    Largest value below 32: labels, everything above 0. Else everything above half of the largest value; and where the
    values below that half are at most 16 and fill even areas (one third of their pixels equal all four neighbours),
    they are grey labels, and everything above a sixteenth of the largest value is marked.
    """
    top = int(values.max(initial=0))
    if top < LABELS:
        return np.asarray(values > 0)
    between = in_between(values)
    few = between.any() and len(np.unique(values[between])) <= MOST_LEVELS
    if few and _even(values)[between].mean() >= EVEN_SHARE:
        return np.asarray(NOISE * values > top)
    return np.asarray(2 * values > top)


def in_between(values: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels (H, W) above a sixteenth of the mask's largest value and not above half of it."""
    top = int(values.max(initial=0))
    return np.asarray((NOISE * values > top) & (2 * values <= top))


def _even(values: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels (H, W) that equal their four neighbours; at the border those inside."""
    even = np.ones(values.shape, bool)
    down, right = values[1:] == values[:-1], values[:, 1:] == values[:, :-1]
    even[1:] &= down
    even[:-1] &= down
    even[:, 1:] &= right
    even[:, :-1] &= right
    return even
