"""Networks that learn from good patches that show the same place in colours and in depth.

In: pairs of vectors (n, D₁), (n, D₂). Out: `Perceptron`s. Two trainings, both by the one engine: mappings from each
modality to the other (CFM: Costanzino et al., CVPR 2024), and projections of both into one space in which the two
patches of a place are each other's nearest (M3DM's unsupervised feature fusion: Wang et al., CVPR 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.features.perceptron import Perceptron, Vectors, standardisation
from specsight.learning.batches import StreamMaker
from specsight.learning.engine import train
from specsight.learning.schedule import Schedule
from specsight.learning.task import Maker, Task

BATCH = 512
"""Pairs a step."""
RATE = 1e-3
HIDDEN, WIDTH = 256, 128
"""Numbers inside and at the end of the projections."""
TEMPERATURE = 0.1


def mappings(
    colours: Vectors, geometry: Vectors, *, steps: int, seed: int, device: str
) -> tuple[Perceptron, Perceptron]:
    """Networks from colours to standardised geometry, and from geometry to standardised colours.

    Three layers each, the inner ones as wide as the mean of both ends; the loss is 1 - the cosine of what is predicted
    and what is there, as in CFM.
    """
    widths = (colours.shape[1], geometry.shape[1])
    inner = sum(widths) // 2
    layers = [(widths[0], inner, inner, widths[1]), (widths[1], inner, inner, widths[0])]
    return _trained(MappingTask, (colours, geometry), layers, steps=steps, seed=seed, device=device)


def projections(
    colours: Vectors, geometry: Vectors, *, steps: int, seed: int, device: str
) -> tuple[Perceptron, Perceptron]:
    """Networks from colours and from geometry into one space of `WIDTH` numbers, by InfoNCE over co-located patches."""
    layers = [(source.shape[1], HIDDEN, WIDTH) for source in (colours, geometry)]
    return _trained(ContrastTask, (colours, geometry), layers, steps=steps, seed=seed, device=device)


class PairNumbers:
    """Draws the numbers of a batch of pairs, with repetition."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self, generator: torch.Generator) -> Tensor:
        """(BATCH,)"""
        return torch.randint(self.count, (BATCH,), generator=generator)


class PairTask(Task):
    """Trains two networks on standardised pairs; nothing is held out."""

    def __init__(self, pairs: Sequence[Vectors], layers: Sequence[Sequence[int]]) -> None:
        """`pairs`: both sides (n, D), standardised; `layers`: widths of each network, from its input to its output."""
        self._pairs = [torch.from_numpy(np.ascontiguousarray(side)) for side in pairs]
        self.networks = [_network(widths) for widths in layers]
        self.modules = dict(zip(("from_colours", "from_geometry"), self.networks))

    def maker(self) -> Maker:
        """Batches from one stream of random numbers over all steps."""
        return StreamMaker(PairNumbers(len(self._pairs[0])))

    def _ends(self, batch: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What goes into the networks, and what comes out."""
        sides = [self.placed(side[batch]) for side in self._pairs]
        return sides, [network(side) for network, side in zip(self.networks, sides)]


class MappingTask(PairTask):
    """Each modality is predicted from the other."""

    name = "cfm"

    def loss(self, batch: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """Mean of 1 - cos over both directions."""
        (colours, geometry), (to_geometry, to_colours) = self._ends(batch)
        there = functional.cosine_similarity(to_geometry, geometry)
        back = functional.cosine_similarity(to_colours, colours)
        return (1 - there).mean() + (1 - back).mean(), {}


class ContrastTask(PairTask):
    """The patches of one place are to be nearer than those of any other place of the batch."""

    name = "m3dm"

    def loss(self, batch: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """InfoNCE in both directions."""
        _, (first, second) = self._ends(batch)
        likeness = functional.normalize(first) @ functional.normalize(second).T / TEMPERATURE
        places = torch.arange(len(likeness), device=likeness.device)
        # A place that was drawn twice is no wrong answer to itself.
        same = (batch[:, None] == batch[None]).to(likeness.device) & ~torch.eye(
            len(batch), dtype=torch.bool
        ).to(likeness.device)
        likeness = likeness.masked_fill(same, float("-inf"))
        loss = functional.cross_entropy(likeness, places) + functional.cross_entropy(likeness.T, places)
        return loss / 2, {}


def _trained(
    kind: type[PairTask],
    pairs: Sequence[Vectors],
    layers: Sequence[Sequence[int]],
    *,
    steps: int,
    seed: int,
    device: str,
) -> tuple[Perceptron, Perceptron]:
    standards = [standardisation([side]) for side in pairs]
    sides = [np.asarray((side - mean) / spread, np.float32) for side, (mean, spread) in zip(pairs, standards)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        task = kind(sides, layers)
    schedule = Schedule(
        steps, RATE, weight_decay=0.0, largest_gradient=None, validate_every=steps, checkpoint_every=steps
    )
    train(task, schedule, seed=seed, device=device, precision="float32")
    first, second = (
        Perceptron(mean, spread, _layers(network))
        for network, (mean, spread) in zip(task.networks, standards)
    )
    return first, second


def _network(widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number, (width, next_width) in enumerate(pairwise(widths)):
        layers += [*([nn.GELU()] if number else []), nn.Linear(width, next_width)]
    return nn.Sequential(*layers)


def _layers(network: nn.Sequential) -> tuple[tuple[Vectors, Vectors], ...]:
    return tuple(
        (layer.weight.detach().cpu().numpy().copy(), layer.bias.detach().cpu().numpy().copy())
        for layer in network
        if isinstance(layer, nn.Linear)
    )
