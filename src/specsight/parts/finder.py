"""Part maps of pictures from one outlined picture: by features, checked against position.

In: views of the outlined pictures with their part maps, and of some good pictures. Out: a finder that gives the part
map of any other picture of the product, or says that it shows something else. Good pictures tell along which axes
features differ and how well pictures of the product agree; their own part maps, once found, are not learned from: on
synthetic tyres that made later ones worse, for errors add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.detectors import State, View
from specsight.errors import SpecsightError
from specsight.images import Frame
from specsight.parts.labelled import UNKNOWN, Labelled, at_size, grid_of
from specsight.parts.placing import Grid, Placeable, Placement
from specsight.parts.voting import Votes, votes

CHANNELS = 64
"""Principal axes of features that pictures are compared along."""
ASKED = 3
"""Outlined pictures that a picture is compared with: those that agree best with it."""
UNMATCHED = 0.6
"""A picture shows something else where it agrees with the reference less than this share of what the least like of ten
good pictures does. Photographs of other things agree with touring tyres by 0.1 to 0.24, those with each other by 0.26
to 0.6."""
LEAST = 0.2
"""The same where no good picture is known beside the reference."""


@dataclass(frozen=True)
class Found:
    """What was found on one picture."""

    parts: NDArray[np.uint8] | None
    """(H, W) values of `PartFinder.names`, 0 where no part is; None: the picture shows nothing of the reference."""
    agreement: float
    """Mean cosine of features with the labelled picture that it is most like, at most 1."""
    note: str = ""
    """Why there is no part map."""


@dataclass
class PartFinder:
    """Finds parts; see `learn`."""

    names: Mapping[int, str]
    """Value in part maps → part."""
    values: tuple[int, ...]
    """Of each class: the values that occur on the reference, 0 (no part) among them where it does."""
    mean: Grid
    """(D, 1, 1) of features."""
    axes: Grid
    """(channels, D)"""
    labelled: list[Labelled] = field(default_factory=list)
    """The outlined pictures."""
    least: float = 0.0
    """Agreement below which a picture shows something else."""

    @classmethod
    def learn(
        cls,
        references: Sequence[tuple[View, NDArray[np.uint8]]],
        names: Mapping[int, str],
        further: Iterable[View] = (),
        circular: bool = False,
    ) -> PartFinder:
        """From the views of outlined pictures with their part maps (H, W), and views of further good pictures.

        Raises SpecsightError where views hold no grids of features.
        """
        grids = [_grid(view) for view, _ in references]
        others = [_grid(view)[0] for view in further]
        channels = np.concatenate([g.reshape(len(g), -1) for g in [*(g for g, _ in grids), *others]], 1)
        mean = channels.mean(1, keepdims=True)
        axes = np.linalg.eigh(np.cov(channels - mean))[1][:, ::-1][:, :CHANNELS].T
        values = sorted({int(v) for _, parts in references for v in np.unique(parts)})
        finder = cls(
            dict(names), tuple(values), np.asarray(mean[..., None], np.float32), np.asarray(axes, np.float32)
        )
        number = np.full(256, UNKNOWN, np.int16)
        number[values] = np.arange(len(values))
        for (grid, fine), (view, parts) in zip(grids, references, strict=True):
            (top, bottom), (left, right) = view.frame.region
            framed = view.frame.apply(number[parts], UNKNOWN)[top:bottom, left:right]
            labels = at_size(framed, (grid.shape[1] * fine, grid.shape[2] * fine))
            finder.labelled.append(Labelled(finder._projected(grid), labels, circular))
        agreements = [finder._placed(finder._projected(grid), circular)[0][0].agreement for grid in others]
        finder.least = UNMATCHED * float(np.quantile(agreements, 0.1)) if agreements else LEAST
        return finder

    def find(self, view: View, circular: bool = False) -> Found:
        """The part map of a picture that was looked at. Raises SpecsightError where its view holds other features."""
        grid = self._projected(_grid(view)[0])
        placed = self._placed(grid, circular)
        agreement = placed[0][0].agreement
        if agreement < self.least:
            return Found(
                None,
                agreement,
                f"its parts were not found: it agrees with the reference picture by {agreement:.2f}, and pictures of "
                f"the product by {self.least:.2f} or more",
            )
        found = votes(grid, circular, placed, len(self.values))
        return Found(self._drawn(found, view.frame), agreement)

    def state(self) -> State:
        """Everything, as arrays."""
        state: State = {
            "values": np.array(self.values, np.int64),
            "mean": self.mean,
            "axes": self.axes,
            "least": np.array([self.least], np.float64),
            "named": np.array(list(self.names), np.int64),
            "circular": np.array([one.circular for one in self.labelled], np.uint8),
        }
        for value, name in self.names.items():
            state[f"name_{value}"] = np.frombuffer(name.encode(), np.uint8)
        for number, one in enumerate(self.labelled):
            state[f"grid_{number}"], state[f"labels_{number}"] = one.grid, one.labels
        return state

    @classmethod
    def from_state(cls, state: State) -> PartFinder:
        """Read what `state` gave. Raises ValueError and LookupError for arrays that do not fit."""
        names = {int(v): state[f"name_{v}"].astype(np.uint8).tobytes().decode() for v in state["named"]}
        values, circular = [int(v) for v in state["values"]], state["circular"].tolist()
        mean, axes = state["mean"].astype(np.float32), state["axes"].astype(np.float32)
        if mean.ndim != 3 or axes.ndim != 2 or mean.shape != (axes.shape[1], 1, 1):
            raise ValueError("features do not fit together")
        if not circular or not values or not all(0 <= v <= 255 for v in [*values, *names]):
            raise ValueError("there is no labelled picture, or a part of no number")
        labelled = []
        for number, round_ in enumerate(circular):
            grid, labels = (
                state[f"grid_{number}"].astype(np.float32),
                state[f"labels_{number}"].astype(np.int16),
            )
            fits = grid.ndim == 3 and labels.ndim == 2 and len(grid) == len(axes) and min(grid.shape) > 0
            fine = labels.shape[0] // grid.shape[1] if fits else 0
            if fine < 2 or labels.shape != (grid.shape[1] * fine, grid.shape[2] * fine):
                raise ValueError("labels and features do not fit together")
            if labels.min() < UNKNOWN or labels.max() >= len(values):
                raise ValueError("labels of no class")
            labelled.append(Labelled(grid, labels, bool(round_)))
        if len({one.fine for one in labelled}) > 1:
            raise ValueError("labels of several sizes")
        return cls(names, tuple(values), mean, axes, labelled, float(state["least"][0]))

    def _projected(self, grid: Grid) -> Grid:
        if len(grid) != len(self.mean):
            raise SpecsightError(
                "parts were learned from other features than the detector gives: fit the model again"
            )
        return np.asarray(np.tensordot(self.axes, grid - self.mean, 1), np.float32)

    def _placed(self, grid: Grid, circular: bool) -> list[tuple[Placement, Labelled]]:
        """Where a picture lies over the labelled ones that agree best with it, the best first."""
        picture = Placeable(grid, circular)
        placed = [(picture.over(one.placeable), one) for one in self.labelled]
        return sorted(placed, key=lambda one: -one[0].agreement)[:ASKED]

    def _drawn(self, found: Votes, frame: Frame) -> NDArray[np.uint8]:
        """The likeliest value at each pixel of the picture as it lies, (H, W)."""
        parts = np.full(frame.native, self.values[0], np.uint8)
        best = _on_picture(found[0], frame)
        for one, value in zip(found[1:], self.values[1:], strict=True):
            likely = _on_picture(one, frame)
            parts[likely > best] = value
            np.maximum(best, likely, out=best)
        return parts


def _on_picture(plane: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
    enlarged = cv2.resize(plane, frame.native[::-1], interpolation=cv2.INTER_LINEAR)
    enlarged = np.asarray(enlarged, np.float32)
    return enlarged if frame.alignment is None else frame.alignment.restored(enlarged)


def _grid(view: View) -> tuple[Grid, int]:
    found = grid_of(view)
    if found is None:
        raise SpecsightError(
            "parts are found by grids of features, and this detector keeps none of a picture"
        )
    return found
