"""`specsight train encoder`: a small vision-language encoder, stage by stage, resumable at every checkpoint.

In: a recipe, photographs and two teachers. Out: a run folder with `recipe.json`, checkpoints, `log.jsonl`, and, after
the last stage, `model/`: a Hugging Face checkpoint that `load_encoder` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from specsight.errors import SpecsightError, did_you_mean
from specsight.language.sentences import minilm_folder
from specsight.learning import processes
from specsight.learning.batches import numbered_batches
from specsight.learning.checkpoint import load_modules
from specsight.learning.device import choose_device
from specsight.learning.history import LOG, write_entry
from specsight.learning.task import Maker
from specsight.recipes.encoder import distillation, joint_stage
from specsight.recipes.encoder.dense_teacher import DenseTeacher
from specsight.recipes.encoder.distillation import DistillationHeads
from specsight.recipes.encoder.export import export
from specsight.recipes.encoder.pixels import normalise
from specsight.recipes.encoder.recipe import EncoderRecipe
from specsight.recipes.encoder.start import Start
from specsight.recipes.encoder.student import STAGE_STRIDES, StudentText, build_vision_tower, feature_maps
from specsight.recipes.encoder.text_stage import SentenceTask, corpus
from specsight.recipes.encoder.tokenizer import build_tokenizer
from specsight.recipes.encoder.vision_stage import DistillationTask, standardise
from specsight.recipes.run import run_folder, train_task, workers_of
from specsight.synthetic.scenes.photographs import Photographs

STAGES = ("vision", "text", "joint", "polish", "export")
GOING_ON = STAGES[2:]
"""Stages of a training that goes on from finished weights."""
HEAD_BATCHES = 60
"""Batches of pictures on which the distillation heads of finished weights are solved for."""


@dataclass(frozen=True)
class Sources:
    """What is learned from."""

    photographs: Path
    """Folder with photographs."""
    teacher: Path
    """Folder with a convolutional checkpoint."""
    sentences: Path | None = None
    """Folder with a sentence encoder; None: that of the installed MiniLM package."""
    start: Path | None = None
    """Folder of an exported encoder whose weights "joint" goes on from; None: those of "vision" and "text"."""

    @property
    def sentence_folder(self) -> Path:
        """Folder with the sentence encoder. Raises MissingExtra where MiniLM is wanted and not installed."""
        return self.sentences or minilm_folder()

    @property
    def vocabulary(self) -> Path:
        """The sentence encoder's words, one a line."""
        return self.sentence_folder / "vocab.txt"

    def check(self) -> None:
        """Raise SpecsightError where there are no photographs, and where sentences are needed and have no words."""
        Photographs(self.photographs)
        if self.start is None and not self.vocabulary.is_file():
            raise SpecsightError(
                f"'{self.sentence_folder}' has no vocab.txt: give the folder of a sentence encoder with its words"
            )


@dataclass
class Models:
    """The modules that the stages train one after the other."""

    tower: nn.Module
    heads: DistillationHeads
    text: StudentText
    head: joint_stage.JointHead

    def joint(self) -> dict[str, nn.Module]:
        """All modules, by their names in the checkpoints of "joint" and "polish"."""
        return {"tower": self.tower, "heads": self.heads, "text": self.text, "head": self.head}


def train(recipe: EncoderRecipe, out: Path, sources: Sources, stages: Sequence[str] | None = None) -> Path:
    """Train those of `stages` that are not finished yet, in order; returns the folder of the exported model.

    `stages`: by default all, or, from finished weights, those of `GOING_ON` (the recipe then takes their shapes, see
    `EncoderRecipe.going_on`). Interrupted anywhere, the same call goes on from the last checkpoint. Raises
    SpecsightError for an unknown stage and for sources that cannot be used, before `out` is made, and for checkpoints
    of another recipe in `out`, those of stages that are not trained now among them.
    """
    start = Start(sources.start) if sources.start else None
    known = GOING_ON if start else STAGES
    stages = known if stages is None else stages
    for name in stages:
        if name not in known:
            raise SpecsightError(f"unknown training stage '{name}': {did_you_mean(name, known)}")
    recipe = start.recipe(recipe) if start else recipe
    sources.check()
    teacher = DenseTeacher(sources.teacher, choose_device(recipe.options.device))
    parts = {name: getattr(recipe, name) for name in known if name != "export"}
    with run_folder(out, recipe, recipe.options, parts) as device:
        run = _Run(recipe, out, sources, start, teacher, device)
        for name in stages:
            torch.manual_seed(recipe.options.seed)
            run.stage(name)
            processes.meet()
    return out / "model"


