"""`specsight train fusion`: the head that reads deviations and obeys clauses, resumable at every checkpoint.

In: a recipe, photographs. Out: a run folder with tyre sets, episodes, `recipe.json`, a checkpoint, `log.jsonl` and
`head/`, which `HeadRunner.load` reads.
"""

from __future__ import annotations

from pathlib import Path

import torch

from specsight.detectors.fusion.head import FusionHead, HeadShape
from specsight.detectors.fusion.runner import DESCRIPTION, FORMAT, WEIGHTS
from specsight.detectors.fusion.tokens import NAMES, WIDTH
from specsight.encoders import Encoder, load_encoder
from specsight.learning import processes
from specsight.learning.history import LOG, write_entry
from specsight.recipes.fusion.batches import EpisodeMaker, read_episodes
from specsight.recipes.fusion.episodes import SIDE, make_episodes
from specsight.recipes.fusion.recipe import FusionRecipe, HeadStage
from specsight.recipes.fusion.task import HeadTask
from specsight.recipes.fusion.truth import Episode
from specsight.recipes.run import run_folder, train_task, workers_of
from specsight.storage import whole_folder, write_json
from specsight.synthetic.scenes.photographs import Photographs
from specsight.synthetic.tyres import generate
from specsight.synthetic.tyres.geometry import ZONES
from specsight.synthetic.tyres.invented import INVENTED, PICTURES_PER_MODEL


def train(recipe: FusionRecipe, out: Path, photographs: Path) -> Path:
    """Make what episodes are missing, train the head, and export it; returns its folder.

    Interrupted anywhere, the same call goes on. Raises SpecsightError for photographs that cannot be used, and for a
    checkpoint or tyre sets of another recipe in `out`.
    """
    with run_folder(out, recipe, recipe.options, {"head": recipe.head}):
        encoder = load_encoder(recipe.encoder, "cpu")
        with processes.first_process_first():
            _gallery(recipe, out, Photographs(photographs), encoder)
        episodes = read_episodes(out / "episodes")
        torch.manual_seed(recipe.options.seed)
        head = FusionHead(HeadShape(WIDTH, words=episodes[0].vectors.shape[1]))
        every = recipe.episodes.held_out_every
        makers = [
            _maker(recipe.head, [one for k, one in enumerate(episodes) if (k % every == every - 1) == unseen])
            for unseen in (False, True)
        ]
        history = train_task(HeadTask(recipe.head, head, *makers), recipe.head.schedule, recipe.options, out)
        if processes.rank() == 0:
            size = save_head(head, encoder, out / "head")
            write_entry(out / LOG, {"stage": "export", "step": history.steps, "bytes": size})
    return out / "head"


def save_head(head: FusionHead, encoder: Encoder, folder: Path) -> int:
    """Write a head's folder; returns the bytes of its weights."""
    from dataclasses import asdict

    from safetensors.torch import save_file

    with whole_folder(folder, replace=True) as temporary:
        write_json(
            temporary / DESCRIPTION,
            {
                "format": FORMAT,
                "encoder": encoder.fingerprint,
                "shape": asdict(head.shape),
                "tokens": list(NAMES),
            },
        )
        save_file(
            {name: tensor.half().contiguous() for name, tensor in head.state_dict().items()},
            temporary / WEIGHTS,
        )
        (temporary / WEIGHTS).chmod(0o644)
    return (folder / WEIGHTS).stat().st_size


def _gallery(recipe: FusionRecipe, out: Path, photographs: Photographs, encoder: Encoder) -> None:
    plan = recipe.episodes
    lines = [out / "line" / zone for zone in ZONES]
    for zone, folder in zip(ZONES, lines):
        generate(
            folder,
            plan.models * PICTURES_PER_MODEL,
            plan.seed,
            SIDE,
            zones=(zone,),
            model=INVENTED,
            workers=workers_of(recipe.options) + 1,
        )
    make_episodes(out / "episodes", lines, photographs, (plan.models, plan.photographs), encoder, plan.seed)


def _maker(stage: HeadStage, episodes: list[Episode]) -> EpisodeMaker:
    return EpisodeMaker(
        episodes,
        stage.pictures,
        stage.clauses,
        stage.missing,
        stage.wordless,
        stressed=stage.stressed,
        silent=stage.silent,
    )
