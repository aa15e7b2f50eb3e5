"""Judge samples into a run folder, one finished picture after the other, so that a killed run can go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight.datasets.digest import sample_digest
from specsight.encoders.runtimes.names import chosen_runtime
from specsight.engine import LOCAL, Engine
from specsight.errors import SpecsightError
from specsight.inspector import Inspector, Observation
from specsight.ontology import Ontology
from specsight.progress import track
from specsight.records import OPERATOR_NOTE, Inspection, Picture, Sample
from specsight.runs.fit import Fit
from specsight.runs.folder import RunFolder, encoded_maps
from specsight.runs.instructed import Instructed
from specsight.runs.predictions import Prediction, SkippedPicture, predict, relative
from specsight.specification import Instruction, Specification

Ask = Callable[[Inspector, Observation, Inspection], Sequence[Instructed]]
"""A picture that was looked at, and its inspection without further instruction → answers under more of them."""
Change = Callable[[Sample, Picture], Picture]
"""A sample and its pixels → the pixels that are judged in their place."""
Rewrite = Callable[[Inspector, Inspection], Inspection]
"""An inspection → the same with its statement in other words (`Rewriting`)."""


def judge_all(
    run: RunFolder,
    inspector: Inspector,
    samples: Sequence[Sample],
    *,
    seed: int,
    data: Path,
    instruction: Instruction | None = None,
    maps: bool = True,
    map_side: int | None = None,
    ask: Ask | None = None,
    rewrite: Rewrite | None = None,
    change: Change | None = None,
    engine: Engine = LOCAL,
    reload: Callable[[], Inspector] | None = None,
) -> list[Prediction]:
    """Judge the samples not yet in the folder; returns the predictions of all of them, in the samples' order.

    `ask` judges each observation under further instructions; its answers are written before the picture's own line.
    `rewrite` puts the statement of an inspection into other words. `change` changes the pixels of each picture before
    it is looked at.

    Maps are kept unless `maps` is false, bit for bit or with a shorter side of at most `map_side` pixels.
    Pictures are judged by the workers of `engine`; one whose workers are elsewhere needs `reload`, which gives the same
    inspector there. Whatever judges, this process writes, in the samples' order.
    A picture that cannot be used is noted in `skipped.jsonl` and tried again by the next run. Raises `SpecsightError`
    where no picture at all could be judged, and where the disk is full; what was finished stays.
    """
    _check_ids(samples)
    run.repair()
    finished = {p.id: p for p in run.predictions(seed)}
    judge = _Judging(seed, data, instruction, maps, map_side, ask, rewrite, change)
    if engine.elsewhere and reload is None:
        raise ValueError("an engine whose workers are elsewhere needs `reload`")
    make = (
        partial(_loaded, judge, reload) if engine.elsewhere and reload else lambda: partial(judge, inspector)
    )
    todo = [s for s in samples if not (s.id in finished and _unchanged(s, finished[s.id]))]
    chunks = [todo[first : first + engine.chunk] for first in range(0, len(todo), engine.chunk)]
    reasons = []
    for judged in track(chain.from_iterable(engine.map(make, chunks)), f"Judging (seed {seed})", len(todo)):
        if isinstance(judged, SkippedPicture):
            finished.pop(judged.id, None)
            reasons.append(judged.reason)
            run.skip(judged)
        else:
            run.add_instructed(judged.answers)
            run.add_encoded(judged.prediction, judged.files)
            finished[judged.prediction.id] = judged.prediction
    if samples and not finished:
        raise SpecsightError(f"none of the {len(samples)} pictures could be judged; the first: {reasons[0]}")
    return [finished[s.id] for s in samples if s.id in finished]


@dataclass(frozen=True)
class _Judged:
    """What came of a picture."""

    prediction: Prediction
    files: Mapping[str, bytes]
    """As of `encoded_maps`: encoding is a worker's work, too."""
    answers: Sequence[Instructed]


