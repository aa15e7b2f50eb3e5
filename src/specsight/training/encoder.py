"""`specsight train encoder`: the bundled encoder from nothing, stage by stage, resumable at every checkpoint.

In: a recipe, a folder of photographs, a teacher checkpoint. Out: a run folder with checkpoints and `log.jsonl`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from specsight.storage import only_writer, write_json
from specsight.training.loop import run_stage
from specsight.training.recipe import EncoderRecipe
from specsight.training.student import build_vision_tower
from specsight.training.teacher import DenseTeacher
from specsight.training.vision import Distillation


def train(recipe: EncoderRecipe, out: Path, photographs: Path, teacher: Path) -> None:
    """Run every stage that is not finished yet."""
    out.mkdir(parents=True, exist_ok=True)
    with only_writer(out):
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        write_json(out / "recipe.json", json.loads(json.dumps(asdict(recipe))))
        tower = build_vision_tower(recipe.tower).to(device)
        run_stage(Distillation(recipe, tower, DenseTeacher(teacher, device), photographs, out), recipe, out)
