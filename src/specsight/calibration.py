"""Scores of held-out good parts → thresholds with a stated false-reject rate. Knows nothing of detectors' insides.

The threshold is an order statistic, so the statement needs no assumption about how scores are distributed, only that
the held-out parts come from the same line as the parts to be judged: with n good scores sorted, the share of good
parts above the k-th follows Beta(n - k + 1, k) (Wilks 1941, "Determination of sample sizes for setting tolerance
limits").

Parts are counted, not pictures: pictures of one part are not independent. Where a part was taken several times (views,
exposures, frames, copies) its score is the largest of its pictures, and the statement is about parts: of good parts
photographed as often as those held out, at most the stated share has any picture rejected. For a single picture of a
good part the same limit holds, since it is rejected no more often than any of several.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from specsight.errors import SpecsightError
from specsight.record_json import Finite, Text, check

EXTENT_QUANTILE = 0.995
"""Pixels above this quantile of good pixels may belong to a finding."""
LEVEL_STEP = 4
"""Every fourth pixel of a type's map is enough for its median."""
NO_PROMISE_ABOVE = 0.5
"""A limit above one false reject in two good parts is no promise: fewer than 5 parts, at 95 % confidence."""
MOST_PARTS = 10**9
"""No line photographs more."""
LEAST_PARTS = 3
"""Of fewer good parts none is held out: at least two are left to learn from for each."""
PIXELS_PER_MAP = 100_000
"""How many pixels of one map enter the pixel quantile at most: memory stays bounded on large pictures."""


Value = TypeVar("Value", float, NDArray[np.float32])


Share = Annotated[float, Field(ge=0, le=1)]


class CalibrationJson(TypedDict):
    """See `Calibration`."""

    score_threshold: Finite
    map_seed: Finite
    map_extent: Finite
    good_count: Annotated[int, Field(ge=1)]
    picture_count: NotRequired[Annotated[int, Field(ge=1)]]
    false_reject_rate: Share
    wanted_rate: Share
    confidence: Share
    type_levels: NotRequired[dict[Text, Finite]]


