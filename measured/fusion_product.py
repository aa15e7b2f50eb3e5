"""One zone of the synthetic tyres: `fusion` and what stands beside it, fitted once, every test picture looked at once.

In: samples of a zone. Out: a `Product` with scores and maps of `ROWS`, and what the head and the modular clauses decide
under instructions.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.detectors import View, create_detector
from specsight.detectors.fusion import Fusion
from specsight.detectors.fusion.tokens import SLICES, Tokens
from specsight.encoders import Encoder
from specsight.evaluation.instructions.questions import Question, pair_questions, part_questions
from specsight.features import grids
from specsight.images import anomaly_mask, load_picture
from specsight.inspector import Inspector
from specsight.records import Judgement, Picture, Sample
from specsight.specification import Specification

RESOLUTION = 256
ROWS = (
    "fusion",
    "fusion without depth",
    "fusion without colours",
    "colour distance",
    "depth distance",
    "patchcore",
)
GONE: Mapping[str, tuple[str, ...]] = {
    "fusion": (),
    "fusion without depth": ("depth",),
    "fusion without colours": ("rgb",),
}
SINGLE = {"colour distance": ("rgb", 0), "depth distance": ("depth", 0)}


@dataclass(frozen=True)
class Answer:
    """What the head and the modular clauses decide under one instruction."""

    question: Question
    fused: bool
    fused_score: float
    modular: bool
    modular_margin: float


class Product:
    """One zone: everything is looked at once."""

    def __init__(
        self,
        samples: Sequence[Sample],
        specification: Specification,
        encoder: Encoder,
        given: argparse.Namespace,
    ) -> None:
        good = [sample for sample in samples if sample.split == "train"][: given.good]
        self.test = [sample for sample in samples if sample.split == "test"][: given.test]
        detector = Fusion(encoder=encoder, resolution=RESOLUTION, head=given.head)
        self.inspector = None
        if given.detection_only:
            detector.fit(good, specification)
        else:
            self.inspector = Inspector.fit(good, detector=detector, specification=specification, types=False)
        self.detector = detector
        self.memory = create_detector("patchcore", encoder=encoder, resolution=RESOLUTION).fit(good)
        self.scores: dict[str, list[float]] = {row: [] for row in ROWS}
        self.maps: dict[str, list[NDArray[np.float32]]] = {row: [] for row in ROWS}
        self.masks: list[NDArray[np.bool_]] = []
        self.answers: list[Answer] = []
        for sample in self.test:
            self._judge(sample)

    def _judge(self, sample: Sample) -> None:
        picture = load_picture(sample)
        self.masks.append(anomaly_mask(sample, picture.size))
        for row, judgement in self.judged(picture):
            self.scores[row].append(judgement.score)
            self.maps[row].append(judgement.map)
        if self.inspector is not None:
            self._ask(self.inspector, sample, picture)

    def _ask(self, inspector: Inspector, sample: Sample, picture: Picture) -> None:
        observation, calibration = inspector.look(sample), inspector.calibration
        assert calibration is not None
        for question in (*pair_questions(sample), *part_questions(sample, picture)):
            fused = self.detector.judge(observation.view, question.clauses).score
            modular = inspector.judge(observation, question.clauses).decision
            assert modular.threshold is not None
            self.answers.append(
                Answer(
                    question,
                    fused > calibration.score_threshold,
                    fused,
                    modular.verdict == "reject",
                    modular.score - modular.threshold,
                )
            )

    def judged(self, picture: Picture) -> Iterator[tuple[str, Judgement]]:
        """What each of `ROWS` says of a picture, which is encoded once."""
        view = self.detector.look([picture])[0]
        tokens = self.detector.deviation_tokens(view)
        for row, gone in GONE.items():
            yield row, self.detector.judge_without(view, gone)
        for row, (modality, index) in SINGLE.items():
            yield row, self._single(view, tokens, modality, index)
        layers = self.memory.get_encoder().default_layers
        of_layers = View(
            view.frame, {k: view.features[k] for k in layers}, {k: view.cells[k] for k in layers}
        )
        yield "patchcore", self.memory.judge(of_layers)

    def _single(self, view: View, tokens: Tokens, modality: str, index: int) -> Judgement:
        grid = tokens.values[SLICES[modality]][index]
        score = grids.top_mean(grid[view.frame.shows_picture(tokens.cells)], self.detector.top)
        return Judgement(score, grids.on_picture(grid, tokens.cells, view.frame, self.detector.sigma))

    @property
    def defective(self) -> NDArray[np.bool_]:
        """Of each tested picture."""
        return np.array([sample.label == "defective" for sample in self.test])
