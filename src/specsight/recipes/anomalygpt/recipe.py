"""The recipe of a language model that reads a map: every number that its weights depend on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from specsight.learning.schedule import Schedule
from specsight.recipes.language.recipe import SpeakingStage
from specsight.recipes.run import RunOptions, recipe_schedule


@dataclass(frozen=True)
class PromptStage(SpeakingStage):
    """What is learned from: questions, and the map of each picture by words or by words and references."""

    absent: int = 2
    items: float = 0.5
    language_rate: float = 0.3
    """Share of the rate for the language model and its eyes, which know their words already."""
    focal_weight: float = 0.5
    dice_weight: float = 0.25
    """Words and maps share no weight: these keep the one's gradients from being scaled down for the other's."""
    few_shot: float = 0.5
    """Share of pictures with references whose map is made with them (AnomalyGPT's)."""
    references: int = 4
    """Good pictures of the same product that are compared with, at most; as many as this are drawn, or fewer."""


def _schedule() -> Schedule:
    return recipe_schedule(800, 1e-3, warmup=50, cooldown=0.6)


@dataclass(frozen=True)
class AnomalyGptRecipe:
    """The one stage; pictures are those of a gallery that `specsight train language` made."""

    options: RunOptions = field(default_factory=RunOptions)
    encoder: str = "bundled"
    prompts: PromptStage = field(default_factory=lambda: PromptStage(_schedule()))
    start: str = ""
    """Fingerprint of the model with which it begins; the run fills it in."""

    def within(self, minutes: float) -> AnomalyGptRecipe:
        """The same recipe with a time budget."""
        schedule = replace(self.prompts.schedule, minutes=minutes)
        return replace(self, prompts=replace(self.prompts, schedule=schedule))
