"""Where on a product a defect goes, how large it is there, and what colour it covers. Lengths are pixels."""

from __future__ import annotations

import numpy as np

from specsight.synthetic.compositing import Pixels
from specsight.synthetic.defects.painting import Where
from specsight.synthetic.shapes import Alpha, random_pixel


def pick(rng: np.random.Generator, where: Where) -> tuple[float, float]:
    """A random point (x, y) of `where` (H, W) bool, which must hold at least one true pixel."""
    row, column = random_pixel(rng, where)
    return float(column), float(row)


def extent(where: Where) -> float:
    """Typical size of what is painted on: the root of the area of `where`, in pixels."""
    return float(np.sqrt(where.sum()))


def size(rng: np.random.Generator, where: Where, low: float, high: float, least: float = 1.0) -> float:
    """A length between `low` and `high` shares of `extent`, log-uniform, at least `least` pixels."""
    return max(least, float(np.exp(rng.uniform(np.log(low), np.log(high)))) * extent(where))


def mean_colour(pixels: Pixels, alpha: Alpha) -> Pixels:
    """Mean colour (3,) under `alpha`: defects are drawn darker or lighter than what they lie on."""
    weight = float(alpha.sum()) + 1e-6
    mean: Pixels = (pixels * alpha[..., None]).sum((0, 1)) / np.float32(weight)
    return mean
