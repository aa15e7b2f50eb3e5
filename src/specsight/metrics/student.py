"""Intervals of means over few independent measurements, such as seeds or lines, by Student's t."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

COVERED = 0.95


def half_width(values: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Half of the 95 % interval of the mean of `values`; None for fewer than two."""
    # Late, for its import takes half a second.
    from scipy.stats import t

    if len(values) < 2:
        return None
    quantile = t.ppf((1 + COVERED) / 2, len(values) - 1)
    return float(quantile * np.std(values, ddof=1) / np.sqrt(len(values)))
