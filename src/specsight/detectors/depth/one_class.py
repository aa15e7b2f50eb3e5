"""A linear one-class SVM that fuses distances (Schölkopf et al., 2001, by stochastic gradients), as M3DM does.

In: distances of good patches in several modalities. Out: one weight for each; the weighted sum grows with anomaly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.depth.memory import MemoryLearner, PatchMemory
from specsight.errors import require

NU = 0.5
"""Upper limit of the share of good patches outside, as in M3DM."""
ROUNDS = 1000
MOST = 20_000
"""Patches that the SVM learns from."""


def one_class_weights(distances: Sequence[NDArray[np.float32]], seed: int) -> NDArray[np.float32]:
    """Weights (M,) of M modalities, of length one, from M × (n,) distances of the same good patches.

    Equal weights where there are no patches. Raises MissingExtra without scikit-learn.
    """
    linear_model = require("sklearn.linear_model", "models")
    table = np.stack(distances, axis=1).astype(np.float64)
    weights = np.zeros(len(distances))
    if len(table):
        chosen = np.random.default_rng(seed).permutation(len(table))[:MOST]
        svm = linear_model.SGDOneClassSVM(nu=NU, max_iter=ROUNDS, random_state=seed).fit(table[chosen])
        weights = np.maximum(svm.coef_, 0)
    length = float(np.linalg.norm(weights))
    equal = np.ones(len(distances)) / np.sqrt(len(distances))
    return np.asarray(weights / length if length > 0 else equal, np.float32)


def co_located(
    memories: Mapping[str, PatchMemory], learners: Mapping[str, MemoryLearner]
) -> list[NDArray[np.float32]]:
    """Distances of held-out good patches that every modality knows, as multiples of the usual ones: M × (n,)."""
    common = reduce(np.intersect1d, [learner.held_out for learner in learners.values()])
    return [
        memory.relative(learners[name].usual[np.isin(learners[name].held_out, common)])
        for name, memory in memories.items()
    ]
