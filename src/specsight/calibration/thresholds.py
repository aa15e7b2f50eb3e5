"""Thresholds, and what may be said about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from specsight.calibration.promise import (
    NO_PROMISE_ABOVE,
    order_statistic,
    parts_needed,
    percent,
    percent_at_most,
)
from specsight.errors import SpecsightError
from specsight.point_spread import PointSpread, PointSpreadJson
from specsight.record_json import Count, Finite, Text, check

Value = TypeVar("Value", float, NDArray[np.float32])
Share = Annotated[float, Field(ge=0, le=1)]


class FormerJson(TypedDict):
    """See `FormerThreshold`."""

    score_threshold: Finite
    map_seed: Finite
    statement: Text


class CalibrationJson(TypedDict):
    """See `Calibration`."""

    score_threshold: Finite
    map_seed: Finite
    map_extent: Finite
    good_count: Annotated[int, Field(ge=1)]
    picture_count: NotRequired[Annotated[int, Field(ge=1)] | None]
    false_reject_rate: Share
    wanted_rate: Share
    confidence: Share
    type_levels: NotRequired[dict[Text, Finite]]
    above_by_hand: NotRequired[Count | None]
    former: NotRequired[list[FormerJson]]
    point_spread: NotRequired[PointSpreadJson | None]
    folds: NotRequired[Count]
    part_peaks: NotRequired[list[dict[str, Finite]]]


@dataclass(frozen=True)
class FormerThreshold:
    """A threshold that was replaced, and what was said of it."""

    score_threshold: float
    map_seed: float
    statement: str


@dataclass(frozen=True)
class ScopedThreshold:
    """What a map may reach within some parts of a product, from held-out good parts that show any of them."""

    threshold: float
    good_count: int
    false_reject_rate: float
    """The rate that holds with `confidence`, of good parts that show any of them."""
    confidence: float
    folds: int = 0
    """See `Calibration.folds`."""

    def statement(self) -> str:
        """The promise in words."""
        how = f"in {self.folds} folds, approximately" if self.folds else "held out,"
        return (
            f"with {self.good_count} good parts that show it {how} at most "
            f"{percent_at_most(self.false_reject_rate)} false rejects with {percent(self.confidence)} confidence"
        )


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
    """Good parts that were judged by a detector that had not learned from them."""
    false_reject_rate: float
    """The rate that holds with `confidence`; larger than `wanted_rate` where there were too few good parts."""
    wanted_rate: float
    confidence: float
    picture_count: int | None = None
    """Pictures of those parts; None: not known, from a version that did not tell parts from pictures."""
    type_levels: Mapping[str, float] = field(default_factory=dict)
    """How high each type's map lies on good parts: their words differ in how near they lie to the product's own."""
    above_by_hand: int | None = None
    """Of a threshold that a person set: held-out good parts above it. None: it came from their scores."""
    former: tuple[FormerThreshold, ...] = ()
    """The thresholds that it replaced, the oldest first."""
    point_spread: PointSpread | None = None
    """How the maps spread defects; None: not known, from a version that did not measure it or too few good parts."""
    folds: int = 0
    """In how many folds the good parts were judged, each by a detector that learned from the other folds, while the
    final one learned from all: the promise is then approximate. 0: nothing was learned from them."""
    part_peaks: tuple[Mapping[str, float], ...] = ()
    """Of each good part that was taken with a part map: the largest map value on each part of the product that it
    showed, "" where no part is. Any scope has a threshold of its own by them."""

    def scoped(self, counts: Callable[[str], bool]) -> ScopedThreshold | None:
        """The threshold of map peaks within the parts of the product whose names `counts` is true for ("" stands for
        what lies on no part), with what it promises of good parts that show any of them.

        None where no promise could be made: too few held-out good parts showed one of them in a part map, or the
        threshold was set by hand.
        """
        if self.above_by_hand is not None:
            return None
        inside = {name for name in set[str]().union(*self.part_peaks) if counts(name)}
        peaks = sorted(
            max(on[name] for name in shown) for on in self.part_peaks if (shown := inside.intersection(on))
        )
        if not peaks:
            return None
        rank, rate = order_statistic(len(peaks), self.wanted_rate, self.confidence)
        if rate > NO_PROMISE_ABOVE:
            return None
        return ScopedThreshold(peaks[rank - 1], len(peaks), rate, self.confidence, self.folds)

    def succeeding(self, before: Calibration) -> Calibration:
        """This calibration, which keeps what it replaces on record."""
        last = FormerThreshold(before.score_threshold, before.map_seed, before.statement())
        return replace(self, former=(*before.former, last))

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
        wanted = percent(self.wanted_rate)
        if self.above_by_hand is not None:
            return (
                "set by hand: nothing is promised about false rejects "
                f"({self.above_by_hand} of {parts}{pictures} {self._how} lie above it)"
            )
        among, about = (f" {self._how}", "approximately ") if self.folds else ("", "")
        least = parts_needed(self.wanted_rate, self.confidence)
        needed = f"{wanted} takes {least} {'' if self.folds else 'held-out '}good parts"
        if self.false_reject_rate > NO_PROMISE_ABOVE:
            return f"with {parts}{pictures}{among} nothing is promised about false rejects: {needed}"
        rejects = "of good parts rejected in any picture" if several else "false rejects"
        limit = wanted if self.sufficient else percent_at_most(self.false_reject_rate)
        promise = (
            f"with {parts}{pictures}{among}, {about}at most {limit} {rejects} "
            f"with {percent(self.confidence)} confidence"
        )
        return promise if self.sufficient else f"{promise}: too few parts, {needed}"

    @property
    def _how(self) -> str:
        return f"in {self.folds} folds" if self.folds else "held out"

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        values = asdict(self)
        return {**values, "former": list(values["former"]), "part_peaks": list(values["part_peaks"])}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` gave. Raises SpecsightError for fields of another version or type."""
        try:
            sound = check(CalibrationJson, values)
            former = tuple(FormerThreshold(**one) for one in sound.get("former", ()))
            spread = PointSpread.from_json(sound.get("point_spread"))
            on_parts = tuple(sound.get("part_peaks", ()))
            return cls(**{**values, "former": former, "point_spread": spread, "part_peaks": on_parts})
        except (TypeError, ValueError) as error:
            raise SpecsightError(
                f"calibration is damaged or of another version ({error}): fit the model again"
            ) from error