@dataclass(frozen=True)
class ThresholdConfig:
    """What a threshold is to promise, and from how many good parts. Raises `SpecsightError` for impossible values."""

    holdout: int | None = None
    """Good parts to hold out for the threshold, beside validation pictures where the set has some. None: no further
    ones where there are validation pictures, else as many as the promise takes, never more than a third."""
    false_reject_rate: float = 0.05
    confidence: float = 0.95

    def __post_init__(self) -> None:
        holdout = self.holdout
        whole = isinstance(holdout, Integral) and not isinstance(holdout, bool)
        if holdout is not None and (not whole or holdout < 0):
            raise SpecsightError(f"holdout must be a whole number of good parts from 0 on, got {holdout!r}")
        parts_needed(self.false_reject_rate, self.confidence)

    @property
    def parts(self) -> int:
        """How many good parts the threshold is to come from."""
        if self.holdout is not None:
            return self.holdout
        return parts_needed(self.false_reject_rate, self.confidence)

    def share_of(self, parts: int) -> int:
        """How many of `parts` good parts to hold out."""
        return min(self.parts, parts // LEAST_PARTS) if self.holdout is None else self.holdout


@dataclass(frozen=True)
class Calibration:
    """Thresholds from held-out good parts, and what may be said about them.

    A picture is rejected if its score is above `score_threshold`. A region of the map is a finding if it lies above
    `map_extent` and holds a pixel above `map_seed`; `map_seed` is to map maxima what `score_threshold` is to scores.
    """

    score_threshold: float
    map_seed: float
    map_extent: float
    good_count: int
    """Held-out good parts."""
    false_reject_rate: float
    """The rate that holds with `confidence`; larger than `wanted_rate` where there were too few good parts."""
    wanted_rate: float
    confidence: float
    picture_count: int | None = None
    """Pictures of those parts; None: not known, from a version that did not tell parts from pictures."""
    type_levels: Mapping[str, float] = field(default_factory=dict)
    """How high each type's map lies on good parts: their words differ in how near they lie to the product's own."""

    def above_good(self, type_: str, value: Value) -> Value:
        """How far values of a type's map rise above good parts; by such differences types are compared.

        A type that was not known when the thresholds were made is given the mean level of those that were.
        """
        levels = self.type_levels
        usual = sum(levels.values()) / len(levels) if levels else 0.0
        above: Value = value - levels.get(type_, usual)
        return above

    @property
    def sufficient(self) -> bool:
        """Whether the wanted false-reject rate could be promised."""
        return self.false_reject_rate <= self.wanted_rate + 1e-12

    def statement(self) -> str:
        """The promise in words, or why it cannot be made."""
        several = self.picture_count is not None and self.picture_count > self.good_count
        parts = f"{self.good_count} good part{'s' if self.good_count > 1 else ''}"
        pictures = f" ({self.picture_count} pictures)" if several else ""
        wanted = _percent(self.wanted_rate)
        needed = f"{wanted} takes {parts_needed(self.wanted_rate, self.confidence)} held-out good parts"
        if self.false_reject_rate > NO_PROMISE_ABOVE:
            return f"with {parts}{pictures} nothing is promised about false rejects: {needed}"
        rejects = "of good parts rejected in any picture" if several else "false rejects"
        promise = (
            f"with {parts}{pictures}, at most {_percent(self.false_reject_rate)} {rejects} "
            f"with {_percent(self.confidence)} confidence"
        )
        return promise if self.sufficient else f"{promise}: too few parts, {needed}"

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` gave. Raises SpecsightError for fields of another version or type."""
        try:
            return cls(**check(CalibrationJson, values))
        except (TypeError, ValueError) as error:
            raise SpecsightError(
                f"calibration is damaged or of another version ({error}): fit the model again"
            ) from error


def check_rates(false_reject_rate: float, confidence: float) -> None:
    """Raise `SpecsightError` for anything but numbers inside (0, 1)."""
    for name, value in (("false-reject rate", false_reject_rate), ("confidence", confidence)):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise SpecsightError(f"{name} must be a number between 0 and 1, got {value!r}")
        if not 0 < value < 1:
            hint = f": write {value / 100:g} for {value:g} %" if 1 < value < 100 else ""
            raise SpecsightError(f"{name} must lie between 0 and 1, got {value:g}{hint}")


def parts_needed(false_reject_rate: float, confidence: float) -> int:
    """Smallest n whose largest score promises the rate: (1 - rate)^n <= 1 - confidence. 59 for 5 % at 95 %.

    Raises `SpecsightError` for rates outside (0, 1), and for those too small for any number of parts.
    """
    check_rates(false_reject_rate, confidence)
    needed = math.log1p(-confidence) / math.log1p(-false_reject_rate)
    if needed > MOST_PARTS:
        raise SpecsightError(
            f"a false-reject rate of {false_reject_rate:g} takes more than {MOST_PARTS:,} good parts: "
            "allow a higher one"
        )
    return math.ceil(needed - 1e-9)


def order_statistic(count: int, false_reject_rate: float, confidence: float) -> tuple[int, float]:
    """Which of `count` sorted good scores (1-based rank) to use, and the false-reject rate it promises.

    The smallest rank k with P[Binomial(count, 1 - rate) < k] >= confidence. Where even the largest score cannot
    promise `false_reject_rate`, the rank is `count` and the returned rate is what it does promise.
    """
    from scipy.stats import binom

    if count < 1:
        raise ValueError("at least one good score is needed")
    ranks = np.arange(1, count + 1)
    promised = binom.cdf(ranks - 1, count, 1 - false_reject_rate) >= confidence
    if promised.any():
        return int(ranks[promised][0]), false_reject_rate
    return count, float(1 - (1 - confidence) ** (1 / count))


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
    scores, peaks, pixels = [], [], []
    for score, map_ in judged:
        scores.append(score)
        peaks.append(float(map_.max()))
        flat = map_.reshape(-1)
        pixels.append(flat[:: max(1, -(-flat.size // PIXELS_PER_MAP))])
    if not scores:
        raise SpecsightError("no good part was held out: a threshold needs at least one")
    if not np.isfinite(scores).all() or not np.isfinite(peaks).all():
        raise SpecsightError("a held-out good part has a score that is not a number: check its picture")
    shown = range(len(scores)) if parts is None else parts
    by_part, peak_by_part = _largest(scores, shown), _largest(peaks, shown)
    rank, rate = order_statistic(len(by_part), false_reject_rate, confidence)
    seed = float(peak_by_part[rank - 1])
    extent = float(np.quantile(np.concatenate(pixels), EXTENT_QUANTILE))
    return Calibration(
        score_threshold=float(by_part[rank - 1]),
        map_seed=seed,
        map_extent=min(extent, seed),
        good_count=len(by_part),
        picture_count=len(scores),
        false_reject_rate=rate,
        wanted_rate=false_reject_rate,
        confidence=confidence,
        type_levels={
            type_: float(np.median([medians[type_] for medians in type_medians if type_ in medians]))
            for type_ in dict.fromkeys(t for medians in type_medians for t in medians)
        },
    )


def _largest(values: Sequence[float], parts: Sequence[Hashable]) -> list[float]:
    """The largest value of each part, sorted."""
    largest: dict[Hashable, float] = {}
    for part, value in zip(parts, values, strict=True):
        largest[part] = max(value, largest.get(part, -math.inf))
    return sorted(largest.values())


def medians_by_type(type_maps: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    """Median of each type's map of one part."""
    return {type_: float(np.median(map_[::LEVEL_STEP, ::LEVEL_STEP])) for type_, map_ in type_maps.items()}


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
