"""Scores of held-out good parts → thresholds with a stated false-reject rate. Knows nothing of detectors' insides.

The threshold is an order statistic, so the statement needs no assumption about how scores are distributed, only that
the held-out parts come from the same line as the parts to be judged: with n good scores sorted, the share of good
parts above the k-th follows Beta(n - k + 1, k) (Wilks 1941, "Determination of sample sizes for setting tolerance
limits").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
    false_reject_rate: Share
    wanted_rate: Share
    confidence: Share
    type_levels: NotRequired[dict[Text, Finite]]


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
    false_reject_rate: float
    """The rate that holds with `confidence`; larger than `wanted_rate` where there were too few good parts."""
    wanted_rate: float
    confidence: float
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
        promise = (
            f"with {self.good_count} good part{'s' if self.good_count > 1 else ''}, "
            f"at most {_percent(self.false_reject_rate)} false rejects with {_percent(self.confidence)} confidence"
        )
        if self.sufficient:
            return promise
        needed = parts_needed(self.wanted_rate, self.confidence)
        return (
            f"{promise}: too few for {_percent(self.wanted_rate)}, which takes {needed} held-out good parts"
        )

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


def _check_rates(false_reject_rate: float, confidence: float) -> None:
    for name, value in (("false-reject rate", false_reject_rate), ("confidence", confidence)):
        if not 0 < value < 1:
            hint = f": write {value / 100:g} for {value:g} %" if 1 < value < 100 else ""
            raise SpecsightError(f"{name} must lie between 0 and 1, got {value:g}{hint}")


def parts_needed(false_reject_rate: float, confidence: float) -> int:
    """Smallest n whose largest score promises the rate: (1 - rate)^n <= 1 - confidence. 59 for 5 % at 95 %.

    Raises `SpecsightError` for rates outside (0, 1).
    """
    _check_rates(false_reject_rate, confidence)
    return math.ceil(math.log(1 - confidence) / math.log(1 - false_reject_rate) - 1e-9)


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
) -> Calibration:
    """Thresholds from the (score, map) of held-out good parts; levels of types from their `medians_by_type`.

    Raises `SpecsightError` for rates outside (0, 1), for no good part at all, and for scores that are not finite.
    """
    _check_rates(false_reject_rate, confidence)
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
    rank, rate = order_statistic(len(scores), false_reject_rate, confidence)
    seed = float(np.sort(peaks)[rank - 1])
    extent = float(np.quantile(np.concatenate(pixels), EXTENT_QUANTILE))
    return Calibration(
        score_threshold=float(np.sort(scores)[rank - 1]),
        map_seed=seed,
        map_extent=min(extent, seed),
        good_count=len(scores),
        false_reject_rate=rate,
        wanted_rate=false_reject_rate,
        confidence=confidence,
        type_levels={
            type_: float(np.median([medians[type_] for medians in type_medians if type_ in medians]))
            for type_ in dict.fromkeys(t for medians in type_medians for t in medians)
        },
    )


def medians_by_type(type_maps: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    """Median of each type's map of one part."""
    return {type_: float(np.median(map_[::LEVEL_STEP, ::LEVEL_STEP])) for type_, map_ in type_maps.items()}


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
