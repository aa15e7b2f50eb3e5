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
from specsight.learning import processes
from specsight.learning.checkpoint import load_modules
from specsight.learning.history import LOG, write_entry
from specsight.recipes.encoder import joint_stage
from specsight.recipes.encoder.dense_teacher import DenseTeacher
from specsight.recipes.encoder.distillation import DistillationHeads
from specsight.recipes.encoder.export import export
from specsight.recipes.encoder.recipe import EncoderRecipe
from specsight.recipes.encoder.sentence_teacher import minilm_folder
from specsight.recipes.encoder.student import STAGE_STRIDES, StudentText, build_vision_tower
from specsight.recipes.encoder.text_stage import SentenceTask, corpus
from specsight.recipes.encoder.tokenizer import build_tokenizer
from specsight.recipes.encoder.vision_stage import STATISTICS, DistillationTask
from specsight.recipes.run import run_folder, train_task

STAGES = ("vision", "text", "joint", "polish", "export")


@dataclass(frozen=True)
class Sources:
    """What is learned from."""

    photographs: Path
    """Folder with photographs."""
    teacher: Path
    """Folder with a convolutional checkpoint."""
    sentences: Path | None = None
    """Folder with a sentence encoder; None: that of the installed MiniLM package."""

    @property
    def sentence_folder(self) -> Path:
        """Folder with the sentence encoder. Raises MissingExtra where MiniLM is wanted and not installed."""
        return self.sentences or minilm_folder()


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


def train(recipe: EncoderRecipe, out: Path, sources: Sources, stages: Sequence[str] = STAGES) -> Path:
    """Train those of `stages` that are not finished yet, in order; returns the folder of the exported model.

    Interrupted anywhere, the same call goes on from the last checkpoint. Raises SpecsightError for an unknown stage,
    for sources that are not there, and for checkpoints of another recipe in `out`.
    """
    for name in stages:
        if name not in STAGES:
            raise SpecsightError(f"unknown training stage '{name}': {did_you_mean(name, STAGES)}")
    parts = {name: getattr(recipe, name) for name in stages if name != "export"}
    with run_folder(out, recipe, recipe.options, parts) as device:
        teacher = DenseTeacher(sources.teacher, device)
        models = _build(recipe, teacher, sources, device)
        for name in stages:
            torch.manual_seed(recipe.options.seed)
            _run(name, recipe, out, sources, teacher, models)
            processes.meet()
    return out / "model"


def _build(recipe: EncoderRecipe, teacher: DenseTeacher, sources: Sources, device: torch.device) -> Models:
    """Modules at random; the same ones for the same seed."""
    torch.manual_seed(recipe.options.seed)
    tower = build_vision_tower(recipe.tower).to(device)
    widths = dict(zip(STAGE_STRIDES, recipe.tower.widths, strict=True))
    heads = DistillationHeads(widths, teacher.channels, teacher.strides).to(device)
    shape = recipe.text_tower
    vocabulary = sources.sentence_folder / "vocab.txt"
    tokenizer = build_tokenizer(
        corpus(recipe.options.seed), vocabulary, shape.words, shape.endings, shape.longest
    )
    text = StudentText(recipe, tokenizer).to(device)
    return Models(tower, heads, text, joint_stage.JointHead(recipe.tower.widths[-1], recipe.width).to(device))


def _run(
    name: str, recipe: EncoderRecipe, out: Path, sources: Sources, teacher: DenseTeacher, models: Models
) -> None:
    """One stage; it begins with the modules in the checkpoints of those before it."""
    if name == "vision":
        with processes.first_process_first():
            task = DistillationTask(recipe, models.tower, models.heads, teacher, sources.photographs, out)
        train_task(task, recipe.vision.schedule, recipe.options, out)
    elif name == "text":
        text = SentenceTask(recipe, models.text, sources.sentence_folder)
        train_task(text, recipe.text.schedule, recipe.options, out)
    elif name in ("joint", "polish"):
        if name == "joint":
            _require(out, "vision", {"tower": models.tower, "heads": models.heads})
            _require(out, "text", {"tower": models.text})
        else:
            _require(out, "joint", models.joint())
        part = recipe.joint if name == "joint" else recipe.polish
        with processes.first_process_first():
            maker, held_out = joint_stage.batches_and_held_out(
                part, sources.photographs, sources.teacher, out / STATISTICS, out
            )
        joint = joint_stage.JointTask(name, recipe, part, models.joint(), maker, held_out)
        train_task(joint, part.schedule, recipe.options, out)
    elif processes.rank() == 0:
        step = _require(out, "polish", models.joint())
        size = export(models.tower, models.text, models.head, out / "model")
        write_entry(out / LOG, {"stage": "export", "polish_step": step, "bytes": size})


def _require(out: Path, stage: str, modules: dict[str, nn.Module]) -> int:
    """Load modules from a stage's checkpoint; returns its steps. Raises SpecsightError where there is none."""
    step = load_modules(out / f"{stage}.safetensors", modules)
    if not step:
        raise SpecsightError(f"'{out}' has no checkpoint of stage '{stage}': train that stage first")
    return step
