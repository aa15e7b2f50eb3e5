"""How the supervised head is trained: multi-class focal and Dice loss of patches, cross-entropy of pictures.

In: inputs of patches, what each shows, and, where the head is to serve another domain, inputs from there. Out: a
trained `Head`. Losses of domains are those of `learning.adaptation`, of good patches and normal-looking ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from specsight.detectors.saving import State
from specsight.detectors.supervised.head import Head, odds
from specsight.detectors.supervised.settings import HeadSettings, Labelled
from specsight.encoders import Features
from specsight.learning import adaptation
from specsight.learning.engine import train
from specsight.learning.losses import class_targets, focal_dice
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task

BATCH = 16
"""Pictures a step, half of them good."""
TOP = 0.05
"""Share of a picture's patches whose mean odds stand for the picture."""
NOISE = 0.1
"""Deviation of noise on the inputs, in deviations of each on good patches."""
ALIGNED = 128
"""Good, and defective, patches of each domain that are compared in a step: MMD takes every pair of them."""
MISSING = 0.25
"""Share of the pictures of a step that lack a modality: the head is to judge without it, too."""
SURE = 0.9
"""Probability from which a guess of the class of a target's patch is believed."""
WEIGHT_DECAY = 0.05


@dataclass(frozen=True)
class Target:
    """Patches of another domain: `inputs` (m, W), which of them look `normal` (m,); aligned by `loss`."""

    inputs: Features
    normal: NDArray[np.bool_]
    loss: str
    """coral_loss | mmd | dann"""
    weight: float


