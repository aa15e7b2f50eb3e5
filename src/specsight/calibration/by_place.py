"""Maps of good parts → how high a detector's map usually is at each place, and how much it varies there.

In: maps of good parts, each by a detector that had not learned from its part. Out: `ByPlace`, which turns a map into
deviations from what good parts show at the same place, and the score into the mean of the largest of them: an edge that
is hard to foresee on every good part does not hide a defect in the quiet middle. It takes parts that lie alike; whether
they do is asked of the good parts themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.features.grids import top_mean
from specsight.records import Judgement

Map = NDArray[np.float32]

LONGEST = 64
"""Cells of the longer side of the grid that places are told apart on."""
SOFT = 1.0
"""Standard deviation, in those cells, of the smoothing of both statistics: parts lie alike to about a cell."""
PRIOR = 8
"""Parts that the statistics common to all places count for at each place."""
TOP = 0.01
"""The score is the mean over this share of the cells, those that deviate most."""
LEAST_PARTS = 20
"""Of fewer good parts nothing is said about single places."""


@dataclass(frozen=True)
class ByPlace:
    """Mean and standard deviation of good maps at each place, (h, w)."""

    mean: Map
    deviation: Map

    @classmethod
    def of(cls, maps: Sequence[Map], parts: Sequence[Hashable] | None = None) -> ByPlace:
        """From the `coarse` maps (h, w) of good parts, all of one shape; shrunk towards the statistics of all places
        together, and never of no deviation.

        `parts` says which part each map shows; None: each shows another. Parts count alike, whatever the number of
        their maps, and it is their number that is weighed against `PRIOR`: maps of one part say much the same.
        """
        stacked, shown = np.stack(maps), range(len(maps)) if parts is None else parts
        count, weights = len(set(shown)), _weights(shown)
        own = np.float32(count / (count + PRIOR))
        if weights is None:
            means, variances = stacked.mean(0), stacked.var(0)
        else:
            means = np.average(stacked, 0, weights)
            variances = np.average((stacked - means) ** 2, 0, weights)
        mean, variance = _soft(means), _soft(variances)
        overall, _ = _overall(stacked, weights)
        mean = own * mean + (1 - own) * overall
        variance = own * variance + (1 - own) * variance.mean()
        floor = max(float(stacked.std()) * 1e-3, 1e-6)
        deviation = np.maximum(np.sqrt(variance), floor)
        return cls(mean.astype(np.float32), deviation.astype(np.float32))

    def apply(self, judgement: Judgement) -> Judgement:
        """The judgement in deviations from good parts at the same place; a picture of another size is taken to show the
        same field of view. Maps of types stay as they are."""
        height, width = judgement.map.shape
        mean, deviation = (
            cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
            for values in (self.mean, self.deviation)
        )
        score = top_mean(self._standardised(coarse(judgement.map, self.mean.shape)), TOP)
        return replace(judgement, score=score, map=((judgement.map - mean) / deviation).astype(np.float32))

    def surprise(self, map_: Map) -> float:
        """Mean negative log-likelihood, in nats a cell, of a `coarse` map under a normal distribution at each place."""
        z = self._standardised(map_)
        return float((0.5 * z**2 + np.log(self.deviation)).mean(dtype=np.float64))

    def state(self) -> dict[str, Map]:
        """Both arrays, by name."""
        return {"mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> ByPlace:
        """Read what `state` gave. Raises ValueError and LookupError for arrays that do not fit."""
        mean, deviation = state["mean"].astype(np.float32), state["deviation"].astype(np.float32)
        if mean.ndim != 2 or mean.shape != deviation.shape or not mean.size or not (deviation > 0).all():
            raise ValueError("mean and deviation do not fit together")
        return cls(mean, deviation)

    def _standardised(self, map_: Map) -> Map:
        return np.asarray((map_ - self.mean) / self.deviation, np.float32)


@dataclass(frozen=True)
class Cells:
    """`coarse` maps of good parts, with the fold of each: the detector that judged it knew no part of its fold."""

    maps: Sequence[Map]
    folds: Sequence[int]
    parts: Sequence[Hashable]

    @cached_property
    def of_others(self) -> dict[int, ByPlace]:
        """For each fold the statistics of all others: of nothing that a part of it says itself."""
        return {fold: ByPlace.of(*self._maps(fold, inside=False)) for fold in set(self.folds)}

    def of_all(self) -> ByPlace:
        """The statistics of all maps."""
        return ByPlace.of(self.maps, self.parts)

    def comparable(self) -> bool:
        """Whether there are several folds, and maps of one shape."""
        return len(set(self.folds)) > 1 and len({map_.shape for map_ in self.maps}) == 1

    def lie_alike(self) -> bool:
        """Whether left-out maps are foreseen better by statistics of each place than by those of all places together,
        in mean log-likelihood; False for fewer than `LEAST_PARTS` parts, one fold, or maps of several shapes."""
        if len(set(self.parts)) < LEAST_PARTS or not self.comparable():
            return False
        gain, pictures = 0.0, Counter(self.parts)
        for fold, places in self.of_others.items():
            common = self._common(fold)
            gain += sum(
                (common.surprise(map_) - places.surprise(map_)) / pictures[part]
                for map_, part in zip(*self._maps(fold, inside=True), strict=True)
            )
        return gain > 0

    def _common(self, fold: int) -> ByPlace:
        """One mean and deviation for all places, from the other folds."""
        maps, parts = self._maps(fold, inside=False)
        mean, spread = _overall(np.stack(maps), _weights(parts))
        deviation = max(float(spread), 1e-6)
        return ByPlace(np.full_like(maps[0], mean), np.full_like(maps[0], deviation))

    def _maps(self, fold: int, *, inside: bool) -> tuple[list[Map], list[Hashable]]:
        """The maps of a fold, or of all others, and the part of each."""
        chosen = [k for k, own in enumerate(self.folds) if (own == fold) == inside]
        return [self.maps[k] for k in chosen], [self.parts[k] for k in chosen]


def coarse(map_: Map, shape: tuple[int, ...] | None = None) -> Map:
    """A map (H, W) averaged down to `shape`, or so that its longer side has `LONGEST` cells at most."""
    if shape is None:
        step = max(1.0, max(map_.shape) / LONGEST)
        shape = (max(1, round(map_.shape[0] / step)), max(1, round(map_.shape[1] / step)))
    if shape == map_.shape:
        return map_
    return np.asarray(cv2.resize(map_, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)


def _weights(parts: Sequence[Hashable]) -> NDArray[np.float64] | None:
    """The weight of each map, so that all parts count alike; None: maps count alike, for each part has as many."""
    pictures = Counter(parts)
    if len(set(pictures.values())) == 1:
        return None
    return np.array([1 / pictures[part] for part in parts])


def _overall(stacked: Map, weights: NDArray[np.float64] | None) -> tuple[np.float64, np.float64]:
    """Mean and standard deviation over all places of all maps (N, h, w)."""
    if weights is None:
        return stacked.mean(dtype=np.float64), stacked.std(dtype=np.float64)
    of_map = stacked.reshape(len(stacked), -1).astype(np.float64)
    mean = np.average(of_map.mean(1), weights=weights)
    return np.float64(mean), np.sqrt(np.average(((of_map - mean) ** 2).mean(1), weights=weights))


def _soft(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(values.astype(np.float64), (0, 0), SOFT), np.float64)