@dataclass(frozen=True)
class _Judging:
    """What is done to every picture, by whichever worker; the fields are the arguments of `judge_all`."""

    seed: int
    data: Path
    instruction: Instruction | None
    maps: bool
    map_side: int | None
    ask: Ask | None
    rewrite: Rewrite | None
    change: Change | None

    def __call__(self, inspector: Inspector, samples: Sequence[Sample]) -> list[_Judged | SkippedPicture]:
        return [self._judge(inspector, sample) for sample in samples]

    def _judge(self, inspector: Inspector, sample: Sample) -> _Judged | SkippedPicture:
        try:
            observation = inspector.look(sample, change=partial(self.change, sample) if self.change else None)
            inspection = inspector.judge(observation, self.instruction)
            map_ = _checked_map(sample, inspection)
            answers = self.ask(inspector, observation, inspection) if self.ask else ()
            inspection = self.rewrite(inspector, inspection) if self.rewrite else inspection
        except SpecsightError as error:
            return SkippedPicture(
                sample.id, relative(sample.image, self.data), str(error), "judge", self.seed
            )
        prediction = predict(sample, inspection, self.seed, self.data)
        prediction = prediction if self.maps else replace(prediction, map="")
        files = encoded_maps(prediction, map_, inspection.type_maps, self.map_side)
        return _Judged(prediction, files, answers)


def _loaded(
    judge: _Judging, reload: Callable[[], Inspector]
) -> Callable[[Sequence[Sample]], list[_Judged | SkippedPicture]]:
    """In a worker elsewhere: what judges its pictures."""
    return partial(judge, reload())


@dataclass(frozen=True)
class SavedInspector:
    """How a worker elsewhere comes to the inspector that is used here; called, it loads that."""

    model: Path
    encoder: str | None = None
    device: str = "auto"
    specification: Specification | None = None
    """In the place of the model's own."""
    ontology: Ontology | None = None
    runtime: str = field(default_factory=lambda: chosen_runtime("auto"))
    """What runs the encoder, also in processes whose default is another."""

    def __call__(self) -> Inspector:
        """The inspector. Raises SpecsightError where the model does not lie there, too."""
        inspector = Inspector.load(self.model, self.encoder, self.device, self.runtime)
        if self.ontology is not None:
            inspector.ontology = self.ontology
        return inspector.under(self.specification) if self.specification else inspector


def describe_fit(inspector: Inspector) -> Fit:
    """The fit of an inspector, without what it cost and learned from."""
    detector = inspector.detector
    encoder = detector.get_encoder()
    common = ("encoder", "resolution", "seed", "tile")
    return Fit(
        detector=detector.name,
        resolution=detector.framing.resolution,
        encoder=Path(encoder.name).name,
        fingerprint=encoder.fingerprint,
        parameters={k: v for k, v in detector.parameters().items() if k not in common},
        framing=detector.framing.statement,
        framing_reasons=detector.framing.reasons,
        map_source=detector.map_source,
        transductive=detector.transductive,
        calibration=inspector.calibration,
        words=_words(inspector),
        learned_from=inspector.account.used if inspector.account else "",
        by_place=inspector.by_place is not None,
        choice=inspector.choice.line if inspector.choice else "",
    )


def _words(inspector: Inspector) -> str | None:
    specification = inspector.specification
    if specification is None or not inspector.detector.needs.text:
        return None
    return f"{specification.product}: {', '.join(d.name for d in specification.defects) or 'no defect named'}"


def _unchanged(sample: Sample, prediction: Prediction) -> bool:
    """Whether the files on disk, and what an operator wrote of them, are still those that were judged; an unreadable
    one is tried again."""
    if sample.text.get(OPERATOR_NOTE, "") != prediction.inspection.operator_note:
        return False
    try:
        return sample_digest(sample) == prediction.digest
    except OSError:
        return False


def _checked_map(sample: Sample, inspection: Inspection) -> NDArray[np.float32]:
    """The map (H, W). Refuses scores that are no numbers. Masks are opened by the evaluation, which can do without."""
    map_ = inspection.map
    if map_ is None or not np.isfinite(inspection.score) or not np.isfinite(map_).all():
        raise SpecsightError(f"'{sample.image}' has a score or map that is not a number: check the picture")
    return map_


def _check_ids(samples: Sequence[Sample]) -> None:
    by_id: dict[str, Sample] = {}
    for sample in samples:
        if sample.id in by_id:
            raise SpecsightError(
                f"two pictures have the id '{sample.id}' ('{by_id[sample.id].image}' and '{sample.image}'): rename one"
            )
        by_id[sample.id] = sample
