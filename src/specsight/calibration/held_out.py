"""Scores of held-out good parts → thresholds; kept in a model, they give others without fitting it anew."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from specsight.calibration.promise import check_rates, order_statistic
from specsight.calibration.thresholds import Calibration
from specsight.errors import SpecsightError
from specsight.point_spread import PointSpread, PointSpreadJson, Responses
from specsight.record_json import Count, Finite, Text, check

EXTENT_QUANTILE = 0.995
"""Pixels above this quantile of good pixels may belong to a finding."""
LEVEL_STEP = 4
"""Every fourth pixel of a type's map is enough for its median."""
PIXELS_PER_MAP = 100_000
"""How many pixels of one map enter the pixel quantile at most: memory stays bounded on large pictures."""


class PictureJson(TypedDict):
    """See `HeldOutPicture`."""

    part: Count
    score: Finite
    peak: Finite
    digest: Text
    group: Text
    part_peaks: NotRequired[dict[str, Finite] | None]


class HeldOutJson(TypedDict):
    """See `HeldOut`."""

    pictures: Annotated[list[PictureJson], Field(min_length=1)]
    extent: Finite
    type_levels: NotRequired[dict[Text, Finite]]
    point_spread: NotRequired[PointSpreadJson | None]
    folds: NotRequired[Count]


@dataclass(frozen=True)
class HeldOutPicture:
    """What a detector said of one picture of a good part that it has not seen."""

    part: int
    """Pictures of one part have the same."""
    score: float
    peak: float
    """Largest value of its map."""
    digest: str = ""
    """Of its files (`sample_digest`); empty where not known."""
    group: str = ""
    """The part that its sample names, where it names one."""
    part_peaks: Mapping[str, float] | None = None
    """Largest value of its map on each part of the product that it shows, "" where no part is; None: it came without a
    part map."""


