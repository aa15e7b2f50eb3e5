"""The recipe of a small vision-language encoder: every number that its weights depend on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from specsight.learning.schedule import Schedule
from specsight.recipes.run import RunOptions, recipe_schedule

MINUTES = {"vision": 10, "text": 13, "joint": 30, "polish": 25}
"""What each stage of the encoder took on two cores: its share of a time budget."""


@dataclass(frozen=True)
class VisionShape:
    """Channels of the stem, and channels (`widths`) and residual blocks (`depths`) at strides 4, 8 and 16."""

    stem: int = 32
    widths: tuple[int, int, int] = (48, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 4)


@dataclass(frozen=True)
class VisionStage:
    """Dense distillation of a convolutional teacher."""

    schedule: Schedule = field(default_factory=lambda: recipe_schedule(1000, 2e-3, cooldown=0.0))
    sides: tuple[int, ...] = (128, 160, 224)
    pixels: int = 16 * 160 * 160
    photograph_share: float = 0.55
    """Share of photographs among the pictures; the others are scenes."""
    relation_weight: float = 0.5
    relation_samples: int = 512
    """Cells whose distances to each other are compared with the teacher's."""
    held_out: int = 40
    """Photographs, and scenes, on which progress is measured."""


@dataclass(frozen=True)
class TextShape:
    """A BERT, the tokens of its `longest` sentence, and general words and word endings in its vocabulary."""

    hidden: int = 256
    layers: int = 3
    heads: int = 4
    longest: int = 48
    words: int = 6000
    endings: int = 1200


@dataclass(frozen=True)
class TextStage:
    """Distillation of a sentence encoder: `batch` sentences a step; `agreement_share` of the target cosines comes from
    the agreement of meanings."""

    schedule: Schedule = field(default_factory=lambda: recipe_schedule(2000, 1e-3))
    batch: int = 96
    general_words: int = 6000
    agreement_share: float = 0.5
    geometry_weight: float = 10.0


@dataclass(frozen=True)
class JointStage:
    """Cells, regions and pictures against sentences."""

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
    """How often each kind of example comes."""
    sides: tuple[int, ...] = (128, 160, 224)
    """Sides of the square pictures, in pixels, by turns."""
    pixels: int = 16 * 160 * 160
    """Pixels of a batch, about."""
    tyres: int = 5900
    """Rendered tyre pictures; 0: none."""
    tyre_size: int = 256
    """Their side in pixels."""
    held_out: int = 72
    """Examples of each kind on which progress is measured."""
    trunk_rate: float = 0.6
    """Share of the schedule's rate for the vision tower."""
    text_rate: float = 0.3
    """The same for the text tower."""
    text_layers: int = 2
    """Last layers of the text tower that learn."""
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
"""How often each kind of example comes while the rate cools down: products more often."""


def _polish() -> JointStage:
    """The joint stage goes on with more pictures of products and a higher weight on pictures; the rate cools down."""
    stage = JointStage(schedule=recipe_schedule(1800, 2e-3, warmup=50, cooldown=1.0))
    return replace(stage, shares=dict(POLISH_SHARES), weights={**stage.weights, "evidence": 1.0})


@dataclass(frozen=True)
class EncoderRecipe:
    """All stages of the encoder."""

    options: RunOptions = field(default_factory=RunOptions)
    tower: VisionShape = field(default_factory=VisionShape)
    text_tower: TextShape = field(default_factory=TextShape)
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
