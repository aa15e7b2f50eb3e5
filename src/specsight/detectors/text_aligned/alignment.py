"""Text-guided alignment of patches: a linear map that brings good patches to their words and defective ones to theirs.

In: unit patch embeddings of good parts and of synthetic defects, and the anchors of what they show. Out: the map W
(D, D). The recipe of the normal-only regime: W starts as the identity and is held close to it, so that words the
training has not used keep their meaning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.encoders import Features
from specsight.learning.batches import StreamMaker
from specsight.learning.engine import train
from specsight.learning.schedule import Schedule
from specsight.learning.task import Maker, Task
from specsight.prompts.anchors import Anchors

MARGIN = 0.1
"""By how much the cosine with the right anchor shall exceed that with the wrong one."""
CHANGE = 0.1
"""Weight of the squared change of the embeddings."""
BATCH = 512
RATE = 1e-3


def align(
    good: Features,
    defective: Features,
    targets: Features,
    anchors: Anchors,
    *,
    steps: int,
    seed: int,
    device: str = "auto",
) -> Features:
    """Return W (D, D) after `steps` steps of Adam on

    mean(1 - cos(W f, good)) + mean(1 - cos(W s, a)) + hinges + 0.1 mean |W f - f|²

    over good patches f (N, D) and defective patches s (M, D), whose anchors a are `targets` (M, D). By the hinges a
    good patch lies nearer to "good" than to any defect, and a defective one nearer to its defect than to "good", by
    `MARGIN`. Without defective patches their terms fall away. Same seed, same map. `device`: see `choose_device`.
    """
    task = AlignmentTask(good, defective, targets, anchors)
    schedule = Schedule(
        steps,
        RATE,
        cooldown=0.0,
        weight_decay=0.0,
        largest_gradient=None,
        validate_every=steps,
        checkpoint_every=steps,
    )
    train(task, schedule, seed=seed, device=device, precision="float32")
    return np.ascontiguousarray(task.map.weight.detach().numpy())


class DrawnPatches(NamedTuple):
    """Numbers of the patches of a batch."""

    good: Tensor
    defective: Tensor | None


class PatchNumbers:
    """Draws `BATCH` of `good` patches and, where there are any, as many of `defective` ones, with repetition."""

    def __init__(self, good: int, defective: int) -> None:
        self.good, self.defective = good, defective

    def __call__(self, generator: torch.Generator) -> DrawnPatches:
        """The numbers of one batch."""
        good = torch.randint(self.good, (BATCH,), generator=generator)
        if not self.defective:
            return DrawnPatches(good, None)
        return DrawnPatches(good, torch.randint(self.defective, (BATCH,), generator=generator))


class PatchMap(nn.Module):
    """Holds W, at first the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(width))


class AlignmentTask(Task):
    """Trains the map W; nothing is held out, for W is kept close to the identity instead."""

    name = "text_aligned"

    def __init__(self, good: Features, defective: Features, targets: Features, anchors: Anchors) -> None:
        """See `align`."""
        self._bank, self._bad, self._targets = (
            torch.from_numpy(np.ascontiguousarray(x)) for x in (good, defective, targets)
        )
        self._anchors = anchors
        self.map = PatchMap(good.shape[1])
        self.modules = {"map": self.map}

    def maker(self) -> Maker:
        """Batches from one stream of random numbers over all steps."""
        return StreamMaker(PatchNumbers(len(self._bank), len(self._bad)))

    def loss(self, batch: DrawnPatches, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of the drawn patches."""
        good, defects = self.placed(self._anchors.good), self.placed(self._anchors.defects)
        loss = _good_loss(self.map.weight, self.placed(self._bank[batch.good]), good, defects)
        if batch.defective is not None:
            patches, targets = (self.placed(x[batch.defective]) for x in (self._bad, self._targets))
            loss = loss + _defective_loss(self.map.weight, patches, good, targets)
        return loss, {}


def _good_loss(weight: Tensor, patches: Tensor, good_anchor: Tensor, defect_anchors: Tensor) -> Tensor:
    moved = patches @ weight.T
    unit = functional.normalize(moved, dim=1)
    right = unit @ good_anchor
    loss = (1 - right).mean() + CHANGE * (moved - patches).square().sum(1).mean()
    if len(defect_anchors):
        loss = loss + torch.relu(unit @ defect_anchors.T - right[:, None] + MARGIN).amax(1).mean()
    return loss


def _defective_loss(weight: Tensor, patches: Tensor, good_anchor: Tensor, targets: Tensor) -> Tensor:
    moved = patches @ weight.T
    unit = functional.normalize(moved, dim=1)
    right = (unit * targets).sum(1)
    hinge = torch.relu(unit @ good_anchor - right + MARGIN).mean()
    return (1 - right).mean() + hinge + CHANGE * (moved - patches).square().sum(1).mean()
