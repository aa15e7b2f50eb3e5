"""AnomalyCLIP (Zhou et al., ICLR 2024): prompts about no object in particular, learned on other products' defects.

In: to train, labelled pictures of other products; to fit, the words of an unseen one. Out: one probability of damage
for the picture and one per patch. The prompts [V_1] … [V_E] [object] and [W_1] … [W_E] [damaged] [object] are learned,
with deep tokens inside the text tower; patches come from a path of value-value attention, the picture from the tower's
own.

Learned prompts say whether and where something is damaged; the specification's words say what it is: the probability
of damage S_a is shared out among `kinds`. The map is their largest, and the score likewise: the paper's, where nothing
is to be ignored. What the prompts take for good stays good, whatever an instruction teaches.

Departures from the paper:
- Pictures keep their aspect, at 320 pixels by default (the paper: 518, square).
- Depths of deep tokens and of the second path are shares of a tower's own depth (the paper's: 9 of 12, 19 of 24).
- A CNN has no attention: its patch embeddings are taken as they are, on one level.
- Losses are computed on cells of 4 pixels; the rate falls along a cosine; held-out pictures may end the training early.
- Prompts end without a full stop. Good pictures of the product to be judged change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from specsight.detectors.contract import View, detectors
from specsight.detectors.cross_set.damage_types import DamageTypes
from specsight.detectors.cross_set.detector import CrossSetDetector, CrossSetTask
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.learned_anchors import learned_anchors
from specsight.detectors.parameters import check_range, parameter
from specsight.detectors.saving import State
from specsight.detectors.text import (
    IMAGE,
    judgement_of_types,
    judgement_without_types,
    temperature_parameter,
)
from specsight.encoders import JOINT, Encoder, Features
from specsight.encoders.passes.prompting import prompted
from specsight.encoders.passes.value_attention import embed_by_values
from specsight.images import Cells, Frame
from specsight.prompts.anchors import Anchors, probability
from specsight.records import Judgement, Sample
from specsight.specification import Instruction, Specification

GOOD, DAMAGED = "object", "damaged object"
"""Words behind the learned tokens."""


@detectors.register("anomalyclip")
@dataclass
class AnomalyCLIP(CrossSetDetector):
    """Object-agnostic prompts, learned across products; zero-shot on the product to be judged."""

    name = "anomalyclip"

    mosaics: float = parameter(
        0.0, "Mosaics of 2 × 2 training pictures, as a share of them; none in the paper.", low=0, high=1
    )
    tokens: int = parameter(
        12, "Learned tokens E in front of each prompt's words.", low=1, high=1000, unit="tokens"
    )
    deep_tokens: int = parameter(
        4,
        "The first tokens of both prompts that are learned anew inside the text tower.",
        low=0,
        high=1000,
        unit="tokens",
    )
    deep_share: float = parameter(
        0.75,
        "Share of the text tower's blocks, from the first on, that have learned tokens (the paper: 9 of 12).",
        low=0,
        high=1,
    )
    value_share: float = parameter(
        19 / 24,
        "Share of the vision tower's blocks, the last ones, beside which patches attend by values.",
        low=1e-6,
        high=1,
    )
    levels: int = parameter(
        1,
        "Places of that path that maps are taken from, at equal distances, the last among them.",
        low=1,
        high=100,
    )
    temperature: float = temperature_parameter()

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range."""
        super().check_parameters()
        check_range("deep_tokens", self.deep_tokens, 0, self.tokens, whole=True)

    def train(
        self,
        samples: Sequence[Sample],
        specifications: Mapping[str, Specification],
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn the prompts from labelled samples of other products; see `CrossSetDetector.train`.

        Raises SpecsightError before any picture is read where the encoder's text tower cannot be prompted.
        """
        self.check_parameters()
        prompted(self.get_encoder(), DAMAGED, self.tokens)
        return super().train(samples, specifications, checkpoint)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """The map is S_a = 0.5 (S_a + 1 - S_n), mean over levels; the score is the whole picture's S_a: both divided
        among types of damage where words ask for it (see the module). All lie in [0, 1]."""
        prompts, types = self._prompts(), self._damage_types(instruction)
        if not types.types:
            return judgement_without_types(view.frame)
        divided = [self._damage(prompts, types, view.features[level]) for level in view.cells]
        of_picture = self._damage(prompts, types, view.features[IMAGE])
        of_types = np.asarray(np.mean(divided, axis=0), np.float32)
        cells = next(iter(view.cells.values()))
        return judgement_of_types(
            float(of_picture.max()), of_types, types.types, cells, view.frame, self.sigma
        )

    def _damage(self, prompts: Anchors, types: DamageTypes, features: Features) -> Features:
        """Probability of damage of each type, (K, ...), of unit vectors (D, ...)."""
        damaged = probability(prompts.margins(features, self.temperature))
        return np.asarray(damaged * types.shares(features, self.temperature), np.float32)

    def _prompts(self) -> Anchors:
        self._trained()
        return learned_anchors(self.weights_)

    def _damage_types(self, instruction: Instruction | None) -> DamageTypes:
        return DamageTypes.of(self._get_words(), instruction)

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        pooled, patches = embed_by_values(encoder, pixels, self.value_share, self.levels, frame.region)
        levels = {f"level{number}": grid[0] for number, grid in enumerate(patches)}
        return {IMAGE: pooled[0][:, None, None], **levels}

    def _cells(self, encoder: Encoder, name: str, features: Features) -> Cells | None:
        return None if name == IMAGE else encoder.cells(JOINT, features)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        """Learn nothing: words and trained prompts are enough."""

    def _restore(self, state: State) -> None:
        super()._restore(state)
        good, damaged, deep = (self.weights_[name] for name in ("good", "damaged", "deep"))
        width = good.shape[-1]
        fits = good.shape == damaged.shape == (self.tokens, width) and deep.ndim == 3
        if not fits or deep.shape[1:] != (self.deep_tokens, width):
            raise ValueError("the learned tokens do not fit together")
        self._prompts()

    def _task(self, examples: Sequence[FrozenExample]) -> CrossSetTask:
        from specsight.detectors.cross_set.anomalyclip_prompts import Prompts, PromptTask

        encoder = self.get_encoder()
        good, damaged = (prompted(encoder, words, self.tokens) for words in (GOOD, DAMAGED))
        deep = (self.deep_tokens, round(self.deep_share * good.depth))
        prompts = Prompts(good, damaged, self.tokens, deep, self.seed)
        return PromptTask(prompts, examples, self.temperature, self.batch)
