"""How far a detector's map spreads what it sees, and from that the length of a defect from the extent of its region.

A map sees a defect through cells, receptive fields and smoothing: near it the map is A · c^γ above good parts, where c
is the defect's indicator blurred by a Gaussian of standard deviation w, and γ tells how soon the detector's response
saturates. Along a defect of length L (a product of one-dimensional profiles, of which the one across cancels)

    c(x) / c(0) = [Φ((x + L/2) / w) - Φ((x - L/2) / w)] / [2 Φ(L / 2w) - 1],

so that a large defect ends where the map has come down to the share 0.5^γ of its rise, and one smaller than w is seen
as a spot of one size, however small it is. Both numbers are measured on discs painted on good parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from specsight.images import longest_extent
from specsight.record_json import Finite

SMALL, LARGE = 1 / 32, 1 / 4
"""Diameters of painted discs, as shares of a picture's shorter side."""
CONTRAST = (230, 20)
"""Grey of a disc on dark and on bright surfaces."""
LEAST_SIDE = 8
"""Pixels of the shorter side below which a picture cannot show the shape of a disc."""
LEAST_RESPONSES = 3
"""Discs of each size that a detector must see before anything is said of its spread."""
HIGH = 0.995
"""Quantile of a good map that its ups and downs reach to."""
EDGES = (0.3, 0.9)
"""Shares of the rise between which the edge of a large defect is believed to lie."""
UNRESOLVED = 0.6
"""Share of a point's extent (at half of its rise) below which no length is told: maps of smaller defects are alike.
Chosen on synthetic touring tyres."""
STEPS = 30
"""Halvings: lengths to within a millionth."""


class PointSpreadJson(TypedDict):
    """See `PointSpread`."""

    base: Finite
    width: Annotated[float, Field(gt=0, le=1)]
    edge: Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class PointSpread:
    """How one fitted detector's maps show defects."""

    base: float
    """Usual value of the map on good parts (median); rises are counted from there."""
    width: float
    """Standard deviation w of the Gaussian, as a share of the picture's shorter side."""
    edge: float
    """Share 0.5^γ of the rise at which a large defect ends; 0.5 for a detector that does not saturate."""

    def length(self, extent: float, share: float, side: int) -> float:
        """Length (px) of the defect whose region is `extent` px long where it has come down to `share` of its rise.

        `side` is the map's shorter side in px. Never less than `UNRESOLVED` of what a point would be, and never more
        than `extent`.
        """
        width, gamma = self.width * side, -math.log2(self.edge)
        linear = share ** (1 / gamma)
        return min(extent, max(self.least(side), width * _length(extent / width, linear)))

    def least(self, side: int) -> float:
        """Shortest length (px) that maps whose shorter side is `side` px tell; smaller defects look the same."""
        gamma = -math.log2(self.edge)
        return UNRESOLVED * 2 * self.width * side * math.sqrt(2 * math.log(2) / gamma)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> PointSpread | None:
        """Read fields that were checked (`PointSpreadJson`)."""
        return None if values is None else cls(values["base"], values["width"], values["edge"])


@dataclass(frozen=True)
class Disc:
    """A painted disc: its centre (x, y) and diameter in px."""

    centre: tuple[float, float]
    diameter: float


def painted(rgb: NDArray[np.uint8], share: float) -> tuple[NDArray[np.uint8], list[Disc]]:
    """A picture (H, W, 3) with discs of `share` of its shorter side in its middle square: one large, or four small."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    quarters = (
        [(0.0, 0.0)] if share == LARGE else [(-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25)]
    )
    discs = [Disc((width / 2 + x * side, height / 2 + y * side), share * side) for x, y in quarters]
    result = rgb.copy()
    for disc in discs:
        inside = _distance(disc, (height, width)) < disc.diameter / 2
        if inside.any():
            result[inside] = CONTRAST[int(rgb[inside].mean() >= 128)]
    return result, discs


@dataclass
class Responses:
    """What painted discs changed in the maps of one detector."""

    extents: list[float] = field(default_factory=list)
    """Longest extent of the response to each small disc at half of its peak, as a share of the shorter side."""
    edges: list[float] = field(default_factory=list)
    """Share of its peak that the response to each large disc has along the disc's edge."""

    def add(self, good: NDArray[np.float32], with_discs: NDArray[np.float32], discs: Sequence[Disc]) -> None:
        """Add the responses to `discs` from a picture's maps (H, W) without and with them.

        Those that rise less than half as far as the picture's own ups and downs tell nothing, and are left out,
        as are pictures below `LEAST_SIDE`.
        """
        if min(good.shape) < LEAST_SIDE:
            return
        usual, high = np.quantile(good, [0.5, HIGH])
        rise, least, side = with_discs - good, float(high - usual) / 2, min(good.shape)
        for disc in discs:
            distance = _distance(disc, rise.shape)
            if disc.diameter < LARGE * side:
                reach = int(side / 4)
                near = rise[_around(disc.centre[1], reach)][:, _around(disc.centre[0], reach)]
                if near.max() > least:
                    self.extents.append(_extent(near) / side)
            else:
                peak = float(rise[distance < disc.diameter / 2].max())
                if peak > least:
                    self.edges.append(float(np.median(rise[np.abs(distance - disc.diameter / 2) < 1])) / peak)

    def spread(self, base: float) -> PointSpread | None:
        """The point spread; None where too few discs were seen to say. `base` is the usual value of good maps."""
        if min(len(self.extents), len(self.edges)) < LEAST_RESPONSES:
            return None
        edge = float(np.clip(np.median(self.edges), *EDGES))
        extent, linear = float(np.median(self.extents)), 0.5 ** (-1 / math.log2(edge))
        low, high = extent / 100, extent
        for _ in range(STEPS):
            width = (low + high) / 2
            low, high = (width, high) if width * _length(extent / width, linear) > SMALL else (low, width)
        return PointSpread(base, min(1.0, high), edge)


def _extent(near: NDArray[np.float32]) -> float:
    _, labels = cv2.connectedComponents((near > near.max() / 2).astype(np.uint8), connectivity=8)
    return longest_extent(labels == labels.reshape(-1)[near.argmax()])


def _around(centre: float, reach: int) -> slice:
    return slice(max(0, int(centre) - reach), int(centre) + reach)


def _length(extent: float, share: float) -> float:
    """Length of a line (in units of w) whose blurred profile is `extent` long at `share` of its peak; 0 for a point."""
    low, high = 1e-3, extent + 6.0
    for _ in range(STEPS):
        length = (low + high) / 2
        at_end = math.erf((extent + length) / math.sqrt(8)) - math.erf((extent - length) / math.sqrt(8))
        low, high = (length, high) if at_end < share * 2 * math.erf(length / math.sqrt(8)) else (low, length)
    return low


def _distance(disc: Disc, size: tuple[int, ...]) -> NDArray[np.float64]:
    """Of every pixel's centre from the disc's, (H, W)."""
    rows, columns = np.arange(size[0])[:, None] + 0.5, np.arange(size[1])[None] + 0.5
    distance: NDArray[np.float64] = np.hypot(columns - disc.centre[0], rows - disc.centre[1])
    return distance
