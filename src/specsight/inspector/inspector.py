"""The one way through: a fitted detector with its calibration and specification, from picture to inspection.

In: a picture (path, bytes, array or sample) and any number of instructions. Out: an `Inspection`. The command
line, the evaluation and the service all judge pictures here; there is no other path.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from typing_extensions import Self

from specsight import calibration as calibrations
from specsight import explain, findings, images
from specsight.calibration import Calibration, ThresholdConfig
from specsight.datasets.accounting import Account
from specsight.decision import Circumstances, clauses_in_force, decide
from specsight.detectors import Detector, View, create_detector, load_detector
from specsight.detectors.saving import SPECIFICATION
from specsight.errors import SpecsightError, UnreadableFile
from specsight.inspector import remarks, saved
from specsight.inspector.foreign import check_encoder, try_out
from specsight.inspector.judgements import check_judgement
from specsight.inspector.pictures import PictureLike, read_picture
from specsight.inspector.request import write_request
from specsight.inspector.saved import ACCOUNT, CALIBRATION, FULL_RANGE, READING
from specsight.inspector.sources import Source, good_source
from specsight.inspector.splits import GoodCounts, split_good
from specsight.progress import track
from specsight.reading import read
from specsight.records import Finding, Inspection, Judgement, Picture, Sample
from specsight.specification import (
    DefectType,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Specification,
    Tolerance,
    load_specification,
    save_yaml,
)
from specsight.specification.vocabulary import Vocabulary
from specsight.storage import (
    given_path,
    recover,
    verify_folder,
    whole_folder,
    write_json,
)

TYPE_LEVEL_PARTS = 20
"""Held-out good parts whose type maps are computed: enough for a median, and each costs a map per type."""


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why, in one line."""

    path: str
    reason: str


@dataclass(frozen=True)
class Observation:
    """One picture that the detector has looked at once, ready to be judged under any number of instructions."""

    sample: Sample
    picture: Picture
    view: View = field(repr=False)
    seconds: Mapping[str, float]
    """Time spent so far: "read" and "look"."""
    looked_by: str = ""
    """The detector and the encoder whose features `view` holds; empty: not known."""


