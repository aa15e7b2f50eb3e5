"""`specsight train anomalygpt`: a language model that reads a map, resumable at every checkpoint.

In: a recipe, a run of `specsight train language` with its gallery, a language model that points. Out: a run folder with
`recipe.json`, a checkpoint, `log.jsonl` and `model/`, which `load_prompted` reads.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch import nn

from specsight.encoders import Encoder, load_encoder
from specsight.errors import SpecsightError
from specsight.language.map_prompts.model import (
    MAPS,
    MapPrompted,
    load_prompted,
    prompted_fingerprint,
    save_prompted,
)
from specsight.language.pointing import pointer
from specsight.language.pointing.saved import load_pointing, pointing_fingerprint
from specsight.learning import processes
from specsight.learning.history import LOG, write_entry
from specsight.recipes.anomalygpt.batches import MapBatchMaker
from specsight.recipes.anomalygpt.recipe import AnomalyGptRecipe
from specsight.recipes.anomalygpt.references import references_of
from specsight.recipes.anomalygpt.task import PromptTask
from specsight.recipes.language.gallery import Gallery
from specsight.recipes.language.task import joint_projection
from specsight.recipes.run import run_folder, train_task
from specsight.storage import parse_json, read_text


def train(recipe: AnomalyGptRecipe, out: Path, run: Path, start: str = pointer.BUNDLED) -> Path:
    """Train the stage and export the model; returns its folder.

    Parameters: `run`: of `specsight train language`, its gallery finished; `start`: the language model that points
    with which it begins, "bundled" or a folder, or the folder of a model of this recipe that learns on.
    Interrupted anywhere, the same call goes on from the last checkpoint. Raises SpecsightError where there is no
    gallery, for a start that was trained beside another encoder, and for a checkpoint of another recipe in `out`.
    """
    folder = Path(pointer.__file__).parent / pointer.BUNDLED if start == pointer.BUNDLED else Path(start)
    good_kept = _good_kept(run)
    learns_on = (folder / MAPS).is_file()
    begins = prompted_fingerprint(folder) if learns_on else pointing_fingerprint(folder)
    recipe = replace(recipe, start=begins)
    with run_folder(out, recipe, recipe.options, {"prompts": recipe.prompts}) as device:
        encoder: Encoder = load_encoder(recipe.encoder, "cpu")
        torch.manual_seed(recipe.options.seed)
        model, language_model = begun(folder, encoder, device)
        makers = [_maker(recipe, run, name, good_kept, model, encoder) for name in ("train", "held-out")]
        task = PromptTask(recipe.prompts, model, encoder, *makers)
        history = train_task(task, recipe.prompts.schedule, recipe.options, out)
        if processes.rank() == 0:
            size = save_prompted(model, encoder, language_model, out / "model")
            write_entry(out / LOG, {"stage": "export", "step": history.steps, "bytes": size})
    return out / "model"


def begun(folder: Path, encoder: Encoder, device: torch.device) -> tuple[MapPrompted, str]:
    """The model at its beginning: heads stay as they are, words and eyes learn on; the coarsest level's map is that of
    the encoder's own patches, unless the folder is of this recipe. And the name of its language model.

    Raises SpecsightError for a language model that was trained beside another encoder, or that is adapted.
    """
    learns_on = (folder / MAPS).is_file()
    if learns_on:
        model, description = load_prompted(folder, device)
    else:
        speaker, description = load_pointing(folder, device)
        model = MapPrompted(speaker).to(device)
    description.check_encoder(f"'{folder}'", encoder, "begin with one of that encoder")
    if description.lora is not None:
        raise SpecsightError(f"'{folder}' holds adapters of another language model: begin with a whole one")
    projection = joint_projection(encoder)
    coarsest = cast("nn.Conv2d", model.decoder.levels[-1]).weight
    if not learns_on and projection is not None and projection.shape == coarsest.shape[:2]:
        with torch.no_grad():
            coarsest.copy_(projection[:, :, None, None])
    for module in (model.speaker.language, model.speaker.eyes, model.decoder, model.prompts):
        module.requires_grad_(True)
    return model, description.language_model


def _maker(
    recipe: AnomalyGptRecipe, run: Path, name: str, good_kept: float, model: MapPrompted, encoder: Encoder
) -> MapBatchMaker:
    gallery = Gallery.read(run / "gallery" / name, encoder.default_layers)
    references = references_of(gallery, run / "line" / name / "benchmark", good_kept)
    return MapBatchMaker(gallery, model.speaker.layout, recipe.prompts, references)


def _good_kept(run: Path) -> float:
    """The share of good tyres that a run's gallery kept."""
    path = run / "recipe.json"
    try:
        return float(dict(parse_json(read_text(path)))["gallery"]["good_kept"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SpecsightError(
            f"'{run}' is no run of 'specsight train language': give the --out of one"
        ) from error
