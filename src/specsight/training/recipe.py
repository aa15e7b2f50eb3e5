"""The recipe of the bundled encoder: every number that a run depends on, in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class VisionTower:
    """Channels of the stem, and channels and residual blocks of the stages at strides 4, 8 and 16."""

    stem: int = 32
    widths: tuple[int, int, int] = (48, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 4)


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up, constant rate, cosine cool-down over the last `cooldown` share of `steps`."""

    steps: int
    rate: float
    warmup: int = 200
    cooldown: float = 0.3
    weight_decay: float = 0.02


@dataclass(frozen=True)
class VisionStage:
    """Dense distillation: pictures of `sides` pixels, `pixels` pixels a batch."""

    schedule: Schedule = Schedule(steps=8000, rate=2e-3)
    sides: tuple[int, ...] = (128, 160, 224)
    pixels: int = 16 * 160 * 160
    photograph_share: float = 0.55
    relation_weight: float = 0.5
    relation_samples: int = 512


@dataclass(frozen=True)
class EncoderRecipe:
    """The whole run."""

    seed: int = 0
    threads: int = 1
    workers: int = 2
    checkpoint_every: int = 100
    validate_every: int = 250
    tower: VisionTower = field(default_factory=VisionTower)
    vision: VisionStage = field(default_factory=VisionStage)