@dataclass
class Inspector:
    """A fitted detector that gives decisions. Without calibration it gives scores and maps only."""

    detector: Detector
    calibration: Calibration | None = None
    specification: Specification | None = None
    bits: int | None = None
    """What 16-bit files use of their range, learned from good pictures (12: 4095 is white); None: no such file was
    among them, and each uses what it does itself."""
    width: int | None = None
    """Columns that all good pictures had; None: they differed, or that is not known."""
    skipped: list[Skipped] = field(default_factory=list)
    """Good pictures that could not be read while fitting, or could not be used for the threshold."""
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What was noticed in reading good pictures, such as their range: note → paths."""
    counts: GoodCounts | None = None
    """Pictures and parts that it was fitted on; None: it was loaded."""
    account: Account | None = None
    """What became of the pictures that it was fitted on; None where that is not known."""
    request: str = ""
    """See `request_of`; empty for a model that no command fitted, or that was loaded."""
    reused: bool = False
    """Whether `fit_model` found this model saved already and fitted nothing."""

    @classmethod
    def fit(
        cls,
        good: str | Path | Sequence[Sample],
        *,
        detector: str | Detector = "patchcore",
        specification: str | Path | Specification | None = None,
        defects: Sequence[Sample] = (),
        validation: Sequence[Sample] = (),
        holdout: int | None = None,
        false_reject_rate: float = 0.05,
        confidence: float = 0.95,
        seed: int = 0,
        **parameters: Any,
    ) -> Self:
        """Fit a detector on good parts and calibrate it on good parts that it has not seen.

        Parameters
        ----------
        good: folder of pictures of good parts (any layout), or samples. May be empty for detectors that work from
            words alone; `validation` then still gives a threshold.
        detector: a registered name (`specsight list detectors`), created with `parameters` (such as `encoder`,
            `resolution`) and `seed`, or a detector.
        specification: the product in words: YAML file or `Specification`.
        defects: labelled defective samples, for detectors that learn from them.
        validation, holdout: good samples for the threshold, and the number of good parts that are held out of `good`
            under `seed`. Default: with `validation` none, else as many as the promise takes, never more than a third.
            Parts are counted, not pictures: samples of one `Sample.group`, copies and frames of a still part are one
            part and stay on one side (`datasets.parts`). With fewer than three good parts there is no threshold.
        false_reject_rate, confidence: at most this share of good parts will be rejected, with this confidence; both
            in (0, 1).

        Raises SpecsightError where there is too little to learn from, and for parameters out of their range.
        """
        threshold = ThresholdConfig(holdout, false_reject_rate, confidence)
        detector = _detector(detector, seed, parameters)
        specification = _specification(specification)
        source = (
            good_source(given_path(good, "the folder of good parts"))
            if isinstance(good, str | Path)
            else Source(_samples("good", good))
        )
        samples = source.samples
        defects, validation = _samples("defects", defects), _samples("validation", validation)
        if not samples and detector.needs.good_pictures > 0:
            raise SpecsightError(
                "no good picture to learn from: point --good at a folder with pictures of good parts"
            )
        bits = images.common_bits(sample.image for sample in samples or validation)
        samples, validation, defects = (
            [replace(s, bits=bits) for s in given] for given in (samples, validation, defects)
        )
        split = split_good(samples, validation, defects, threshold, seed)
        train = [sample for sample, _ in split.learned]
        fitted = detector.fit([*train, *defects], specification)
        width = remarks.common_width(samples or validation)
        inspector = cls(fitted, None, specification, bits, width, notes=detector.notes_)
        inspector.skipped += [Skipped(path, reason) for path, reason in detector.skipped_]
        inspector.skipped += [
            Skipped(
                str(s.image), f"'{s.image}' shows a part that is learned from: not used for the threshold"
            )
            for s in split.seen
        ]
        unread = {path for path, _ in detector.skipped_}
        learned = [part for sample, part in split.learned if str(sample.image) not in unread]
        held_out = inspector._calibrate(split.held_out, threshold)
        inspector.counts = GoodCounts(
            len(learned), len(set(learned)), len(held_out), len(set(held_out)), split.doubtful
        )
        used = inspector.counts.statement() + (f", {len(defects)} labelled defects" if defects else "")
        unclear = remarks.of_fit(specification, samples or validation, width, detector)
        notes = (*source.notes, *inspector.counts.doubts(), *unclear)
        inspector.account = Account(used, len(inspector.skipped), source.ignored, notes)
        return inspector

    def look(self, picture: PictureLike) -> Observation:
        """Read a picture and encode it, once.

        `picture`: a path, an encoded file as bytes, an array (H, W, 3) uint8 in RGB, or a `Sample` (which may bring
        depth, a part map and a scale). Raises UnreadableFile where there is no picture to read.
        """
        start = time.perf_counter()
        product = self.specification.product if self.specification else ""
        sample, pixels = read_picture(picture, product, self.bits, self.detector.needs.depth)
        read_at = time.perf_counter()
        (view,) = self.detector.look([pixels])
        seconds = {"read": read_at - start, "look": time.perf_counter() - read_at}
        return Observation(sample, pixels, view, seconds, self._looks)

    def judge(self, observation: Observation, instruction: str | Instruction | None = None) -> Inspection:
        """Judge a picture that was looked at, under an instruction (plain sentences, or clauses).

        The clauses of the specification hold as well, where the instruction says nothing else of the same type. Every
        clause that cannot be applied is listed in
        `Inspection.decision.not_applied`.
        """
        if not isinstance(observation, Observation):
            raise SpecsightError(f"judge takes what look gave, got {type(observation).__name__}: look first")
        if observation.looked_by not in ("", self._looks):
            raise SpecsightError(
                f"'{observation.sample.id}' was looked at by {observation.looked_by}, and {self._looks} cannot judge "
                "that: look again with this inspector"
            )
        instruction = self._read(instruction)
        start = time.perf_counter()
        taught = self._taught(instruction)
        judgement = self.detector.judge(observation.view, Instruction.of(taught) if taught else None)
        check_judgement(judgement, observation.picture, self.detector.name)
        judged_at = time.perf_counter()
        found = self._find(judgement, observation)
        clauses = clauses_in_force(instruction, self.specification)
        circumstances = self._circumstances(judgement, observation, taught)
        decision = decide(judgement, found, self.calibration, clauses, circumstances)
        statement = explain.state(decision, instruction.clauses if instruction else ())
        seconds = {"judge": judged_at - start, "find": time.perf_counter() - judged_at}
        sample = observation.sample
        return Inspection(
            id=sample.id,
            image=str(sample.image) if sample.image != Path() else "",
            product=sample.product,
            score=judgement.score,
            decision=decision,
            findings=found,
            statement=statement,
            seconds={**observation.seconds, **seconds},
            map=judgement.map,
            type_maps=judgement.type_maps,
            map_threshold=self.calibration.map_seed if self.calibration else None,
            picture=observation.picture,
            notes=(
                *observation.picture.notes,
                *remarks.of_picture(self.specification, sample, observation.picture, self.width),
            ),
        )

    def inspect(self, picture: PictureLike, instruction: str | Instruction | None = None) -> Inspection:
        """`judge(look(picture), instruction)`."""
        return self.judge(self.look(picture), instruction)

    def save(self, folder: str | Path, replace: bool = False) -> None:
        """Write detector, calibration and specification as one sealed folder, whole or not at all.

        A model that lies there already is given up only with `replace`. Raises SpecsightError where it is not, where
        the folder holds anything else, and where it cannot be written.
        """
        with whole_folder(given_path(folder, "the folder of the model"), replace) as temporary:
            self.detector.save(temporary)
            if self.calibration:
                write_json(temporary / CALIBRATION, self.calibration.to_json())
            if self.specification:
                save_yaml(self.specification, temporary / SPECIFICATION)
            write_json(temporary / READING, {"bits": self.bits, "width": self.width})
            if self.account:
                write_json(temporary / ACCOUNT, self.account.to_json())
            if self.request:
                write_request(temporary, self.request)

    @classmethod
    def load(cls, folder: str | Path, encoder: str | None = None, device: str = "auto") -> Self:
        """Read a saved folder after comparing every file with its checksum.

        `encoder` says where the encoder lies now, if it has moved; it must be the same one. Nothing is fetched because
        the folder names it: a hub id that is not on this machine must be given here. `device` is where it runs. Raises
        SpecsightError for what is damaged, also where its checksums agree: values out of range, arrays that do not fit.
        """
        folder = given_path(folder, "the saved model")
        recover(folder)
        if not folder.is_dir():
            raise SpecsightError(f"there is no saved model at '{folder}': make one with 'specsight fit'")
        verify_folder(folder)
        calibration = specification = None
        if (folder / CALIBRATION).exists():
            calibration = saved.calibration(folder / CALIBRATION)
        if (folder / SPECIFICATION).exists():
            specification = load_specification(folder / SPECIFICATION)
        bits = saved.bits(folder / READING) if (folder / READING).exists() else FULL_RANGE
        width = saved.width(folder / READING) if (folder / READING).exists() else None
        account = saved.account(folder / ACCOUNT) if (folder / ACCOUNT).exists() else None
        if encoder is None:
            check_encoder(folder)
        detector = load_detector(folder, encoder, device)
        try_out(detector, folder)
        return cls(detector, calibration, specification, bits, width, account=account)

    def _calibrate(self, held_out: Sequence[tuple[Sample, int]], threshold: ThresholdConfig) -> list[int]:
        """Take thresholds from good samples that the detector has not seen, each with the label of its part.

        Returns the labels of those that could be read; the others are skipped and listed.
        """
        judged, parts, type_medians = [], list[int](), list[dict[str, float]]()
        for sample, part in track(held_out, "Calibrating"):
            try:
                observation = self.look(sample)
                judgement = self.detector.judge(observation.view)
                check_judgement(judgement, observation.picture, self.detector.name)
            except UnreadableFile as error:
                self.skipped.append(Skipped(str(sample.image), str(error)))
                continue
            if part not in parts and len(type_medians) < TYPE_LEVEL_PARTS:
                type_medians.append(calibrations.medians_by_type(judgement.type_maps))
            images.collect_notes(self.notes, sample, observation.picture)
            judged.append((judgement.score, judgement.map))
            parts.append(part)
        if judged:
            self.calibration = calibrations.calibrate(
                judged, threshold.false_reject_rate, threshold.confidence, type_medians, parts
            )
        return parts

    @property
    def _looks(self) -> str:
        """What the features of a view depend on, in words."""
        detector = self.detector
        encoder = detector.get_encoder()
        return f"{detector.name} at {detector.resolution} px with encoder {encoder.fingerprint[:8]}"

    def _read(self, instruction: str | Instruction | None) -> Instruction | None:
        if isinstance(instruction, str):
            return read(instruction, self.specification)
        if instruction is not None and not isinstance(instruction, Instruction):
            raise SpecsightError(
                f"an instruction must be sentences or an Instruction, got {type(instruction).__name__}"
            )
        return instruction

    def _taught(self, instruction: Instruction | None) -> tuple[Knowledge, ...]:
        """Types for the detector to look for beside the specification's: those taught, and those that other clauses
        name. All other clauses act on findings, in `decision`, under the thresholds that were calibrated."""
        if instruction is None:
            return ()
        specified = Vocabulary.of(
            (*(self.specification.defects if self.specification else ()), *instruction.known_defects)
        )
        named: tuple[Only | Ignore | Tolerance, ...] = (
            *instruction.only,
            *instruction.ignore,
            *instruction.tolerances,
        )
        new = [Knowledge(name=clause.defect) for clause in named if clause.defect not in specified]
        return (*instruction.known_defects, *new)

    def _find(self, judgement: Judgement, observation: Observation) -> tuple[Finding, ...]:
        if self.calibration is None:
            return ()
        sample = observation.sample
        return findings.find(
            judgement,
            self.calibration,
            self.specification,
            parts=observation.picture.parts,
            part_names=sample.part_names,
            mm_per_px=sample.mm_per_px,
            circular=sample.circular,
        )

    def _circumstances(
        self, judgement: Judgement, observation: Observation, taught: Sequence[DefectType]
    ) -> Circumstances:
        sample, specification = observation.sample, self.specification
        scale = sample.mm_per_px or (specification.mm_per_px if specification else None)
        return Circumstances(
            types=tuple(judgement.type_maps),
            parts=observation.picture.parts,
            part_names=sample.part_names,
            defect_words=Vocabulary.of((*(specification.defects if specification else ()), *taught)),
            part_words=Vocabulary.of(specification.parts if specification else ()),
            scale_known=scale is not None,
            follows_words=self.detector.needs.text,
            circular=sample.circular,
        )


def _detector(detector: str | Detector, seed: int, parameters: Mapping[str, Any]) -> Detector:
    if isinstance(detector, str):
        return create_detector(detector, seed=seed, **parameters)
    if parameters:
        names = ", ".join(parameters)
        raise SpecsightError(f"{names}: give parameters to the detector itself, or name a detector")
    return detector


def _samples(name: str, given: Sequence[Sample]) -> list[Sample]:
    """Samples as a list; `name` is that of the parameter, for the SpecsightError that anything else raises."""
    samples = list(given) if isinstance(given, Iterable) else [given]
    for sample in samples:
        if not isinstance(sample, Sample):
            raise SpecsightError(
                f"{name} must be samples, got {type(sample).__name__}: read a folder with load_dataset"
            )
    return samples


def _specification(given: str | Path | Specification | None) -> Specification | None:
    return load_specification(Path(given)) if isinstance(given, str | Path) else given