@dataclass(frozen=True)
class HeldOut:
    """What is known of pictures of good parts, each judged by a detector that had not learned from its part."""

    pictures: tuple[HeldOutPicture, ...]
    extent: float
    """`EXTENT_QUANTILE` of the values of all their maps."""
    type_levels: Mapping[str, float] = field(default_factory=dict)
    """See `Calibration.type_levels`."""
    point_spread: PointSpread | None = None
    """See `Calibration.point_spread`."""
    folds: int = 0
    """See `Calibration.folds`."""

    @classmethod
    def of(
        cls,
        judged: Iterable[tuple[float, NDArray[np.float32]]],
        type_medians: Sequence[Mapping[str, float]] = (),
        parts: Sequence[Hashable] | None = None,
        names: Sequence[tuple[str, str]] | None = None,
        responses: Responses | None = None,
        folds: int = 0,
        part_peaks: Sequence[Mapping[str, float] | None] | None = None,
    ) -> HeldOut:
        """From the (score, map) of each picture; `names` are digest and group of each, `responses` those to discs
        painted on some, `folds` as in `Calibration`, `part_peaks` of each as in `HeldOutPicture`. See `calibrate`."""
        scores, peaks, pixels = [], [], []
        for score, map_ in judged:
            scores.append(float(score))
            peaks.append(float(map_.max()))
            flat = map_.reshape(-1)
            pixels.append(flat[:: max(1, -(-flat.size // PIXELS_PER_MAP))])
        if not scores:
            raise SpecsightError("no good part was held out: a threshold needs at least one")
        if not np.isfinite(scores).all() or not np.isfinite(peaks).all():
            raise SpecsightError("a held-out good part has a score that is not a number: check its picture")
        numbers: dict[Hashable, int] = {}
        labels = [
            numbers.setdefault(p, len(numbers)) for p in (range(len(scores)) if parts is None else parts)
        ]
        names = [("", "")] * len(scores) if names is None else names
        on_parts = [None] * len(scores) if part_peaks is None else part_peaks
        values = np.concatenate(pixels)
        return cls(
            tuple(
                HeldOutPicture(part, score, peak, digest, group, on_part)
                for part, score, peak, (digest, group), on_part in zip(
                    labels, scores, peaks, names, on_parts, strict=True
                )
            ),
            float(np.quantile(values, EXTENT_QUANTILE)),
            {
                type_: float(np.median([medians[type_] for medians in type_medians if type_ in medians]))
                for type_ in dict.fromkeys(t for medians in type_medians for t in medians)
            },
            responses.spread(float(np.median(values))) if responses else None,
            folds,
        )

    @property
    def scores(self) -> list[float]:
        """Largest score of each part, sorted."""
        return self._largest([one.score for one in self.pictures])

    def calibrate(self, false_reject_rate: float = 0.05, confidence: float = 0.95) -> Calibration:
        """Thresholds that promise the rate, as far as that many parts can. Raises as `check_rates` does."""
        check_rates(false_reject_rate, confidence)
        scores, peaks = self.scores, self._peaks
        rank, rate = order_statistic(len(scores), false_reject_rate, confidence)
        seed = peaks[rank - 1]
        return Calibration(
            score_threshold=scores[rank - 1],
            map_seed=seed,
            map_extent=min(self.extent, seed),
            good_count=len(scores),
            picture_count=len(self.pictures),
            false_reject_rate=rate,
            wanted_rate=false_reject_rate,
            confidence=confidence,
            type_levels=self.type_levels,
            point_spread=self.point_spread,
            folds=self.folds,
            part_peaks=self._part_peaks,
        )

    def at(self, score_threshold: float, wanted_rate: float = 0.05, confidence: float = 0.95) -> Calibration:
        """Thresholds for a score that a person chose; they promise nothing.

        `map_seed` lies on the line that takes the median and the largest score of parts to those of map maxima.
        Raises SpecsightError for what is no finite number.
        """
        if not math.isfinite(score_threshold):
            raise SpecsightError(f"a threshold must be a finite number, got {score_threshold}")
        scores, peaks = self.scores, self._peaks
        middle, top = float(np.median(scores)), scores[-1]
        slope = (peaks[-1] - float(np.median(peaks))) / (top - middle) if top > middle else 1.0
        seed = peaks[-1] + slope * (score_threshold - top)
        return replace(
            self.calibrate(wanted_rate, confidence),
            score_threshold=score_threshold,
            map_seed=seed,
            map_extent=min(self.extent, seed),
            false_reject_rate=1.0,
            above_by_hand=sum(score > score_threshold for score in scores),
        )

    def joined(self, further: HeldOut) -> HeldOut:
        """These pictures and further ones that the final detector has judged.

        Parts with pictures of one group are one part, with all their pictures. Levels of types and the point spread
        stay; `extent` is the mean of both by pictures, since their maps are not kept.
        """
        base = 1 + max(one.part for one in self.pictures)
        added = tuple(replace(one, part=base + one.part) for one in further.pictures)
        share = len(added) / (len(self.pictures) + len(added))
        extent = (1 - share) * self.extent + share * further.extent
        pictures, levels = (
            _one_part_a_group((*self.pictures, *added)),
            self.type_levels or further.type_levels,
        )
        spread, folds = self.point_spread or further.point_spread, max(self.folds, further.folds)
        return HeldOut(pictures, extent, levels, spread, folds)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        values = asdict(self)
        return {**values, "pictures": list(values["pictures"])}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> HeldOut:
        """Read what `to_json` gave. Raises ValueError for anything else."""
        sound = check(HeldOutJson, values)
        pictures = tuple(HeldOutPicture(**one) for one in sound["pictures"])
        spread = PointSpread.from_json(sound.get("point_spread"))
        return cls(
            pictures, sound["extent"], dict(sound.get("type_levels", {})), spread, sound.get("folds", 0)
        )

    @property
    def _part_peaks(self) -> tuple[Mapping[str, float], ...]:
        """Of each good part that was taken with a part map: the largest map value on each of the product's parts."""
        largest: dict[int, dict[str, float]] = {}
        for one in self.pictures:
            if one.part_peaks is None:
                continue
            on = largest.setdefault(one.part, {})
            for name, peak in one.part_peaks.items():
                on[name] = max(peak, on.get(name, -math.inf))
        return tuple(largest.values())

    @property
    def _peaks(self) -> list[float]:
        return self._largest([one.peak for one in self.pictures])

    def _largest(self, values: Sequence[float]) -> list[float]:
        """The largest value of each part, sorted."""
        largest: dict[int, float] = {}
        for one, value in zip(self.pictures, values, strict=True):
            largest[one.part] = max(value, largest.get(one.part, -math.inf))
        return sorted(largest.values())


def _one_part_a_group(pictures: tuple[HeldOutPicture, ...]) -> tuple[HeldOutPicture, ...]:
    """The pictures, with one part, the smallest number, for all parts that a group connects."""
    numbers = {one.part: one.part for one in pictures}
    first: dict[str, int] = {}
    for one in pictures:
        if not one.group:
            continue
        low, high = sorted((numbers[first.setdefault(one.group, one.part)], numbers[one.part]))
        if low != high:
            numbers = {part: low if number == high else number for part, number in numbers.items()}
    return tuple(replace(one, part=numbers[one.part]) for one in pictures)


def calibrate(
    judged: Iterable[tuple[float, NDArray[np.float32]]],
    false_reject_rate: float = 0.05,
    confidence: float = 0.95,
    type_medians: Sequence[Mapping[str, float]] = (),
    parts: Sequence[Hashable] | None = None,
) -> Calibration:
    """Thresholds from the (score, map) of pictures of held-out good parts.

    `parts` says for each which part it shows, and a part counts once, with its largest score and map maximum; None:
    each shows another one. Levels of types come from their `medians_by_type`.

    Raises `SpecsightError` for rates outside (0, 1), for no good part at all, and for scores that are not finite;
    ValueError for another number of parts than of pictures.
    """
    check_rates(false_reject_rate, confidence)
    return HeldOut.of(judged, type_medians, parts).calibrate(false_reject_rate, confidence)


def peaks_on_parts(
    map_: NDArray[np.float32], parts: NDArray[np.uint8] | None, names: Mapping[int, str]
) -> dict[str, float] | None:
    """The largest value of a map (H, W) on each part of the product; see `HeldOutPicture.part_peaks`.

    `parts` (H, W) holds values of `names`; what it holds besides is no part.
    """
    if parts is None:
        return None
    peaks = np.full(256, -np.inf)
    np.maximum.at(peaks, parts.ravel(), map_.ravel())
    found: dict[str, float] = {}
    for value in np.flatnonzero(np.isfinite(peaks)):
        name = names.get(int(value), "")
        found[name] = max(float(peaks[value]), found.get(name, -math.inf))
    return found


def medians_by_type(type_maps: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    """Median of each type's map of one part."""
    return {type_: float(np.median(map_[::LEVEL_STEP, ::LEVEL_STEP])) for type_, map_ in type_maps.items()}
