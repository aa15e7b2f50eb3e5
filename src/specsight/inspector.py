"""The one way through: a fitted detector with its calibration and specification, from sample to inspection.

The command line, the evaluation and the service all judge pictures with `Inspector.inspect`; there is no other path.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from specsight import calibration as calibrations
from specsight import decision, explain, findings, images
from specsight.calibration import Calibration
from specsight.detectors import Detector, load_detector
from specsight.errors import SpecsightError, UnreadableFile
from specsight.progress import track
from specsight.records import Finding, Inspection, Judgement, Picture, Sample
from specsight.specification import Instruction, Specification, load_specification, save_yaml
from specsight.storage import verify_folder, whole_folder, write_json

CALIBRATION = "calibration.json"
SPECIFICATION = "specification.yaml"
TYPED = 20
"""Held-out good parts whose type maps are drawn: enough for a median, and each costs a map per type."""


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why, in one line."""

    path: str
    reason: str


@dataclass
class Inspector:
    """A fitted detector that gives verdicts. Without calibration it gives scores and maps only."""

    detector: Detector
    calibration: Calibration | None = None
    specification: Specification | None = None
    skipped: list[Skipped] = field(default_factory=list)
    """Good pictures that could not be read while fitting."""

    @classmethod
    def fit(
        cls,
        detector: Detector,
        good: Sequence[Sample],
        specification: Specification | None = None,
        *,
        defects: Sequence[Sample] = (),
        validation: Sequence[Sample] = (),
        holdout: int | None = None,
        false_reject_rate: float = 0.05,
        confidence: float = 0.95,
        seed: int = 0,
    ) -> Inspector:
        """Fit on good parts and calibrate on good parts the detector has not seen.

        Those are `validation` where the set brings some, else `holdout` of `good` (default: as many as the wanted
        promise takes, but never more than a third), drawn under `seed`; pictures of one physical object
        (`Sample.group`) stay on one side. With too few good parts to hold any out there is no threshold. Detectors
        that work from words alone take no good part at all; `validation` then still gives a threshold. `defects` are
        labelled defective parts, for detectors that learn from them.
        """
        if not good and detector.minimum_good > 0:
            raise SpecsightError(
                "no good picture to learn from: point --good at a folder with pictures of good parts"
            )
        if not good or (validation and holdout is None):
            train, held = list(good), list(validation)
        else:
            needed = calibrations.parts_needed(false_reject_rate, confidence)
            train, held = split_holdout(
                good, min(needed, len(good) // 3) if holdout is None else holdout, seed
            )
        inspector = cls(detector.fit([*train, *defects], specification), specification=specification)
        inspector.skipped += [Skipped(path, reason) for path, reason in detector.skipped_]
        judged, typed = [], list[dict[str, float]]()
        for sample in track(held, "Calibrating"):
            try:
                judgement = inspector._judge(sample, None, {})[0]
            except UnreadableFile as error:
                inspector.skipped.append(Skipped(str(sample.image), str(error)))
            else:
                judged.append((judgement.score, judgement.map))
                if len(typed) < TYPED:
                    typed.append(calibrations.medians_by_type(judgement.type_maps))
        if judged:
            inspector.calibration = calibrations.calibrate(judged, false_reject_rate, confidence, typed)
        return inspector

    def inspect(self, sample: Sample, instruction: Instruction | None = None) -> tuple[Inspection, Judgement]:
        """Read, look, judge, find and word one sample. Raises `UnreadableFile` where its picture cannot be read."""
        seconds: dict[str, float] = {}
        judgement, picture = self._judge(sample, instruction, seconds)
        start = time.perf_counter()
        verdict = decision.decide(judgement, self.calibration)
        threshold = self.calibration.score_threshold if self.calibration else None
        found: tuple[Finding, ...] = ()
        if self.calibration:
            found = findings.find(
                judgement,
                self.calibration,
                self.specification,
                parts=picture.parts,
                part_names=sample.part_names,
                mm_per_px=sample.mm_per_px,
                circular=sample.circular,
            )
        inspection = Inspection(
            id=sample.id,
            image=str(sample.image),
            product=sample.product,
            score=judgement.score,
            threshold=threshold,
            verdict=verdict,
            findings=found,
            statement=explain.state(verdict, judgement.score, threshold, found),
            seconds=seconds,
        )
        seconds["find"] = time.perf_counter() - start
        return inspection, judgement

    def save(self, folder: Path) -> None:
        """Write detector, calibration and specification as one sealed folder, whole or not at all."""
        with whole_folder(folder) as temporary:
            self.detector.save(temporary)
            if self.calibration:
                write_json(temporary / CALIBRATION, self.calibration.to_json())
            if self.specification:
                save_yaml(self.specification, temporary / SPECIFICATION)

    @classmethod
    def load(cls, folder: Path, encoder: str | None = None) -> Inspector:
        """Read a saved folder after comparing every file with its checksum.

        `encoder` says where the encoder lies now, if it has moved; it must be the same one.
        """
        if not folder.is_dir():
            raise SpecsightError(f"there is no saved model at '{folder}': make one with 'specsight fit'")
        verify_folder(folder)
        calibration = specification = None
        if (folder / CALIBRATION).exists():
            calibration = Calibration.from_json(json.loads((folder / CALIBRATION).read_text("utf-8")))
        if (folder / SPECIFICATION).exists():
            specification = load_specification(folder / SPECIFICATION)
        return cls(load_detector(folder, encoder), calibration, specification)

    def _judge(
        self, sample: Sample, instruction: Instruction | None, seconds: dict[str, float]
    ) -> tuple[Judgement, Picture]:
        """Read, look and judge, noting the time of each stage in `seconds`."""
        clock = [time.perf_counter()]
        picture = images.load_picture(sample)
        clock.append(time.perf_counter())
        (view,) = self.detector.look([picture])
        clock.append(time.perf_counter())
        judgement = self.detector.judge(view, instruction)
        clock.append(time.perf_counter())
        seconds.update(zip(("read", "look", "judge"), np.diff(clock).tolist()))
        return judgement, picture


def split_holdout(good: Sequence[Sample], count: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Draw about `count` samples to hold out (whole groups, never all of them); both parts keep their order."""
    groups: dict[str, list[int]] = {}
    for index, sample in enumerate(good):
        groups.setdefault(f"group:{sample.group}" if sample.group else f"sample:{index}", []).append(index)
    if count < 0 or count >= len(good):
        raise SpecsightError(
            f"cannot hold out {count} of {len(good)} good parts: some must be left to learn from"
        )
    held: set[int] = set()
    for choice in np.random.default_rng(seed).permutation(len(groups))[:-1]:
        if len(held) >= count:
            break
        held.update(list(groups.values())[choice])
    return [s for i, s in enumerate(good) if i not in held], [s for i, s in enumerate(good) if i in held]
