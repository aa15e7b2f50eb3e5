"""Judge samples into a run folder, one finished picture after the other, so that a killed run can go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight.datasets.digest import sample_digest
from specsight.errors import SpecsightError
from specsight.inspector import Inspector, Observation
from specsight.progress import track
from specsight.records import OPERATOR_NOTE, Inspection, Picture, Sample
from specsight.runs.fit import Fit
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import Instructed
from specsight.runs.predictions import Prediction, SkippedPicture, predict, relative
from specsight.specification import Instruction

Ask = Callable[[Observation, Inspection], Sequence[Instructed]]
"""A picture that was looked at, and its inspection without further instruction → answers under more of them."""
Change = Callable[[Sample, Picture], Picture]
"""A sample and its pixels → the pixels that are judged in their place."""
Rewriting = Callable[[Inspection], Inspection]
"""An inspection → the same with its statement in other words (`explain.rewriting`)."""


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
    rewrite: Rewriting | None = None,
    change: Change | None = None,
) -> list[Prediction]:
    """Judge the samples not yet in the folder; returns the predictions of all of them, in the samples' order.

    `ask` judges each observation under further instructions; its answers are written before the picture's own line.
    `rewrite` puts the statement of an inspection into other words. `change` changes the pixels of each picture before
    it is looked at.

    Maps are kept unless `maps` is false, bit for bit or with a shorter side of at most `map_side` pixels.
    A picture that cannot be used is noted in `skipped.jsonl` and tried again by the next run. Raises `SpecsightError`
    where no picture at all could be judged, and where the disk is full; what was finished stays.
    """
    _check_ids(samples)
    run.repair()
    finished = {p.id: p for p in run.predictions(seed)}
    reasons = []
    for sample in track(samples, f"Judging (seed {seed})"):
        if sample.id in finished and _unchanged(sample, finished[sample.id]):
            continue
        try:
            observation = inspector.look(sample, change=partial(change, sample) if change else None)
            inspection = inspector.judge(observation, instruction)
            map_ = _checked_map(sample, inspection)
            answers = ask(observation, inspection) if ask else ()
            inspection = rewrite(inspection) if rewrite else inspection
        except SpecsightError as error:
            finished.pop(sample.id, None)
            reasons.append(str(error))
            run.skip(SkippedPicture(sample.id, relative(sample.image, data), str(error), "judge", seed))
        else:
            prediction = predict(sample, inspection, seed, data)
            prediction = prediction if maps else replace(prediction, map="")
            run.add_instructed(answers)
            run.add(prediction, map_, inspection.type_maps, map_side)
            finished[sample.id] = prediction
    if samples and not finished:
        raise SpecsightError(f"none of the {len(samples)} pictures could be judged; the first: {reasons[0]}")
    return [finished[s.id] for s in samples if s.id in finished]


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
