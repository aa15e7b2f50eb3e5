"""How CLAD is fitted: which examples end the training, its two stages, and the scales of held-out good pictures.

In: encoded examples, a specification, networks. Out: trained networks, how each stage went, scales of scores and maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specsight.datasets.parts import draw_parts
from specsight.detectors.clad.examples import EncodedExample
from specsight.detectors.clad.maps import acceptance, gamma_for
from specsight.detectors.clad.networks import Networks
from specsight.detectors.clad.sentences import StateSentences, general_sentences, task_sentences
from specsight.detectors.clad.stage import GENERAL, TASK, ContrastiveTask, LossWeights
from specsight.encoders import Features
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.learning.device import choose_device
from specsight.learning.engine import train as train_task
from specsight.learning.history import LOG, History
from specsight.learning.precision import Precision
from specsight.learning.schedule import Schedule
from specsight.prompts import prompt_bank
from specsight.prompts.anchors import PhraseBook
from specsight.specification import Specification

HELD_OUT = 0.2
"""Share of the good objects, with their defective copies, that ends the training and sets the scales."""
CHECKED = 32
"""Held-out examples, good and defective each, at most."""
TWO_STAGES, GENERAL_STAGE, NO_STAGE = "two", "general", "none"
"""Which stages train: `Clad.stages`."""
TOP = 0.01
"""Share of a picture's patches whose mean stands for the strongest of them."""


@dataclass(frozen=True)
class ExampleSplit:
    """Examples to learn from, and held-out ones: good pictures and synthetic defects on them."""

    training: Sequence[EncodedExample]
    held_out: Sequence[EncodedExample]


@dataclass(frozen=True)
class Scales:
    """What held-out good pictures look like to the trained networks."""

    gammas: tuple[float, float]
    """γ of pictures and of their strongest patches."""
    levels: tuple[float, float]
    """Map values that become 0 and 1: median and 99 % quantile of held-out good patches."""

    def levelled(self, maps: Features) -> Features:
        """Return maps with the levels at 0 and 1."""
        low, high = self.levels
        return np.asarray((maps - low) / (high - low), np.float32)


def split_examples(examples: Sequence[EncodedExample], seed: int, *, trains: bool) -> ExampleSplit:
    """Hold a fifth of the good objects out; labelled defects are all learned from.

    Raises SpecsightError where good pictures show one object only and, where anything `trains`, where no example to
    learn from shows a defect.
    """
    objects = sorted({example.group for example in examples if example.good})
    if len(objects) < 2:
        raise SpecsightError(
            f"clad ends its training by good parts it has not learned from, and all show '{objects[0]}': "
            "add pictures of another good part"
        )
    count = max(1, round(HELD_OUT * len(objects)))
    held_out = set(draw_parts(objects, count, np.random.default_rng(seed)))
    training: list[EncodedExample] = []
    good: list[EncodedExample] = []
    defective: list[EncodedExample] = []
    for example in examples:
        labelled = not example.good and example.synthetic is None
        if labelled or example.group not in held_out:
            training.append(example)
        else:
            (good if example.good else defective).append(example)
    if trains and all(example.good for example in training):
        raise SpecsightError(
            "clad has no defect to learn from: no synthetic one could be seen on these pictures; give larger pictures, "
            "or labelled defects"
        )
    return ExampleSplit(training, [*good[:CHECKED], *defective[:CHECKED]])


def types_with_examples(specification: Specification, examples: Sequence[EncodedExample]) -> tuple[str, ...]:
    """List the types of the specification that some example shows."""
    types = [defect.name for defect in specification.defects]
    return tuple(type_ for type_ in types if any(type_ in example.covered for example in examples))


def stage_sentences(
    book: PhraseBook,
    specification: Specification,
    examples: Sequence[EncodedExample],
    *,
    stages: str,
) -> dict[str, StateSentences]:
    """Embed the sentences of each stage ("two", "general" or "none" of them), in the order of the stages.

    Types that no example shows are left out: pushed away from every picture and drawn to none, they would be found
    nowhere.
    """
    by_stage: dict[str, StateSentences] = {}
    synthetic = sorted({example.synthetic for example in examples if example.synthetic})
    if stages != NO_STAGE and synthetic:
        by_stage[GENERAL] = general_sentences(book, synthetic)
    if stages == TWO_STAGES:
        types = types_with_examples(specification, examples)
        by_stage[TASK] = task_sentences(book, prompt_bank(specification), types)
    return by_stage


def train(
    networks: Networks,
    examples: ExampleSplit,
    stages: Mapping[str, StateSentences],
    weights: LossWeights,
    schedule: Schedule,
    *,
    seed: int,
    checkpoints: Path | None,
    device: str,
) -> tuple[History, ...]:
    """Train stage by stage; each leaves the weights that were best on held-out examples to the next.

    `device`: see `choose_device`. The networks are left on the CPU. A tail that is tuned uses mixed precision on a GPU;
    on a CPU, where results are to be the same on every machine, it never does.
    """
    precision: Precision = "auto" if choose_device(device).type == "cuda" else "float32"
    histories = []
    for number, (stage, sentences) in enumerate(stages.items()):
        training, held_out = (
            [e for e in subset if sentences.cover(e.covered_by_state(general=stage == GENERAL))]
            for subset in (examples.training, examples.held_out)
        )
        task = ContrastiveTask(stage, networks, training, held_out, sentences, weights)
        path = checkpoints / f"clad-{stage}.safetensors" if checkpoints else None
        log = checkpoints / LOG if checkpoints else None
        history = train_task(
            task,
            schedule,
            seed=len(stages) * seed + number,
            checkpoint=path,
            log=log,
            device=device,
            precision=precision,
        )
        histories.append(history)
    return tuple(histories)


def measure_scales(
    networks: Networks, held_out: Sequence[EncodedExample], accepted: Tensor, defects: Tensor, *, cams: bool
) -> Scales:
    """Measure the scales on the good ones of the held-out examples.

    `accepted` (J, d) and `defects` (K, d) are the specification's sentences in the learned space; `cams` says that
    Grad-CAM draws the maps.
    """
    of_pictures, of_patches, values = [], [], []
    for example in (example for example in held_out if example.good):
        with torch.no_grad():
            encoded = networks.example_tail(
                example.grid[None].float(), example.prefix[None].float(), example.weights[None]
            )
            inside = encoded.patches[0].permute(1, 2, 0)[torch.from_numpy(example.inside)]
            patches = networks.picture_projection(inside)
            of_pictures.append(float(acceptance(networks.picture_projection(encoded.pooled), accepted)))
            of_patches.append(grids.top_mean(acceptance(patches, accepted).numpy(), TOP))
            dense = networks.margins(patches, accepted, defects).amax(0)
        values.append(_cam(networks, example, accepted, defects) if cams else dense.numpy())
    together = np.concatenate(values) if values else np.zeros(1)
    low, high = (float(value) for value in np.quantile(together, (0.5, 0.99)))
    return Scales((gamma_for(of_pictures), gamma_for(of_patches)), (low, max(high, low + 1e-3)))


def _cam(networks: Networks, example: EncodedExample, accepted: Tensor, defects: Tensor) -> grids.Grid:
    """Cells of the map that Grad-CAM draws of an example that kept its cut."""
    assert example.cut is not None
    grid, prefix = (values[None].float() for values in example.cut)
    evidence, maps = networks.cams(grid, prefix, example.weights[None], accepted, defects)
    return np.asarray(maps[int(evidence.argmax())].numpy()[example.inside], np.float32)
