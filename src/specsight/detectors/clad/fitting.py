"""How CLAD is fitted: which examples end the training, its two stages, and what held-out good pictures say afterwards.

In: examples, words, networks. Out: trained networks, how each stage went, and the scales of scores and maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specsight.detectors.clad.examples import EncodedExample, Sentences
from specsight.detectors.clad.maps import acceptance, gamma_for
from specsight.detectors.clad.networks import Networks
from specsight.detectors.clad.stage import GENERAL, Stage, Weights
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.learning.engine import train as train_task
from specsight.learning.history import LOG, History
from specsight.learning.schedule import Schedule

HELD_OUT = 0.2
"""Share of the good objects, with their defective copies, that ends the training and sets the scales."""
CHECKED = 32
"""Held-out examples, good and defective each, at most."""


@dataclass(frozen=True)
class ExampleSplit:
    """Examples to learn from, and held-out ones: good pictures and synthetic defects on them."""

    known: Sequence[EncodedExample]
    held_out: Sequence[EncodedExample]


@dataclass(frozen=True)
class Scales:
    """What held-out good pictures say."""

    gammas: tuple[float, float]
    """γ of pictures and of their strongest patches."""
    levels: tuple[float, float]
    """Map values that become 0 and 1: median and 99 % quantile."""


def split_examples(examples: Sequence[EncodedExample], objects: Sequence[str], seed: int) -> ExampleSplit:
    """Hold a fifth of the good objects out; labelled defects are all learned from.

    `objects` names the physical object of each source. Raises SpecsightError where good pictures show one object only
    and where no example to learn from shows a defect.
    """
    candidates = sorted({objects[example.source] for example in examples if example.good})
    if len(candidates) < 2:
        raise SpecsightError(
            f"clad ends its training by good parts it has not learned from, and all show '{candidates[0]}': "
            "add pictures of another good part"
        )
    count = max(1, round(HELD_OUT * len(candidates)))
    held = {candidates[k] for k in np.random.default_rng(seed).permutation(len(candidates))[:count]}
    known: list[EncodedExample] = []
    good: list[EncodedExample] = []
    defective: list[EncodedExample] = []
    for example in examples:
        labelled = not example.good and example.synthetic is None
        if labelled or objects[example.source] not in held:
            known.append(example)
        else:
            (good if example.good else defective).append(example)
    if all(example.good for example in known):
        raise SpecsightError(
            "clad has no defect to learn from: no synthetic one could be seen on these pictures; give larger pictures, "
            "or labelled defects"
        )
    return ExampleSplit(known, [*good[:CHECKED], *defective[:CHECKED]])


def train(
    networks: Networks,
    examples: ExampleSplit,
    stages: Mapping[str, Sentences],
    weights: Weights,
    schedule: Schedule,
    seed: int,
    checkpoints: Path | None,
) -> tuple[History, ...]:
    """Train stage by stage; each leaves the weights that were best on held-out examples to the next."""
    histories = []
    for number, (stage, words) in enumerate(stages.items()):
        known, held_out = (
            [example for example in some if words.say(example.shows(general=stage == GENERAL))]
            for some in (examples.known, examples.held_out)
        )
        task = Stage(stage, networks, known, held_out, words, weights)
        path = checkpoints / f"clad-{stage}.safetensors" if checkpoints else None
        log = checkpoints / LOG if checkpoints else None
        history = train_task(
            task, schedule, seed=len(stages) * seed + number, checkpoint=path, log=log, device="cpu"
        )
        histories.append(history)
    return tuple(histories)


def measure(
    networks: Networks,
    held_out: Sequence[EncodedExample],
    accepted: Tensor,
    defects: Tensor,
    *,
    top: float,
    cams: bool,
) -> Scales:
    """From the good ones of the held-out pictures, with the sentences (J, d) and (K, d) of the specification.

    `top` is the share of its patches that are a picture's strongest.
    """
    of_pictures, of_patches, values = [], [], []
    for example in (example for example in held_out if example.good):
        with torch.no_grad():
            seen = networks.example_tail(example.grid[None].float(), example.front[None].float())
            inside = seen.patches[0].permute(1, 2, 0)[torch.from_numpy(example.inside)]
            patches = networks.see(inside)
            of_pictures.append(float(acceptance(networks.see(seen.pooled), accepted)))
            of_patches.append(grids.top_mean(acceptance(patches, accepted).numpy(), top))
            dense = networks.margins(patches, accepted, defects).amax(0)
        values.append(_cam(networks, example, accepted, defects) if cams else dense.numpy())
    together = np.concatenate(values) if values else np.zeros(1)
    low, high = (float(value) for value in np.quantile(together, (0.5, 0.99)))
    return Scales((gamma_for(of_pictures), gamma_for(of_patches)), (low, max(high, low + 1e-3)))


def _cam(networks: Networks, example: EncodedExample, accepted: Tensor, defects: Tensor) -> grids.Grid:
    """Cells of the map that Grad-CAM draws of an example that kept its cut."""
    assert example.cut is not None
    grid, front = (values[None].float() for values in example.cut)
    evidence, maps = networks.cams(grid, front, accepted, defects)
    return np.asarray(maps[int(evidence.argmax())].numpy().ravel(), np.float32)
