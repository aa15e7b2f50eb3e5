"""The recipe of a small vision-language encoder: every number that a run depends on, in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


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

    schedule: Schedule = Schedule(steps=1000, rate=2e-3, cooldown=0.0)
    sides: tuple[int, ...] = (128, 160, 224)
    pixels: int = 16 * 160 * 160
    photograph_share: float = 0.55
    relation_weight: float = 0.5
    relation_samples: int = 512
    held_out: int = 40
    """Photographs and scenes, each, on which progress is measured."""


@dataclass(frozen=True)
class TextTowerShape:
    """A BERT of a few layers, and its WordPiece vocabulary: whole general words and word endings."""

    hidden: int = 256
    layers: int = 3
    heads: int = 4
    longest: int = 48
    words: int = 6000
    endings: int = 1200


@dataclass(frozen=True)
class TextStage:
    """Sentence geometry: `batch` sentences a step; `agreement_share` of the target cosines comes from meanings."""

    schedule: Schedule = Schedule(steps=2000, rate=1e-3)
    batch: int = 96
    general_words: int = 6000
    agreement_share: float = 0.5
    geometry_weight: float = 10.0


@dataclass(frozen=True)
class JointStage:
    """Patches against sentences; `trunk_rate` and `text_rate` are shares of the schedule's rate."""

    schedule: Schedule = Schedule(steps=2000, rate=2e-3, cooldown=0.0)
    shares: dict[str, float] = field(
        default_factory=lambda: {
            "tyre": 0.32,
            "photograph": 0.18,
            "block": 0.18,
            "vessel": 0.12,
            "scene": 0.2,
        }
    )
    """How often each kind of lesson is drawn."""
    sides: tuple[int, ...] = (128, 160, 224)
    pixels: int = 16 * 160 * 160
    tyres: int = 5900
    tyre_size: int = 256
    held_out: int = 72
    """Lessons of each kind on which progress is measured."""
    trunk_rate: float = 0.6
    text_rate: float = 0.3
    text_layers: int = 2
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "typing": 1.0,
            "damage": 1.0,
            "evidence": 0.5,
            "picture": 0.1,
            "region": 0.4,
            "wording": 0.4,
            "distillation": 0.5,
            "relation": 0.25,
        }
    )


def _polish() -> JointStage:
    """The same lessons, products more often and whole pictures weighing more, while the rate cools down."""
    stage = JointStage(schedule=Schedule(steps=1800, rate=2e-3, warmup=50, cooldown=1.0))
    shares = {"tyre": 0.42, "photograph": 0.14, "block": 0.18, "vessel": 0.12, "scene": 0.14}
    return replace(stage, shares=shares, weights={**stage.weights, "evidence": 1.0})


@dataclass(frozen=True)
class Rhythm:
    """What the loop must know of a recipe."""

    seed: int = 0
    threads: int = 1
    workers: int = 1
    checkpoint_every: int = 100
    validate_every: int = 250


@dataclass(frozen=True)
class EncoderRecipe(Rhythm):
    """The whole run."""

    tower: VisionTower = field(default_factory=VisionTower)
    text_tower: TextTowerShape = field(default_factory=TextTowerShape)
    width: int = 256
    """Dimensions of the joint space of patches, pictures and sentences."""
    vision: VisionStage = field(default_factory=VisionStage)
    text: TextStage = field(default_factory=TextStage)
    joint: JointStage = field(default_factory=JointStage)
    polish: JointStage = field(default_factory=_polish)


@dataclass(frozen=True)
class TransformerTower:
    """A ViT as CLIP has it; `side` is that of the pictures whose patches have places of their own."""

    hidden: int = 256
    layers: int = 6
    heads: int = 4
    patch: int = 16
    side: int = 224


@dataclass(frozen=True)
class TransformerRecipe(Rhythm):
    """Another architecture for the joint space of an encoder that reads."""

    tower: TransformerTower = field(default_factory=TransformerTower)
    schedule: Schedule = Schedule(steps=1000, rate=1e-3, warmup=100, cooldown=1.0)
    sides: tuple[int, ...] = (128, 160, 224)
    pixels: int = 16 * 160 * 160
    tyres: int = 1500
    tyre_size: int = 256
    held_out: int = 36
    """Lessons of each kind on which progress is measured."""
    shares: dict[str, float] = field(default_factory=lambda: dict(_polish().shares))
    weights: dict[str, float] = field(default_factory=lambda: {"cells": 1.0, "pooled": 0.5, "margins": 1.0})
