"""How a supervised detector is fitted: the space of good patches, their memory, the head, and scales of unseen ones.

In: collected patches and the memory of good ones. Out: `Learned`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from specsight.detectors.saving import State
from specsight.detectors.supervised.learned import Learned, Scale, head_inputs
from specsight.detectors.supervised.patches import PatchSet, deviations
from specsight.detectors.supervised.settings import HeadSettings, Labelled
from specsight.encoders import Features
from specsight.features.memory_bank import MemoryBank
from specsight.features.patch_space import PatchSpace

HELD_OUT = 0
"""The fold of good parts that the head does not learn from."""


def learn(
    space: PatchSpace,
    bank: MemoryBank,
    source: PatchSet,
    types: tuple[str, ...],
    settings: HeadSettings,
    checkpoint: Path | None,
) -> Learned:
    """Train the head where there are labelled defects, and measure what unseen good patches look like."""
    labelled, distances, inputs = labelled_patches(source, bank, settings.seed)
    unseen = source.folds == HELD_OUT
    head: State = {}
    telling = Scale(0.0, 1.0)
    if types:
        from specsight.detectors.supervised.head import Head, judged
        from specsight.detectors.supervised.training import train_head

        head = train_head(labelled, settings, checkpoint=checkpoint)
        told = judged(Head.of_arrays(head), inputs[unseen].reshape(-1, inputs.shape[-1]))
        telling = Scale.of(told[:, 0])
    return Learned(space, bank, types, Scale.of(distances[unseen]), telling, head, source)


def labelled_patches(source: PatchSet, bank: MemoryBank, seed: int) -> tuple[Labelled, Features, Features]:
    """(what the head learns from, distances (P, n) and inputs (P, n, 2 k) of all patches of the source)."""
    distances, differences = deviations(source, bank, np.random.default_rng(seed))
    inputs = head_inputs(source.vectors, differences)
    learned = source.folds != HELD_OUT
    return Labelled(inputs[learned], source.shares[learned], source.good[learned]), distances, inputs
