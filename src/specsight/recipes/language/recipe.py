"""The recipe of a language model that points: every number that its weights depend on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from specsight.language.pointing.adapters import Lora
from specsight.learning.schedule import Schedule
from specsight.recipes.run import RunOptions, recipe_schedule

BUNDLED = "bundled"
MINUTES = {"align": 8, "instruct": 42}
"""How a time budget is shared out among the stages: in proportion to these."""


GOING_ON_RATE = 7e-4
"""Highest rate where a finished language model learns on."""


@dataclass(frozen=True)
class GalleryPlan:
    """Pictures that are rendered and encoded once: looking costs more than learning to speak of what is seen."""

    side: int = 256
    tyres: int = 8000
    """Of the tyre line with its benchmark items, invented models; a quarter of them are defective."""
    seed: int = 14_014
    """Of the tyre line; measured sets have others."""
    good_kept: float = 0.15
    """Share of good tyres without a defective twin that are learned from."""
    scenes: int = 9000
    """Procedural scenes and products, photographs, and further tyres, with painted defects."""
    shares: dict[str, float] = field(
        default_factory=lambda: {
            "tyre": 0.45,
            "photograph": 0.12,
            "block": 0.11,
            "vessel": 0.1,
            "object": 0.1,
            "scene": 0.12,
        }
    )
    held_out: int = 1200
    """Tyres of the line, and scenes, on which progress is measured, of each this many."""


@dataclass(frozen=True)
class BundledShape:
    """A causal language model that is trained from scratch, and the pieces of its tokenizer."""

    architecture: str = "llama"
    """A model type of `transformers`, such as "gpt_neox"."""
    pieces: int = 4096
    width: int = 256
    layers: int = 4
    heads: int = 4
    key_heads: int = 2
    """Of architectures whose queries share keys."""
    inner: int = 704
    longest: int = 1024


@dataclass(frozen=True)
class SpeakingStage:
    """What a stage learns from: `pictures` a step, of each what is pointed at and `conversations`."""

    schedule: Schedule
    pictures: int = 16
    conversations: int = 2
    captions: bool = False
    """Captions in place of conversations."""
    items: float = 0.0
    """Share of conversations about tyres that are benchmark items."""
    absent: int = 8
    """Types that a picture does not show and that are looked for in it all the same."""
    words_weight: float = 1.0
    focal_weight: float = 2.0
    """LISA's weights: 2.0 for the pixel term, 0.5 for Dice."""
    dice_weight: float = 0.5
    presence_weight: float = 0.5
    typing_weight: float = 0.5
    language_rate: float = 1.0
    """Share of the rate for the language model; 0: it stays as it is."""


def _align() -> SpeakingStage:
    return SpeakingStage(recipe_schedule(1500, 1.5e-3, warmup=100, cooldown=0.0), captions=True)


def _instruct() -> SpeakingStage:
    return SpeakingStage(recipe_schedule(4500, 1.5e-3, warmup=50, cooldown=0.6), items=0.6)


@dataclass(frozen=True)
class LanguageRecipe:
    """All stages."""

    options: RunOptions = field(default_factory=RunOptions)
    language_model: str = BUNDLED
    encoder: str = "bundled"
    gallery: GalleryPlan = field(default_factory=GalleryPlan)
    bundled: BundledShape = field(default_factory=BundledShape)
    lora: Lora = field(default_factory=Lora)
    width: int = 128
    """Of the adapted grids."""
    start: str = ""
    """Fingerprint of a finished model whose heads this one's begin with; empty: they begin at random."""
    align: SpeakingStage = field(default_factory=_align)
    """Captions alone."""
    instruct: SpeakingStage = field(default_factory=_instruct)
    """Questions of every kind."""

    def for_adapters(self) -> LanguageRecipe:
        """The same recipe for a language model that is there already and is adapted on a CPU: a tenth of the pictures a
        step, less said of each, at a lower rate; its knowledge of words need not be made."""
        return replace(self, align=_adapting(self.align), instruct=_adapting(self.instruct))

    def within(self, minutes: float) -> LanguageRecipe:
        """The same recipe with a time budget for its stages, beside which pictures are rendered."""
        share = minutes / sum(MINUTES.values())

        def budget(name: str, stage: SpeakingStage) -> SpeakingStage:
            return replace(stage, schedule=replace(stage.schedule, minutes=share * MINUTES[name]))

        return replace(self, align=budget("align", self.align), instruct=budget("instruct", self.instruct))

    def going_on(self) -> LanguageRecipe:
        """The same recipe for a finished model's own language model: questions alone, with the time of all stages, at a
        rate that moves what is learned and does not forget it."""
        minutes = [part.schedule.minutes for part in self.parts.values()]
        together = None if None in minutes else sum(filter(None, minutes))
        schedule = replace(self.instruct.schedule, rate=GOING_ON_RATE, minutes=together)
        return replace(self, instruct=replace(self.instruct, schedule=schedule))

    @property
    def parts(self) -> dict[str, SpeakingStage]:
        """What is trained, by stage, in order."""
        return {"align": self.align, "instruct": self.instruct}

    def for_gpu(self) -> LanguageRecipe:
        """The same recipe with more pictures, larger batches and as many steps as a GPU takes in half an hour."""
        gallery = replace(self.gallery, tyres=24_000, scenes=36_000)
        return replace(
            self,
            gallery=gallery,
            align=_larger(self.align, 3000),
            instruct=_larger(self.instruct, 12_000),
        )


def _adapting(stage: SpeakingStage) -> SpeakingStage:
    schedule = replace(stage.schedule, rate=5e-4, warmup=20)
    return replace(stage, pictures=4, conversations=1, absent=3, schedule=schedule)


def _larger(stage: SpeakingStage, steps: int) -> SpeakingStage:
    return replace(stage, pictures=4 * stage.pictures, schedule=replace(stage.schedule, steps=steps))
