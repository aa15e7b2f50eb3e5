"""The recipe of the head of `fusion`: every number that its weights depend on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from specsight.learning.schedule import Schedule
from specsight.recipes.run import RunOptions, recipe_schedule


@dataclass(frozen=True)
class EpisodePlan:
    """What is rendered: of each zone that many invented models, 24 pictures each, and surfaces of photographs."""

    models: int = 24
    photographs: int = 24
    seed: int = 15
    held_out_every: int = 7
    """Of every so many products, the last is held out."""


@dataclass(frozen=True)
class HeadStage:
    """What a step learns from."""

    schedule: Schedule
    pictures: int = 16
    clauses: int = 2
    """Of a picture, at most."""
    focal_weight: float = 1.0
    dice_weight: float = 0.5
    image_weight: float = 0.5
    typed_weight: float = 0.5
    clause_weight: float = 1.0
    missing: float = 0.35
    """Share of pictures that a modality is taken from: colours, depth or words, equally often."""
    wordless: float = 0.1
    """Share of pictures whose word vectors are taken, as beside another encoder."""
    stressed: float = 0.35
    """Share of pictures under a stressor."""
    silent: float = 0.3
    """Share of pictures with every modality whose defects one of them shows no more."""


def _schedule() -> Schedule:
    return replace(recipe_schedule(1500, 3e-3, warmup=50, cooldown=0.7), validate_every=250)


@dataclass(frozen=True)
class FusionRecipe:
    """The one stage and what it learns from."""

    options: RunOptions = field(default_factory=RunOptions)
    encoder: str = "bundled"
    episodes: EpisodePlan = field(default_factory=EpisodePlan)
    head: HeadStage = field(default_factory=lambda: HeadStage(_schedule()))

    def within(self, minutes: float) -> FusionRecipe:
        """The same recipe with a time budget for its training, beside which episodes are made."""
        schedule = replace(self.head.schedule, minutes=minutes)
        return replace(self, head=replace(self.head, schedule=schedule))
