"""How long a training lasts, and how its learning rate changes: warm-up, constant rate, cosine cool-down."""

from __future__ import annotations

import math
from dataclasses import dataclass

from specsight.errors import SpecsightError


@dataclass(frozen=True)
class Schedule:
    """AdamW for a number of steps, or for a time in which the same curve of the rate is passed through.

    Raises SpecsightError for a number of steps or minutes, or a largest gradient, that is not above zero.
    """

    steps: int
    """Length of the training; with `minutes` the length that `warmup` refers to."""
    rate: float
    """Highest learning rate."""
    minutes: float | None = None
    """Time budget. The rate then follows the share of it that has passed, and training ends with it, however many
    steps that are."""
    warmup: int = 0
    """Steps of linear warm-up."""
    cooldown: float = 1.0
    """Share of the training, its last part, in which the rate falls to zero along a cosine; 0: it stays."""
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    decay_vectors: bool = True
    """Whether parameters of one dimension (norms and biases) are decayed too."""
    largest_gradient: float | None = 5.0
    """Gradients of a larger norm, over all parameters together, are scaled down to it; None: they are left alone."""
    validate_every: int = 25
    """Steps; the last step is validated in any case."""
    checkpoint_every: int = 25
    """Steps between checkpoints, and between lines of the log; the last step is saved in any case."""
    patience: int | None = None
    """Validations without a better criterion that end the training early."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise SpecsightError(f"a training takes at least one step, got {self.steps}")
        if self.minutes is not None and not self.minutes > 0:
            raise SpecsightError(f"a time budget must be above 0 minutes, got {self.minutes:g}")
        if self.largest_gradient is not None and not self.largest_gradient > 0:
            raise SpecsightError(f"the largest gradient must be above 0, got {self.largest_gradient:g}")

    def position(self, done: int, seconds: float) -> float:
        """Place on the curve in steps, after `done` steps that took `seconds`; the end is at `steps`."""
        return done if self.minutes is None else self.steps * seconds / (60 * self.minutes)

    def rate_at(self, position: float, share: float = 1.0) -> float:
        """Learning rate of the step that begins at `position`, of a module with this share of the rate."""
        warm = min(1.0, (position + 1) / max(1, self.warmup))
        cooling = max(1.0, self.steps * self.cooldown)
        cooled = max(0.0, position - (self.steps - cooling))
        return self.rate * share * warm * (0.5 + 0.5 * math.cos(math.pi * cooled / cooling))