class _Run:
    """A recipe, its folder and its sources, and the modules that the stages train one after the other."""

    def __init__(
        self,
        recipe: EncoderRecipe,
        out: Path,
        sources: Sources,
        start: Start | None,
        teacher: DenseTeacher,
        device: torch.device,
    ) -> None:
        self.recipe, self.out, self.sources = recipe, out, sources
        self.start, self.teacher, self.device = start, teacher, device
        self.models = self._build()

    def stage(self, name: str) -> None:
        """Train one stage; it begins with the modules in the checkpoints of those before it."""
        if name in ("vision", "joint", "polish"):
            with processes.first_process_first():
                photographs, seed = self.sources.photographs, self.recipe.options.seed
                standardise(self.teacher, self.recipe.vision, photographs, seed, self.out)
        if name == "vision":
            self._vision()
        elif name == "text":
            self._text()
        elif name == "export":
            self._export()
        else:
            self._joint(name)

    def _vision(self) -> None:
        models = self.models
        task = DistillationTask(
            self.recipe, models.tower, models.heads, self.teacher, self.sources.photographs
        )
        train_task(task, self.recipe.vision.schedule, self.recipe.options, self.out)

    def _text(self) -> None:
        task = SentenceTask(self.recipe, self.models.text, self.sources.sentence_folder, self.device)
        train_task(task, self.recipe.text.schedule, self.recipe.options, self.out)

    def _joint(self, name: str) -> None:
        """ "joint" or "polish"."""
        models, part = self.models, self.recipe.joint if name == "joint" else self.recipe.polish
        with processes.first_process_first():
            maker, held_out = joint_stage.batches_and_held_out(part, self.sources.photographs, self.out)
        if name == "polish":
            self._require("joint", models.joint())
        elif self.start is not None:
            self._adopt(self.start, maker)
        else:
            self._require("vision", {"tower": models.tower, "heads": models.heads})
            self._require("text", {"tower": models.text})
        task = joint_stage.JointTask(name, self.recipe, part, models.joint(), self.teacher, maker, held_out)
        train_task(task, part.schedule, self.recipe.options, self.out)

    def _export(self) -> None:
        if processes.rank() == 0:
            models = self.models
            step = self._require("polish", models.joint())
            if self.start is not None:
                self.start.fill(models.tower, models.text, models.head, 1 - self.recipe.trained_share)
            size = export(models.tower, models.text, models.head, self.out / "model")
            write_entry(self.out / LOG, {"stage": "export", "polish_step": step, "bytes": size})

    def _build(self) -> Models:
        """Modules at random; the same ones for the same seed."""
        recipe, shape, teacher = self.recipe, self.recipe.text_tower, self.teacher
        torch.manual_seed(recipe.options.seed)
        tower = build_vision_tower(recipe.tower).to(self.device)
        widths = dict(zip(STAGE_STRIDES, recipe.tower.widths, strict=True))
        heads = DistillationHeads(widths, teacher.channels, teacher.strides).to(self.device)
        if self.start is not None:
            tokenizer = self.start.tokenizer
        else:
            own, words = corpus(recipe.options.seed), self.sources.vocabulary
            tokenizer = build_tokenizer(own, words, shape.words, shape.endings, shape.longest)
        text = StudentText(recipe, tokenizer).to(self.device)
        head = joint_stage.JointHead(recipe.tower.widths[-1], recipe.width).to(self.device)
        return Models(tower, heads, text, head)

    def _adopt(self, start: Start, maker: Maker) -> None:
        """Finished weights in the modules, and heads that predict the teacher from them on pictures of the stage."""
        models, seed = self.models, self.recipe.options.seed
        start.fill(models.tower, models.text, models.head)
        if (self.out / "joint.safetensors").exists():
            return  # Its checkpoint holds the heads.
        models.tower.eval()
        # The same ones in every process, whose heads must be alike.
        batches = numbered_batches(maker, seed, range(HEAD_BATCHES), workers_of(self.recipe.options))
        pixels = (normalise(batch.pictures, self.device) for batch in batches)
        with torch.no_grad():
            distillation.fit(models.heads, ((feature_maps(models.tower, p), self.teacher(p)) for p in pixels))

    def _require(self, stage: str, modules: dict[str, nn.Module]) -> int:
        """Load modules from a stage's checkpoint; returns its steps. Raises SpecsightError where there is none."""
        step = load_modules(self.out / f"{stage}.safetensors", modules)
        if not step:
            raise SpecsightError(f"'{self.out}' has no checkpoint of stage '{stage}': train that stage first")
        return step
