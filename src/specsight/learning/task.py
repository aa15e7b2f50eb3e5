"""What is to be trained: modules, how a batch is made, the loss of a batch, and numbers on held-out examples."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from specsight.learning.precision import Precision

Maker = Callable[[int, int], Any]
"""(seed, number of the batch) → batch; a pure function, so that a resumed run meets the batches of an unbroken one."""
PICTURES = "pictures"
"""Among a loss's numbers: how many pictures the batch held. It is summed in the log, other numbers are averaged."""


@dataclass(frozen=True)
class Validation:
    """Numbers on held-out examples; `criterion`, where there is one, is lower for better weights."""

    numbers: Mapping[str, float]
    criterion: float | None = None
    """Decides which weights are best and, with the schedule's patience, when training ends early."""


class Task(ABC):
    """What `specsight.learning.engine.train` trains."""

    name: str
    """Shown beside the progress bar and in the log; part of a checkpoint's fingerprint."""
    modules: Mapping[str, torch.nn.Module]
    """What is trained, by name; parameters that do not require gradients are only carried along."""
    rate_shares: Mapping[str, float] = {}
    """Shares in [0, 1] of the schedule's rate for modules that learn more slowly, by name."""
    config: Mapping[str, Any] = {}
    """Whatever else decides the result, as JSON values: a checkpoint of another config is refused."""
    precision: Precision = "auto"
    """Arithmetic of `mixed_precision`; `train` sets it."""

    def maker(self) -> Maker:
        """How batch k is made: a function of the seed and k that can be pickled, for it may run in other processes.

        By default a batch is a torch generator seeded by both: for tasks that hold their examples in memory and draw
        from them in `loss`.
        """
        return seeded_generator

    @abstractmethod
    def loss(self, batch: Any, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss (a scalar) of a batch at `step`, from 0, and numbers for the log."""

    def validate(self) -> Validation:
        """Numbers on held-out examples; called without gradients, with the modules in evaluation mode.

        By default none: nothing is held out, and the last weights stay.
        """
        return Validation({})

    @property
    def device(self) -> torch.device:
        """Where the modules are."""
        return next(p.device for module in self.modules.values() for p in module.parameters())

    def placed(self, values: torch.Tensor | NDArray[Any]) -> torch.Tensor:
        """The values as a tensor on the device of the modules."""
        import torch

        return torch.as_tensor(values).to(self.device)

    def mixed_precision(self) -> torch.autocast:
        """Context for those parts of `loss` and `validate` that may be computed in less than float32."""
        from specsight.learning.precision import mixed_precision

        return mixed_precision(self.device, self.precision)


def seeded_generator(
    seed: int, number: int, device: torch.device | str = "cpu", stream: str = ""
) -> torch.Generator:
    """A torch generator on `device` for batch `number`.

    What is drawn for one batch for several purposes takes a `stream` for each, any name: their numbers have nothing to
    do with each other.
    """
    import torch

    own = seed * 1_000_003 + number
    if stream:
        # Every bit of the seed depends on every bit of what is told apart: on a CPU, torch takes the low 32 alone.
        mixed = hashlib.blake2b(f"{stream} {seed} {number}".encode(), digest_size=8).digest()
        own = int.from_bytes(mixed, "little")
    return torch.Generator(device).manual_seed(own)