def train_head(
    labelled: Labelled, settings: HeadSettings, target: Target | None = None, checkpoint: Path | None = None
) -> State:
    """The weights of a head after `settings.steps` steps; same seed, same weights. A killed training goes on from the
    file `checkpoint`."""
    task = HeadTask(labelled, settings, target)
    schedule = Schedule(
        settings.steps,
        settings.rate,
        warmup=20,
        weight_decay=WEIGHT_DECAY,
        decay_vectors=False,
        validate_every=settings.steps,
        checkpoint_every=max(1, settings.steps // 4),
    )
    train(
        task,
        schedule,
        seed=settings.seed,
        checkpoint=checkpoint,
        device=settings.device,
        precision="float32",
    )
    return task.head.arrays()


class HeadTask(Task):
    """Trains one head; nothing is held out, for five defects of a type are too few to give one away."""

    name = "supervised"

    def __init__(self, labelled: Labelled, settings: HeadSettings, target: Target | None = None) -> None:
        """See `train_head`."""
        width, types = labelled.inputs.shape[2], labelled.shares.shape[2]
        self._inputs, self._shares = torch.from_numpy(labelled.inputs), torch.from_numpy(labelled.shares)
        self._good = np.flatnonzero(labelled.good).tolist()
        shows = labelled.shares.max(1) > 0
        self._by_type = [np.flatnonzero(shows[:, k] & ~labelled.good).tolist() for k in range(types)]
        self._by_type = [pictures for pictures in self._by_type if pictures]
        self._steps, self._target, self._widths = settings.steps, target, labelled.widths
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.head = Head(width, settings.hidden, types, settings.dropout)
            discriminator = nn.Sequential(nn.Linear(settings.hidden, 32), nn.ReLU(), nn.Linear(32, 1))
        good = labelled.inputs[labelled.good].reshape(-1, width)
        self.head.mean.copy_(torch.from_numpy(np.nanmean(good, 0)))
        self.head.spread.copy_(torch.from_numpy(np.nanstd(good, 0)).clamp(min=1e-3))
        self.modules = {"head": self.head}
        if target is not None:
            self._theirs, self._normal = torch.from_numpy(target.inputs), torch.from_numpy(target.normal)
            if target.loss == "dann":
                self.modules["discriminator"] = discriminator

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """Focal + Dice of the patches of half good and half labelled pictures, types by turns, + BCE of pictures."""
        batch = self._draw(generator)
        inputs, shares = self._inputs[batch], self.placed(self._shares[batch])
        inputs = self.placed(self._lessened(inputs, generator) if len(self._widths) > 1 else inputs)
        noise = self.placed(torch.randn(inputs.shape, generator=generator))
        embedded = self.head.embed(inputs + NOISE * self.head.spread * noise)
        logits = self.head.classify(embedded)
        targets = class_targets(shares.flatten(0, 1).T)
        of_patches = focal_dice(logits.flatten(0, 1).T, targets)
        of_pictures = odds(logits).topk(max(1, round(TOP * logits.shape[1])), 1).values.mean(1)
        defective = (shares.sum((1, 2)) > 0).float()
        loss = of_patches + functional.binary_cross_entropy_with_logits(of_pictures, defective)
        if self._target is not None:
            aligned = self._alignment(embedded.flatten(0, 1), targets, generator, step)
            return loss + self._target.weight * aligned, {"aligned": float(aligned.detach())}
        return loss, {}

    def _draw(self, generator: torch.Generator) -> list[int]:
        """Numbers of a batch's pictures."""
        turns = torch.randint(2**31, (BATCH,), generator=generator).tolist()
        order = torch.randperm(len(self._by_type), generator=generator).tolist()
        chosen = [self._good[turn % len(self._good)] for turn in turns[: BATCH // 2]]
        for k, turn in enumerate(turns[BATCH // 2 :]):
            pictures = self._by_type[order[k % len(order)]]
            chosen.append(pictures[turn % len(pictures)])
        return chosen

    def _lessened(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Inputs (P, n, W), of which `MISSING` of the pictures lack a modality, where another one is known of them."""
        parts = list(torch.split_with_sizes(inputs, list(self._widths), -1))
        knows = torch.stack([~part[..., 0].isnan().all(1) for part in parts], 1)
        draws = torch.rand(len(inputs), generator=generator) < MISSING
        which = torch.randint(len(parts), (len(inputs),), generator=generator)
        for k, part in enumerate(parts):
            others = (knows.sum(1) - knows[:, k].long()) > 0
            parts[k] = part.masked_fill((draws & (which == k) & others)[:, None, None], torch.nan)
        return torch.cat(parts, -1)

    def _alignment(self, ours: Tensor, targets: Tensor, generator: torch.Generator, step: int) -> Tensor:
        """How far hidden features (N, hidden) of the source, classes (K + 1, N), lie from those of the target."""
        assert self._target is not None
        classes = targets.argmax(0)
        classes[(targets[0] < 1) & (classes == 0)] = -1
        numbers = (torch.nonzero(chosen)[:, 0] for chosen in (classes == 0, classes > 0))
        kept = torch.cat([self._some(one, generator) for one in numbers])
        ours, classes = ours[kept], classes[kept]
        rows = self._some(torch.arange(len(self._theirs)), generator, 2 * ALIGNED)
        theirs, normal = self.head.embed(self.placed(self._theirs[rows])), self.placed(self._normal[rows])
        if self._target.loss == "dann":
            weight = adaptation.adversarial_weight(step / self._steps)
            discriminator = self.modules["discriminator"]
            hidden = (adaptation.reversed_gradient(x, weight) for x in (ours[classes == 0], theirs[normal]))
            first, second = (discriminator(x)[:, 0] for x in hidden)
            return adaptation.domain_loss(first, second)
        measure = adaptation.mmd if self._target.loss == "mmd" else adaptation.coral_loss
        with torch.no_grad():
            sure, guesses = self.head.classify(theirs).softmax(-1).max(-1)
            guesses = torch.where(sure > SURE, guesses, -1)
            guesses = torch.where(guesses == 0, -1, guesses)
        return adaptation.class_conditional(measure, ours, theirs, classes, torch.where(normal, 0, guesses))

    def _some(self, numbers: Tensor, generator: torch.Generator, count: int = ALIGNED) -> Tensor:
        order = torch.randperm(len(numbers), generator=generator)[:count]
        return numbers[order.to(numbers.device)]


class EntropyTask(Task):
    """TENT (Wang et al., ICLR 2021): gain and shift of the normalisation, by the entropy of a target's patches."""

    name = "supervised: entropy"

    def __init__(self, head: Head, inputs: Features) -> None:
        self.head, self._inputs = head, torch.from_numpy(inputs)
        for name, values in head.named_parameters():
            values.requires_grad_(name in ("gain", "shift"))
        self.modules = {"head": head}

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """Mean entropy of drawn patches."""
        rows = torch.randperm(len(self._inputs), generator=generator)[: 16 * ALIGNED]
        return adaptation.entropy(self.head(self.placed(self._inputs[rows]))), {}


def sharpen(arrays: State, inputs: Features, settings: HeadSettings) -> State:
    """The head `arrays` after `settings.steps` steps of `EntropyTask` on the inputs (m, W) of a target."""
    task = EntropyTask(Head.of_arrays(arrays), np.ascontiguousarray(inputs))
    schedule = Schedule(
        settings.steps,
        settings.rate,
        cooldown=0.0,
        weight_decay=0.0,
        validate_every=settings.steps,
        checkpoint_every=settings.steps,
    )
    train(task, schedule, seed=settings.seed, device=settings.device, precision="float32")
    return task.head.arrays()
