"""How a supervised detector is fitted: memories of good patches, the head, and scales of unseen ones.

In: collected patches and the memories. Out: `Learned`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from specsight.detectors.depth.memory import PatchMemory
from specsight.detectors.saving import State
from specsight.detectors.supervised.learned import Deviating, Learned, Scale, head_inputs
from specsight.detectors.supervised.patches import PatchCollector, PatchSet, deviations
from specsight.detectors.supervised.settings import HeadSettings, Labelled
from specsight.encoders import Features

HELD_OUT = 0
"""The fold of good parts that the head does not learn from."""


def learn(
    memories: Mapping[str, PatchMemory],
    usual: Mapping[str, Features],
    collected: PatchCollector,
    types: tuple[str, ...],
    settings: HeadSettings,
    checkpoint: Path | None,
) -> Learned:
    """Train the head where there are labelled defects, and measure what unseen good patches look like.

    `usual`: by modality how far good patches lay from a memory that they had not joined yet, (n,); empty where there
    were too few pictures for that. A modality that the good parts of one fold alone show is left out, for none unseen
    says what is usual in it.
    """
    source = collected.patches(memories)
    kept = {name: memory for name, memory in memories.items() if source.knowing(name) > 1}
    source = PatchSet({name: source.vectors[name] for name in kept}, source.shares, source.folds)
    labelled, distances, inputs = labelled_patches(source, kept, settings.seed)
    unseen = source.folds == HELD_OUT
    deviating = {}
    for name, own in distances.items():
        others = own[unseen] if np.isfinite(own[unseen]).any() else own[source.good]
        deviating[name] = Deviating(kept[name], Scale.of(usual[name] if len(usual[name]) else others))
    head: State = {}
    telling = Scale(0.0, 1.0)
    if types:
        from specsight.detectors.supervised.head import Head, judged
        from specsight.detectors.supervised.training import train_head

        head = train_head(labelled, settings, checkpoint=checkpoint)
        told = judged(Head.of_arrays(head), inputs[unseen].reshape(-1, inputs.shape[-1]))
        telling = Scale.of(told[:, 0])
    return Learned(deviating, types, telling, head, source)


def good_deviations(learned: Learned, seed: int) -> tuple[dict[str, Features], Features]:
    """(vectors (m, k) by modality, z-scores (m,)) of the good patches that were kept, each beside other parts' ones."""
    source, generator = learned.source, np.random.default_rng(seed)
    good = source.good
    vectors = {name: source.vectors[name][good] for name in learned.deviating}
    found = {
        name: deviations(source, name, own.memory.bank, generator)[0][good].ravel()
        for name, own in learned.deviating.items()
    }
    return {name: own.reshape(-1, own.shape[-1]) for name, own in vectors.items()}, learned.deviations(found)


def labelled_patches(
    source: PatchSet, memories: Mapping[str, PatchMemory], seed: int
) -> tuple[Labelled, dict[str, Features], Features]:
    """(what the head learns from; distances (P, n) by modality, and inputs (P, n, W), of all patches of the source)."""
    generator = np.random.default_rng(seed)
    found = {name: deviations(source, name, memory.bank, generator) for name, memory in memories.items()}
    inputs = head_inputs(source.vectors, {name: differences for name, (_, differences) in found.items()})
    learned = source.folds != HELD_OUT
    widths = tuple(2 * vectors.shape[2] for vectors in source.vectors.values())
    labelled = Labelled(inputs[learned], source.shares[learned], source.good[learned], widths)
    return labelled, {name: distances for name, (distances, _) in found.items()}, inputs
