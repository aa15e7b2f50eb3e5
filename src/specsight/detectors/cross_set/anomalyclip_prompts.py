"""The prompts of AnomalyCLIP (Zhou et al., ICLR 2024) and how they are learned; nothing but prompts learns.

In: an encoder's text tower and examples of frozen features. Out: two anchors in the joint space, "good" and "damaged",
of no object in particular.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from specsight.detectors.cross_set.detector import CrossSetTask
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.learned_anchors import ANCHORS
from specsight.detectors.saving import State
from specsight.detectors.text import IMAGE
from specsight.learning.losses import class_targets, dice, focal
from specsight.learning.task import Validation

if TYPE_CHECKING:
    from specsight.encoders.passes.prompting import PromptedText

SPREAD = 0.02
"""Deviation of tokens before they have learned anything."""
LOCAL = 4.0
"""Weight of the maps' losses beside the whole picture's."""
TINY = 1e-12


class Prompts(torch.nn.Module):
    """[V_1] … [V_E] [object] and [W_1] … [W_E] [damaged] [object], and deep tokens that both share."""

    def __init__(
        self, good: PromptedText, damaged: PromptedText, tokens: int, deep: tuple[int, int], seed: int
    ) -> None:
        """`deep`: how many tokens are replaced, and before how many of the first blocks.

        The first block counts among them; its tokens are those of the prompt itself.
        """
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def initial(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(SPREAD * torch.randn(*shape, generator=generator))

        self._prompts = (good, damaged)
        self.good, self.damaged = initial(tokens, good.width), initial(tokens, good.width)
        self.deep = initial(max(0, deep[1] - 1), deep[0], good.width)

    def forward(self) -> torch.Tensor:
        """The anchors (2, D), unit length: good, damaged."""
        good, damaged = self._prompts
        return torch.stack([good(self.good, self.deep), damaged(self.damaged, self.deep)])


class PromptTask(CrossSetTask):
    """Trains prompts to separate defective examples and their damaged cells from good ones."""

    name = "anomalyclip"

    def __init__(
        self, prompts: Prompts, examples: Sequence[FrozenExample], temperature: float, batch: int
    ) -> None:
        self.prompts = prompts
        self.modules: Mapping[str, torch.nn.Module] = {"prompts": prompts}
        self._training = [example for example in examples if not example.held_out]
        self._held_out = [example for example in examples if example.held_out]
        self._temperature, self._batch = temperature, batch

    def loss(self, generator: torch.Generator, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        """Return the mean loss of a batch of different examples."""
        chosen = torch.randperm(len(self._training), generator=generator)[: self._batch]
        return self._mean_loss([self._training[k] for k in chosen.tolist()]), {}

    def validate(self) -> Validation:
        """Return the mean loss of all held-out examples."""
        loss = float(self._mean_loss(self._held_out))
        return Validation({"loss": loss}, loss)

    def weights(self) -> State:
        """Return the anchors, which are all that judging needs, and the tokens that they were computed from."""
        with torch.no_grad():
            learned = {ANCHORS: self.prompts(), **self.prompts.state_dict()}
        return {name: np.array(tensor.numpy(), np.float32) for name, tensor in learned.items()}

    def _mean_loss(self, examples: Sequence[FrozenExample]) -> torch.Tensor:
        anchors = self.prompts()
        return torch.stack([example_loss(anchors, example, self._temperature) for example in examples]).mean()


def example_loss(anchors: torch.Tensor, example: FrozenExample, temperature: float) -> torch.Tensor:
    """Return the loss of one example, on the device of the `anchors` (2, D):

    CE(image logits, y) + 4 Σ_levels [focal([S_n, S_a], G) + dice(S_a, G) + dice(S_n, 1 - G)]

    with logits cos / T against the two anchors, and S their softmax, interpolated to the cells of the mask G."""
    device = anchors.device
    logits = anchors @ torch.from_numpy(example.features(IMAGE)).flatten().to(device) / temperature
    truth = torch.tensor([int(example.defective)], device=device)
    loss = torch.nn.functional.cross_entropy(logits[None], truth)
    damaged = torch.from_numpy(example.damaged()).to(device)
    for name in example.halves:
        if name != IMAGE:
            patches = torch.from_numpy(example.features(name)).to(device)
            cosines = torch.einsum("kd,dhw->khw", anchors, patches)
            shares = torch.softmax(cosines / temperature, 0)
            down, across = (torch.tensor(weights, device=device) for weights in example.spread(name))
            predicted = down @ shares @ across.T
            local = focal(predicted.clamp(min=TINY).log(), class_targets(damaged[None]))
            loss = loss + LOCAL * (local + dice(predicted[1], damaged) + dice(predicted[0], 1 - damaged))
    return loss
