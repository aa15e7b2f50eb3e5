"""Pictures that lack a modality: thresholds of their own, from the same held-out good parts judged without it.

In: a detector that uses modalities where they are there (`Needs.uses`). Out: for every set of modalities that may be
left, what good parts score under it. A picture is compared with the threshold of its own set, so that the promise on
false rejects holds for it too; other detectors have one threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from specsight.calibration import ByPlace, Calibration, HeldOut, ThresholdConfig
from specsight.detectors import Detector
from specsight.errors import UnreadableFile
from specsight.records import DEPTH, RGB, Picture

Modalities = frozenset[str]
EVERY_SET_OF = 3
"""Modalities of which every set is judged; of more those that lack one, and each alone."""


@dataclass(frozen=True)
class Fewer:
    """What good parts score where a picture has these modalities and no other."""

    modalities: Modalities
    held_out: HeldOut
    calibration: Calibration
    by_place: ByPlace | None = None
    """As in `Inspector`, of these maps."""

    def to_json(self) -> dict[str, Any]:
        """All but `by_place`, as JSON values."""
        return {
            "modalities": sorted(self.modalities),
            "held_out": self.held_out.to_json(),
            "calibration": self.calibration.to_json(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], by_place: ByPlace | None) -> Fewer:
        """Read what `to_json` gave. Raises ValueError, LookupError or SpecsightError for anything else."""
        names = frozenset(str(name) for name in values["modalities"])
        held_out = HeldOut.from_json(values["held_out"])
        return cls(names, held_out, Calibration.from_json(values["calibration"]), by_place)

    def promising(self, threshold: ThresholdConfig) -> Fewer:
        """The same good parts with another promise."""
        return Fewer.of(self.modalities, self.held_out, threshold, self.by_place)

    @classmethod
    def of(
        cls,
        modalities: Modalities,
        held_out: HeldOut,
        threshold: ThresholdConfig,
        by_place: ByPlace | None = None,
    ) -> Fewer:
        """With the thresholds that promise what `threshold` says."""
        calibration = held_out.calibrate(threshold.false_reject_rate, threshold.confidence)
        return cls(modalities, held_out, calibration, by_place)

    def lost(self, modalities: Modalities) -> str:
        """What of `modalities` such a picture lacks, in words."""
        return _listed(sorted(modalities - self.modalities))


@dataclass(frozen=True)
class Fitting:
    """What a picture's score and map are compared with."""

    calibration: Calibration | None
    by_place: ByPlace | None
    lost: tuple[str, ...] = ()
    """Modalities that the picture lacks."""
    notes: tuple[str, ...] = ()

    @property
    def promise(self) -> str:
        """What is promised of pictures that lack the same; empty where nothing is lacking, or nothing is known."""
        if not self.lost or self.calibration is None or self.notes:
            return ""
        return f"judged without {_listed(self.lost)}: {self.calibration.statement()}"


def extents_alone(fewer: Sequence[Fewer]) -> dict[str, float]:
    """What good parts reach in the map of each modality by itself: "rgb" and "depth" to a level of the map."""
    return {
        name: one.calibration.map_extent
        for one in fewer
        if len(one.modalities) == 1
        for name in one.modalities
    }


def known_modalities(detector: Detector) -> Modalities | None:
    """The modalities that a fitted detector can judge by: those that enough good pictures had. None: it uses none
    beside colours."""
    if not detector.needs.uses:
        return None
    least = max(1, detector.needs.good_pictures)
    of_method = {RGB, *detector.needs.uses, *((DEPTH,) if detector.needs.depth else ())}
    return frozenset(name for name, count in detector.seen_.items() if count >= least and name in of_method)


def left_of(modalities: Modalities | None, detector: Detector) -> list[Modalities]:
    """The sets of modalities that `detector` can judge a picture by that lacks some of `modalities`."""
    return list(sets_of(modalities or frozenset(), (DEPTH,) if detector.needs.depth else ()))


def sets_of(modalities: Modalities, needed: Collection[str] = ()) -> Iterator[Modalities]:
    """The sets of modalities that a picture may be left with, without the whole; `needed` are never lost."""
    names = sorted(modalities)
    sizes = range(1, len(names)) if len(names) <= EVERY_SET_OF else {len(names) - 1, 1}
    for size in sorted(sizes, reverse=True):
        yield from (frozenset(chosen) for chosen in combinations(names, size) if set(needed) <= set(chosen))


def limited_to(modalities: Modalities) -> Callable[[Picture], Picture | None]:
    """What leaves pictures these modalities alone; None for one that lacks any of them."""

    def limited(picture: Picture) -> Picture | None:
        if not picture.modalities >= modalities:
            return None
        return picture.without(*picture.modalities - modalities)

    return limited


def as_known(picture: Picture, modalities: Modalities | None, image: object) -> Picture:
    """`picture` without what good parts did not have, which is noted. Raises UnreadableFile where nothing is left."""
    if modalities is None or picture.modalities <= modalities:
        return picture
    unknown = sorted(picture.modalities - modalities)
    if not picture.modalities & modalities:
        raise UnreadableFile(
            f"'{image}' has {_listed(unknown)} alone, and too few good parts of this model had any: it cannot be judged"
        )
    notes = tuple(
        f"{name} is ignored: none of the good parts of this model had any, or too few" for name in unknown
    )
    return replace(picture.without(*unknown), notes=(*picture.notes, *notes))


def fitting(
    picture: Picture,
    modalities: Modalities | None,
    calibration: Calibration | None,
    by_place: ByPlace | None,
    fewer: Collection[Fewer],
) -> Fitting:
    """What fits the modalities of `picture`: the threshold of the whole set `modalities`, or one of `fewer`."""
    if modalities is None or modalities <= picture.modalities:
        return Fitting(calibration, by_place)
    lost = tuple(sorted(modalities - picture.modalities))
    own = next((one for one in fewer if one.modalities == picture.modalities & modalities), None)
    if own is not None:
        return Fitting(own.calibration, own.by_place, lost)
    note = (
        f"judged without {_listed(lost)}, and no good part was: what the threshold promises of false rejects is not "
        "known for such a picture"
    )
    return Fitting(calibration, by_place, lost, (note,))


def _listed(names: Collection[str]) -> str:
    return " and ".join("colours" if name == RGB else name for name in names)
