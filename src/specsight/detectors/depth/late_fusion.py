"""Late fusion: colours and depth each have a memory of good patches, and their distances are joined by a rule.

In: colours, and depth where a picture has it. Out: one map. Both memories are PatchCore's (Roth et al., CVPR 2022), and
what their distances mean is measured on good pictures held out. With d the distances of a patch as multiples of the
usual one and z as z-scores, the map is

- mean, max, product: of d over the modalities (max: of z; product: the geometric mean, lest a patch of one known
  modality be compared with the square of others);
- zsum: the sum of z over √(number of modalities), which has the variance of one where modalities are independent;
- ocsvm: w · d, w of a linear one-class SVM fitted to held-out good patches (M3DM, Wang et al., CVPR 2023, fuses so);
- gated: the mean of z, each weighted by 1 / u², u being how far good patches lie from one another there; a modality
  says less where good parts differ.

A modality that a patch is not known in has no part in its mean, maximum or sum; in the SVM it is as usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View, detectors
from specsight.detectors.depth.evidence import (
    DEPTH,
    RGB,
    TINY,
    Evidence,
    Patches,
    evidence_of,
    judged,
    learned_from_views,
    memories_of,
    memories_state,
    patches_of,
)
from specsight.detectors.depth.looking import DepthDetector, neighbourhood_parameter
from specsight.detectors.depth.memory import PatchMemory
from specsight.detectors.depth.one_class import co_located, one_class_weights
from specsight.detectors.needs import Needs
from specsight.detectors.parameters import parameter
from specsight.detectors.saving import State
from specsight.features.moments import Vectors
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

RULES = ("mean", "max", "product", "zsum", "ocsvm", "gated")
LEAST_UNSURE = np.float32(0.1)
"""Good patches that repeat to the bit do not silence the other modality."""
USUAL = {"mean": 1.0, "product": 1.0}
"""What a patch that no modality knows has by a rule; 0 by the others, and by the SVM what it gives usual ones."""


@detectors.register("late_fusion")
@dataclass
class LateFusion(DepthDetector):
    """Memories of colours and of geometry, and a rule that joins what they say of a patch."""

    name = "late_fusion"
    needs: ClassVar[Needs] = Needs(uses=("depth",))
    score_of_map = True

    rule: str = parameter("max", "How the distances of both modalities are joined.", choices=RULES)
    neighbourhood: int = neighbourhood_parameter(3)

    memories_: dict[str, PatchMemory] = field(default_factory=dict, init=False, repr=False)
    """By modality: `RGB`, and `DEPTH` where good pictures had any."""
    weights_: NDArray[np.float32] | None = field(default=None, init=False, repr=False)
    """(M,) of the one-class SVM, by memory."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = mean of the largest values of the map's cells; map = distances joined by the rule."""
        if not self.memories_:
            raise self._not_fitted()
        evidence = evidence_of(self.memories_, self._patches(view))
        return judged(self, view, joined(evidence, self.rule, self.weights_))

    def _patches(self, view: View) -> dict[str, Patches]:
        return patches_of(view, self.neighbourhood)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        self.memories_, learners = learned_from_views(self, views, expected, self._patches)
        self.weights_ = None
        if self.rule == "ocsvm":
            self.weights_ = one_class_weights(co_located(self.memories_, learners), self.seed)

    def _state(self) -> State:
        if not self.memories_:
            raise self._not_fitted()
        state = {**self._scale_state(), **memories_state(self.memories_)}
        return state if self.weights_ is None else {**state, "weights": self.weights_}

    def _restore(self, state: State) -> None:
        self._restore_scale(state)
        self.memories_ = memories_of(state, (RGB, DEPTH))
        self.weights_ = state["weights"] if self.rule == "ocsvm" else None
        if self.weights_ is not None and self.weights_.shape != (len(self.memories_),):
            raise ValueError("the SVM's weights do not fit the modalities")


def joined(evidence: Mapping[str, Evidence], rule: str, weights: NDArray[np.float32] | None) -> Vectors:
    """The values (n,) of patches by a rule of `RULES`; patches that no modality knows are as usual.

    `weights`: of the one-class SVM, by modality; None for other rules.
    """
    every = list(evidence.values())
    relative, scores, known, unsure = (
        np.stack([getattr(e, name) for e in every]) for name in ("relative", "scores", "known", "unsure")
    )
    count = np.maximum(known.sum(0), 1)
    usual = USUAL.get(rule, 0.0)
    if rule == "mean":
        value = np.where(known, relative, 0).sum(0) / count
    elif rule == "product":
        value = np.exp(np.where(known, np.log(np.maximum(relative, TINY)), 0).sum(0) / count)
    elif rule == "max":
        value = np.where(known, scores, -np.inf).max(0)
    elif rule == "zsum":
        value = np.where(known, scores, 0).sum(0) / np.sqrt(count)
    elif rule == "ocsvm":
        if weights is None:
            raise ValueError("the rule 'ocsvm' needs the weights that a fit under it learns")
        usual = float(weights.sum())
        value = weights @ np.where(known, relative, np.float32(1))
    else:
        trust = known / np.square(np.maximum(unsure, LEAST_UNSURE))
        value = (trust * scores).sum(0) / np.maximum(trust.sum(0), TINY)
    return np.asarray(np.where(known.any(0), value, np.float32(usual)), np.float32)
