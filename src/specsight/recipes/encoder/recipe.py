"""The recipe of a small vision-language encoder: every number that a run depends on, in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from specsight.learning.schedule import Schedule
from specsight.recipes.run import RunOptions, recipe_schedule

MINUTES = {"vision": 10, "text": 13, "joint": 30, "polish": 25}
"""What each stage of the encoder took on two cores: its share of a time budget."""


@dataclass(frozen=True)
class VisionTower:
    """Channels of the stem, and channels and residual blocks of the stages at strides 4, 8 and 16."""

    stem: int = 32
    widths: tuple[int, int, int] = (48, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 4)


@dataclass(frozen=True)
class VisionStage:
    """Dense distillation: pictures of `sides` pixels, `pixels` pixels a batch."""

    schedule: Schedule = field(default_factory=lambda: recipe_schedule(1000, 2e-3, cooldown=0.0))
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

    schedule: Schedule = field(default_factory=lambda: recipe_schedule(2000, 1e-3))
    batch: int = 96
    general_words: int = 6000
    agreement_share: float = 0.5
    geometry_weight: float = 10.0


@dataclass(frozen=True)
class JointStage:
    """Patches against sentences; `trunk_rate` and `text_rate` are shares of the schedule's rate."""

    schedule: Schedule = field(default_factory=lambda: recipe_schedule(2000, 2e-3, cooldown=0.0))
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


POLISH_SHARES = {"tyre": 0.42, "photograph": 0.14, "block": 0.18, "vessel": 0.12, "scene": 0.14}
"""How often each kind of example is drawn while the rate cools down: products more often."""


def _polish() -> JointStage:
    """The same lessons, products more often and whole pictures weighing more, while the rate cools down."""
    stage = JointStage(schedule=recipe_schedule(1800, 2e-3, warmup=50, cooldown=1.0))
    return replace(stage, shares=dict(POLISH_SHARES), weights={**stage.weights, "evidence": 1.0})


@dataclass(frozen=True)
class EncoderRecipe:
    """The whole run."""

    options: RunOptions = field(default_factory=RunOptions)
    tower: VisionTower = field(default_factory=VisionTower)
    text_tower: TextTowerShape = field(default_factory=TextTowerShape)
    width: int = 256
    """Dimensions of the joint space of patches, pictures and sentences."""
    vision: VisionStage = field(default_factory=VisionStage)
    text: TextStage = field(default_factory=TextStage)
    joint: JointStage = field(default_factory=JointStage)
    polish: JointStage = field(default_factory=_polish)

    def within(self, minutes: float) -> EncoderRecipe:
        """The same recipe with a time budget for its stages together, which get their shares of it."""
        share = minutes / sum(MINUTES.values())
        return replace(
            self,
            vision=_within(self.vision, share * MINUTES["vision"]),
            text=_within(self.text, share * MINUTES["text"]),
            joint=_within(self.joint, share * MINUTES["joint"]),
            polish=_within(self.polish, share * MINUTES["polish"]),
        )


Scheduled = TypeVar("Scheduled", VisionStage, TextStage, JointStage)


def _within(part: Scheduled, minutes: float) -> Scheduled:
    return replace(part, schedule=replace(part.schedule, minutes=minutes))
