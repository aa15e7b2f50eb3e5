"""A candidate fitted and asked: folds of good pictures and painted defects → its answers, and its time per picture."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.choosing import scoring
from specsight.choosing.candidates import Candidate
from specsight.choosing.material import Fold, StageMaterial
from specsight.choosing.scoring import Answers
from specsight.detectors import Detector
from specsight.encoders import Encoder
from specsight.records import Judgement, Picture
from specsight.specification import Specification

PIXELS_PER_MAP = 50_000
"""How many pixels of a good map are kept at most."""
TIMED = 3
"""Good pictures whose judgement is timed, after one that is not."""


def ask(
    candidate: Candidate,
    encoder: Encoder,
    stage: StageMaterial,
    specification: Specification | None,
    device: str,
    seed: int,
    timed: bool,
) -> tuple[Answers, float | None]:
    """Fit the candidate to each fold, on `encoder`, and judge the fold's good and painted pictures.

    Returns the answers and, where `timed`, the seconds that a picture takes, without what `encoder` has seen before.
    Raises SpecsightError where it cannot be fitted to them.
    """
    parts = []
    for fold in stage.folds:
        detector = candidate.create(encoder, device, seed)
        detector.fit(fold.fitted, specification if detector.needs.text else None)
        parts.append(_answers(detector, fold))
    answers = Answers(*(np.concatenate([part[k] for part in parts]) for k in range(4)))
    if not timed:
        return answers, None
    return answers, _seconds_per_picture(detector, candidate.encoder, stage.folds[-1])


def _seconds_per_picture(detector: Detector, encoder: Encoder, fold: Fold) -> float:
    """The least time to look at and judge one of a few good pictures: other work on the machine only adds to it.

    `encoder` takes the place of the one that remembers what it has seen.
    """
    detector.encoder_ = encoder
    seconds = []
    for sample, _ in (fold.judged * (TIMED + 1))[: TIMED + 1]:
        picture = images.load_picture(sample)
        begun = time.perf_counter()
        _judge(detector, picture)
        seconds.append(time.perf_counter() - begun)
    return min(seconds[1:])


def _answers(detector: Detector, fold: Fold) -> tuple[NDArray[np.float64], ...]:
    """The fields of `Answers` for one fold."""
    good, painted, good_maps, on_defects = [], [], [], []
    for sample, defects in fold.judged:
        picture = images.load_picture(sample)
        judgement = _judge(detector, picture)
        good.append(judgement.score)
        flat = judgement.map.reshape(-1)
        good_maps.append(flat[:: max(1, -(-flat.size // PIXELS_PER_MAP))])
        for defect in defects:
            with_defect = _judge(detector, replace(picture, rgb=defect.on(picture.rgb)))
            painted.append(with_defect.score)
            on_defects.append(defect.values(with_defect.map))
    levels = scoring.thresholds(good_maps)
    return (
        np.array(good, np.float64),
        np.array(painted, np.float64),
        np.stack([scoring.shares_above(values, levels) for values in good_maps]),
        np.stack([scoring.shares_above(values, levels) for values in on_defects]),
    )


def _judge(detector: Detector, picture: Picture) -> Judgement:
    (view,) = detector.look([picture])
    return detector.judge(view)
