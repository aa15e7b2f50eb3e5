"""`specsight train encoder`: the bundled encoder from nothing, stage by stage, resumable at every checkpoint.

In: a recipe, a folder of photographs, a teacher checkpoint. Out: a run folder with checkpoints and `log.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from specsight.errors import SpecsightError, did_you_mean
from specsight.storage import only_writer, write_json
from specsight.training.loop import run_stage
from specsight.training.recipe import EncoderRecipe
from specsight.training.sentence_teacher import minilm_folder
from specsight.training.student import TextTower, build_vision_tower
from specsight.training.teacher import DenseTeacher
from specsight.training.text import SentenceGeometry, corpus
from specsight.training.vision import Distillation
from specsight.training.vocabulary import build_tokenizer

STAGES = ("vision", "text")


def train(
    recipe: EncoderRecipe, out: Path, photographs: Path, teacher: Path, stages: Sequence[str] = STAGES
) -> None:
    """Run every stage of `stages` that is not finished yet, in order."""
    for name in stages:
        if name not in STAGES:
            raise SpecsightError(f"unknown training stage '{name}': {did_you_mean(name, STAGES)}")
    out.mkdir(parents=True, exist_ok=True)
    with only_writer(out):
        torch.set_num_threads(recipe.threads)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        write_json(out / "recipe.json", json.loads(json.dumps(asdict(recipe))))
        for name in stages:
            torch.manual_seed(recipe.seed)
            if name == "vision":
                tower = build_vision_tower(recipe.tower).to(device)
                run_stage(Distillation(recipe, tower, DenseTeacher(teacher, device), photographs, out), recipe, out)
            if name == "text":
                text = TextTower(recipe, tokenizer(recipe)).to(device)
                run_stage(SentenceGeometry(recipe, text, minilm_folder()), recipe, out)


def tokenizer(recipe: EncoderRecipe) -> Any:
    """The tokenizer follows from the recipe alone."""
    shape = recipe.text_tower
    vocabulary = minilm_folder() / "vocab.txt"
    return build_tokenizer(corpus(recipe.seed), vocabulary, shape.words, shape.endings, shape.longest)
