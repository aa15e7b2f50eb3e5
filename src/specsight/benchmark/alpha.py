"""Krippendorff's alpha of what several persons said about the same things.

By the package `krippendorff` (Krippendorff, "Content Analysis", 2004; Castro, "Fast Krippendorff", 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specsight.errors import require

GOOD, TENTATIVE = 0.8, 2 / 3
"""From which alpha on agreement is good, or allows tentative conclusions (Krippendorff, 2004)."""


@dataclass(frozen=True)
class Alpha:
    """Alpha over `units` that at least two persons judged; None where it is not defined: nobody did, or all said one
    thing about everything."""

    value: float | None
    units: int

    @property
    def words(self) -> str:
        """What it means."""
        if self.units == 0:
            return "nothing was judged by two persons"
        if self.value is None:
            return "not defined: one value alone was given"
        return "good" if self.value >= GOOD else "tentative" if self.value >= TENTATIVE else "low"

    def __str__(self) -> str:
        number = "" if self.value is None else f"{self.value:.3f}, "
        return f"{number}{self.words} ({self.units:,} judged twice or more)"


def krippendorff_alpha(counts: NDArray[np.int64], level: Literal["nominal", "ordinal"]) -> Alpha:
    """Alpha of how often each unit was given each value, (N, V); for "ordinal", values rise along V.

    Units with fewer than two values say nothing of agreement and are left out.
    """
    package = require("krippendorff", "benchmark")
    paired = counts[counts.sum(1) >= 2]
    if np.count_nonzero(paired.sum(0)) < 2:
        return Alpha(None, len(paired))
    domain = list(range(counts.shape[1]))
    value = package.alpha(value_counts=paired, value_domain=domain, level_of_measurement=level)
    return Alpha(float(value), len(paired))
