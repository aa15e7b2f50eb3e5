"""How methods look at depth: colours and geometry of a picture on the same cells, and where either is known.

In: pictures with depth in mm. Out: views that hold, beside the encoder's layers, the surface's descriptors. How large a
pixel is good samples say (`Sample.mm_per_px`), and that it stays so from picture to picture: one camera station.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from specsight.detectors.contract import Detector, View
from specsight.detectors.good_pictures import usual_scale
from specsight.detectors.parameters import parameter, sigma_parameter, top_parameter
from specsight.detectors.saving import State
from specsight.features.grids import Grid, join, vectors
from specsight.features.surface import geometry
from specsight.images import Cells, Frame
from specsight.preparation import Framing
from specsight.records import Picture, Sample
from specsight.specification import Specification

GEOMETRY, KNOWN, SEEN = "geometry", "depth known", "colours known"
"""What views hold beside the encoder's layers: descriptors (D, h, w), and which cells depth and colours are known on,
each (1, h, w) of 0 and 1."""
STRIDE = 8
"""Pixels of the frame from one cell to the next where no encoder says it."""
SCALE = "mm_per_px"


def neighbourhood_parameter(cells: int) -> int:
    """Declare over how many cells features of colours are averaged; `cells`: the default."""
    return parameter(
        cells, "Features of colours are averaged over this many cells each way.", low=1, high=15, unit="cells"
    )


@dataclass
class DepthDetector(Detector, ABC):
    """A detector whose views hold geometry. What a method shares with others of this folder is declared here."""

    coreset_ratio: float = parameter(
        0.1, "Share of the good patches to keep, up to `coreset_limit`.", low=1e-6, high=1
    )
    coreset_limit: int = parameter(
        4096, "Patches to keep at most in each memory.", low=1, high=10_000_000, unit="patches"
    )
    top: float = top_parameter(0.005)
    sigma: float = sigma_parameter()

    mm_per_px_: float | None = field(default=None, init=False, repr=False)
    """Side of a pixel of good pictures; None: no sample said it."""

    def fit(
        self,
        samples: Sequence[Sample],
        specification: Specification | None = None,
        framing: Framing | None = None,
    ) -> Self:
        """See `Detector.fit`."""
        self.mm_per_px_ = usual_scale(samples)
        return super().fit(samples, specification, framing)

    def _look(self, picture: Picture) -> View:
        view = super()._look(picture)
        cells = view.cells[next(iter(view.cells))]
        surface = self._surface(picture, view.frame, cells)
        seen = np.full((1, *cells.size), "rgb" not in picture.absent, np.float32)
        return replace(
            view,
            features={**view.features, **surface, SEEN: seen},
            cells={**view.cells, **dict.fromkeys((*surface, SEEN), cells)},
        )

    def _surface(self, picture: Picture, frame: Frame, cells: Cells) -> Mapping[str, Grid]:
        """Geometry on the cells and where it is known; zeros where a picture has no depth."""
        depth = np.full(picture.size, np.nan, np.float32) if picture.depth is None else picture.depth
        descriptors, known = self._describe(depth, frame, cells)
        return {GEOMETRY: descriptors, KNOWN: known[None].astype(np.float32)}

    def _describe(
        self, depth: NDArray[np.float32], frame: Frame, cells: Cells
    ) -> tuple[Grid, NDArray[np.bool_]]:
        """What each cell shows of the surface (D, h, w), and which are known (h, w)."""
        return geometry(depth, frame, cells, self.mm_per_px_)

    def _scale_state(self) -> State:
        return {SCALE: np.array([self.mm_per_px_ or 0], np.float32)}

    def _restore_scale(self, state: State) -> None:
        (scale,) = state[SCALE].tolist()
        if not 0 <= scale < np.inf:
            raise ValueError("a pixel has no such size")
        self.mm_per_px_ = scale or None


class GeometryAlone(DepthDetector):
    """A detector that looks at nothing but depth: no picture is encoded."""

    def _look(self, picture: Picture) -> View:
        _, frame = self._frame(picture, max(STRIDE, self.get_encoder().multiple))
        cells = Cells.over(frame.size, (frame.size[0] // STRIDE, frame.size[1] // STRIDE))
        cells = cells.cropped(*frame.inside(cells))
        surface = self._surface(picture, frame, cells)
        return View(frame, surface, dict.fromkeys(surface, cells))


def colours(view: View, neighbourhood: int) -> Grid:
    """The encoder's layers joined on the first one's cells, averaged over `neighbourhood` cells each way: (n, D)."""
    layers = {name: grid for name, grid in view.features.items() if name not in (GEOMETRY, KNOWN, SEEN)}
    return vectors(join(layers, view.cells, neighbourhood)[0])


def widths(view: View) -> list[int]:
    """Channels of each of the encoder's layers, in order."""
    return [len(grid) for name, grid in view.features.items() if name not in (GEOMETRY, KNOWN, SEEN)]


def counted(view: View, name: str) -> NDArray[np.bool_]:
    """Which cells (n,) show the picture, each place once, and are known of `KNOWN` or `SEEN`."""
    return np.asarray((view.frame.shows_picture(view.cells[name]) & (view.features[name][0] > 0)).ravel())
