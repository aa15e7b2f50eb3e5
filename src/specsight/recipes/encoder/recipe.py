"""The recipe of a small vision-language encoder: every number that its weights depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from specsight.learning.schedule import Schedule
from specsight.recipes.run import RunOptions, recipe_schedule

MINUTES = {"vision": 10, "text": 10, "joint": 25, "polish": 35}
"""How a time budget is shared out among the stages: in proportion to these."""
GPU_SIDES = (128, 192, 256)
"""Sides of the pictures on a GPU, in pixels."""
GPU_PIXELS = 128 * 192 * 192
"""Pixels of a batch that fills it."""


@dataclass(frozen=True)
class VisionShape:
    """Channels of the stem, and channels (`widths`) and residual blocks (`depths`) at strides 4, 8 and 16."""

    stem: int = 32
    widths: tuple[int, int, int] = (48, 128, 288)
    depths: tuple[int, int, int] = (1, 3, 6)


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
    layers: int = 4
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
            "tyre": 0.3,
            "photograph": 0.14,
            "block": 0.15,
            "vessel": 0.14,
            "object": 0.13,
            "scene": 0.14,
        }
    )
    """How often each kind of example comes."""
    sides: tuple[int, ...] = (128, 160, 224)
    """Sides of the square pictures, in pixels, by turns."""
    pixels: int = 16 * 160 * 160
    """Pixels of a batch, about."""
    tyres: int = 9000
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
    start: str = ""
    """Digest of the weights that training goes on from; empty: the stages before this one made them."""
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "typing": 1.0,
            "damage": 1.0,
            "evidence": 0.5,
            "picture": 0.1,
            "window": 0.5,
            "mark": 0.4,
            "region": 0.4,
            "wording": 0.4,
            "distillation": 0.75,
            "relation": 0.375,
        }
    )


GOING_ON_RATE = 7e-4
"""Highest rate where finished weights learn on: enough to move, too low to forget."""
POLISH_SHARES = {
    "tyre": 0.36,
    "photograph": 0.12,
    "block": 0.15,
    "vessel": 0.15,
    "object": 0.12,
    "scene": 0.1,
}
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
    trained_share: float = 0.8
    """What is exported of weights that went on from others lies at this share of the way from those to the trained
    ones; of 0.5, 0.8 and 1 the best on held-out examples."""

    def for_gpu(self) -> EncoderRecipe:
        """The same recipe with batches, sources and steps that a GPU is filled by and finishes in half an hour."""
        return replace(
            self,
            vision=_steps(replace(self.vision, sides=GPU_SIDES, pixels=GPU_PIXELS), 2500),
            text=_steps(replace(self.text, batch=384), 1200),
            joint=_steps(_for_gpu(self.joint), 3600),
            polish=_steps(_for_gpu(self.polish), 6000),
        )

    def going_on(self, digest: str, tower: VisionShape, text_tower: TextShape, width: int) -> EncoderRecipe:
        """The recipe of joint and polish from finished weights of this digest, in their shapes, at a lower rate."""
        joint, polish = (
            replace(part, start=digest, schedule=replace(part.schedule, rate=GOING_ON_RATE))
            for part in (self.joint, self.polish)
        )
        return replace(self, tower=tower, text_tower=text_tower, width=width, joint=joint, polish=polish)

    def within(self, minutes: float, stages: Sequence[str] = tuple(MINUTES)) -> EncoderRecipe:
        """The same recipe with a time budget, shared out among those of its `stages` that are trained."""
        trained = [name for name in stages if name in MINUTES]
        share = minutes / sum(MINUTES[name] for name in trained)
        return replace(self, **{n: _within(getattr(self, n), share * MINUTES[n]) for n in trained})


Scheduled = TypeVar("Scheduled", VisionStage, TextStage, JointStage)


def _within(part: Scheduled, minutes: float) -> Scheduled:
    return replace(part, schedule=replace(part.schedule, minutes=minutes))


def _for_gpu(stage: JointStage) -> JointStage:
    return replace(stage, sides=GPU_SIDES, pixels=GPU_PIXELS, tyres=30_000, held_out=240)


def _steps(part: Scheduled, steps: int) -> Scheduled:
    return replace(part, schedule=replace(part.schedule, steps=steps))
