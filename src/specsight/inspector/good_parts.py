"""Good parts that a detector has not seen → what it says of them, from which thresholds come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.calibration import ByPlace, HeldOut, medians_by_type, peaks_on_parts
from specsight.calibration.by_place import Cells, coarse
from specsight.datasets.digest import sample_digest
from specsight.detectors import Detector
from specsight.errors import UnreadableFile
from specsight.inspector.folds import Judge
from specsight.inspector.judgements import check_judgement
from specsight.inspector.likeness import Likeness, pooled
from specsight.inspector.observation import Skipped
from specsight.inspector.part_maps import with_parts
from specsight.inspector.pictures import read_picture
from specsight.parts import PartFinder
from specsight.point_spread import LARGE, SMALL, Disc, Responses, painted
from specsight.progress import track
from specsight.records import RGB, Judgement, Picture, Sample

TYPE_LEVEL_PARTS = 20
"""Held-out good parts whose type maps are computed: enough for a median, and each costs a map per type."""
SPREAD_PARTS = 8
"""Held-out good parts that discs are painted on, to measure the point spread: each costs two looks."""


@dataclass
class Judged:
    """What came of judging good parts that were held out."""

    held_out: HeldOut | None = None
    """None: no part was held out, or none could be read."""
    by_place: ByPlace | None = None
    """What they show at each place; None: maps are taken as they are."""
    likeness: Likeness | None = None
    """The same pictures, pooled."""
    parts: list[int] = field(default_factory=list)
    """Label of the part of each picture that could be read."""
    seconds: list[float] = field(default_factory=list)
    """What looking at each and judging it took."""
    skipped: list[Skipped] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What was noticed in reading them: note → paths."""


def judge_good(
    judges: Iterable[Judge],
    bits: int | None,
    folds: int = 0,
    by_place: ByPlace | bool | None = None,
    finder: PartFinder | None = None,
    limited: Callable[[Picture], Picture | None] | None = None,
) -> Judged:
    """Judge good samples by detectors that have not seen them.

    `bits` is what 16-bit files use of their range; `folds` see `Calibration`; `by_place` see
    `ThresholdConfig.by_place`, or what a model that exists compares its maps with; `finder` finds parts where a sample
    brings no part map; `limited` leaves pictures fewer modalities, or none to judge (`fewer.limited_to`). Pictures that
    cannot be read are skipped and listed.
    """
    found, said = Judged(), _Said()
    names, pictures, type_medians = list[tuple[str, str]](), [], list[dict[str, float]]()
    for fold, detector, sample, part in _each(judges):
        try:
            _, read = read_picture(sample, "", bits, detector.needs)
            picture = limited(read) if limited else read
            if picture is None:
                continue
            start = time.perf_counter()
            (view,) = detector.look([picture])
            judgement = detector.judge(view)
            found.seconds.append(time.perf_counter() - start)
            check_judgement(judgement, picture, detector.name)
        except UnreadableFile as error:
            found.skipped.append(Skipped(str(sample.image), str(error)))
            continue
        if part not in found.parts and len(type_medians) < TYPE_LEVEL_PARTS:
            type_medians.append(medians_by_type(judgement.type_maps))
        if part not in found.parts and len(set(found.parts)) < SPREAD_PARTS and RGB not in picture.absent:
            said.look_at_discs(detector, picture)
        sample, picture = with_parts(finder, detector, sample, picture, view)
        images.collect_notes(found.notes, sample, picture.notes)
        said.add(judgement, fold, detector, PartMap(picture.parts, sample.part_names))
        names.append((digest_of(sample), group_of(sample)))
        pictures.append(pooled(view))
        found.parts.append(part)
    if names:
        judged, responses, found.by_place = said.standardised(found.parts, folds, by_place)
        on_parts = [
            peaks_on_parts(map_, one.values, one.names)
            for (_, map_), one in zip(judged, said.part_maps, strict=True)
        ]
        found.held_out = HeldOut.of(judged, type_medians, found.parts, names, responses, folds, on_parts)
        found.likeness = Likeness.of(pictures, found.parts)
    return found


@dataclass(frozen=True)
class PartMap:
    """Where the parts of the product lie in a picture."""

    values: NDArray[np.uint8] | None
    """(H, W), 0 where no part is; None: not known."""
    names: Mapping[int, str]


@dataclass
class _Said:
    """What detectors said of good pictures, and of discs painted on some."""

    judgements: list[Judgement] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    """The number of the detector that said it."""
    part_maps: list[PartMap] = field(default_factory=list)
    """Where the parts of the product lie in each picture."""
    scores_are_of_maps: bool = True
    """Of all detectors, none of which tells types apart."""
    discs: dict[int, list[tuple[Judgement, Sequence[Disc]]]] = field(default_factory=dict)
    """By the number of the picture that they were painted on."""

    def add(self, judgement: Judgement, fold: int, detector: Detector, part_map: PartMap) -> None:
        """The answer to the next picture."""
        self.part_maps.append(part_map)
        self.judgements.append(Judgement(judgement.score, judgement.map))
        self.scores_are_of_maps &= detector.score_of_map and not judgement.type_maps
        self.folds.append(fold)

    def look_at_discs(self, detector: Detector, picture: Picture) -> None:
        """Paint discs on the next picture, and note what the detector says of them."""
        for share in (SMALL, LARGE):
            rgb, discs = painted(picture.rgb, share)
            (view,) = detector.look([replace(picture, rgb=rgb)])
            judgement = detector.judge(view)
            # Without the maps of types, of which there may be dozens.
            kept = Judgement(judgement.score, judgement.map)
            self.discs.setdefault(len(self.judgements), []).append((kept, discs))

    def standardised(
        self, parts: Sequence[int], folds: int, by_place: ByPlace | bool | None
    ) -> tuple[list[tuple[float, NDArray[np.float32]]], Responses, ByPlace | None]:
        """Score and map of each picture, what discs changed, and what the final detector's maps are compared with."""
        final: ByPlace | None = None
        for_fold: dict[int, ByPlace] = {}
        if isinstance(by_place, ByPlace):
            final, for_fold = by_place, dict.fromkeys(self.folds, by_place)
        elif folds and by_place is not False and self.scores_are_of_maps:
            cells = Cells([coarse(one.map) for one in self.judgements], self.folds, parts)
            if cells.lie_alike() or (by_place and cells.comparable()):
                final = cells.of_all()
                for_fold = cells.of_others
        judged, responses = [], Responses()
        for number, (judgement, fold) in enumerate(zip(self.judgements, self.folds, strict=True)):
            places = for_fold.get(fold)
            own = places.apply(judgement) if places else judgement
            judged.append((own.score, own.map))
            for with_discs, discs in self.discs.get(number, ()):
                seen = places.apply(with_discs) if places else with_discs
                responses.add(own.map, seen.map, discs)
        return judged, responses, final


def _each(judges: Iterable[Judge]) -> Iterator[tuple[int, Detector, Sample, int]]:
    for number, (detector, samples) in enumerate(judges):
        for sample, part in track(samples, "Calibrating"):
            yield number, detector, sample, part


def digest_of(sample: Sample) -> str:
    """The digest of a sample's files; empty where one cannot be read."""
    try:
        return sample_digest(sample)
    except OSError:
        return ""


def group_of(sample: Sample) -> str:
    """The part that a sample names, within its product; empty where it names none."""
    return f"{sample.product}/{sample.group}" if sample.group else ""


def digests_of(samples: Iterable[Sample]) -> dict[str, str]:
    """Digest → group of samples whose files can be read."""
    named = {digest_of(sample): group_of(sample) for sample in samples}
    named.pop("", None)
    return named
