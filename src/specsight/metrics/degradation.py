"""Numbers at rising levels of stress → what is kept of them: the area under their curve, and the relative drop.

In: values from the clean picture on. Out: shares of the clean value; 1 and 0 for a method that loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def kept_area(values: Sequence[float | None]) -> float | None:
    """Area under the degradation curve over the clean value: 1 where nothing is lost.

    `values` from the clean one to that of the highest level, at even steps: levels of two stressors have different
    units, and their names no scale in common. By the trapezoidal rule. None where a value is undefined, where there is
    no level, or where the clean value is 0.
    """
    known = [value for value in values if value is not None and np.isfinite(value)]
    if len(known) < len(values) or len(known) < 2 or not known[0]:
        return None
    area = sum(known) - (known[0] + known[-1]) / 2
    return float(area / (len(known) - 1) / known[0])


def relative_drop(clean: float | None, stressed: float | None) -> float | None:
    """(clean - stressed) / clean; negative where the stressed value is higher. None where it is undefined."""
    if clean is None or stressed is None or not clean:
        return None
    return (clean - stressed) / clean
