"""`specsight train language`: a language model that points, stage by stage, resumable at every checkpoint.

In: a recipe, photographs. Out: a run folder with the gallery, `recipe.json`, checkpoints, `log.jsonl` and, after the
last stage, `model/`, which `load_pointing` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from specsight.benchmark.build import BuildPlan, build_benchmark
from specsight.benchmark.splits import SplitPlan
from specsight.checkpoints import load_config
from specsight.datasets import load_dataset
from specsight.encoders import Encoder, load_encoder
from specsight.errors import SpecsightError, did_you_mean, require
from specsight.language.pointing.adapters import adapted, base_folder, load_base
from specsight.language.pointing.model import PointingModel, Shape
from specsight.language.pointing.saved import (
    LANGUAGE,
    load_pointing,
    pointing_fingerprint,
    read_description,
    save_pointing,
)
from specsight.language.pointing.tokens import WHAT, add_tokens
from specsight.learning import processes
from specsight.learning.checkpoint import load_modules
from specsight.learning.history import LOG, write_entry
from specsight.recipes.encoder.scene_examples import TYPES, SceneExamples
from specsight.recipes.language.gallery import Gallery, Plan, make_gallery
from specsight.recipes.language.pictures import LinePictures, ScenePictures
from specsight.recipes.language.recipe import BUNDLED, BundledShape, LanguageRecipe
from specsight.recipes.language.task import SpeakingTask
from specsight.recipes.language.texts import texts
from specsight.recipes.language.tokenizer import build_tokenizer
from specsight.recipes.run import run_folder, train_task, workers_of
from specsight.storage import parse_json, read_text
from specsight.synthetic.scenes.photographs import Photographs
from specsight.synthetic.scenes.tyre_pictures import TyrePictures
from specsight.synthetic.tyres import generate
from specsight.synthetic.tyres.invented import PICTURES_PER_MODEL as MODEL

STAGES = ("gallery", "align", "instruct", "export")
GOING_ON = ("gallery", "instruct", "export")
"""Stages of a training that goes on from a language model of this recipe."""
HELD_OUT_SEED = 14_114


def train(
    recipe: LanguageRecipe,
    out: Path,
    photographs: Path,
    stages: Sequence[str] = STAGES,
    start: Path | None = None,
) -> Path:
    """Go through those of `stages` that are not finished yet, in order; returns the folder of the exported model.

    `start`: a finished model; heads and visual tokens begin with what of its weights has their shapes. Where its
    language model is one that this recipe makes from scratch, of the same shape, that learns on too, with its own
    tokenizer, and has no captions to learn from first (see `LanguageRecipe.going_on`). Interrupted anywhere, the same
    call goes on from the last checkpoint. Raises SpecsightError for an unknown stage, for photographs that cannot be
    used, for a `start` beside another encoder, and for checkpoints of another recipe in `out`.
    """
    for name in stages:
        if name not in STAGES:
            raise SpecsightError(f"unknown training stage '{name}': {did_you_mean(name, STAGES)}")
    # Mistakes are told before hours of rendering.
    for held_out in (False, True):
        Photographs(photographs, held_out).check()
    if recipe.language_model != BUNDLED:
        load_config(base_folder(recipe.language_model), recipe.language_model, WHAT)
        require("peft", "smollm2")
    known: Sequence[str] = STAGES
    if start is not None:
        recipe = replace(recipe, start=_start_of(start, recipe.encoder))
        if speaks(start, recipe):
            recipe, known = recipe.going_on(), GOING_ON
    stages = [name for name in stages if name in known]
    parts = {name: part for name, part in recipe.parts.items() if name in known}
    with run_folder(out, recipe, recipe.options, parts) as device:
        run = _Run(recipe, out, photographs, device, start)
        for name in stages:
            torch.manual_seed(recipe.options.seed)
            run.stage(name)
            processes.meet()
    return out / "model"


def speaks(start: Path, recipe: LanguageRecipe) -> bool:
    """Whether a finished model's language model is what `recipe` would make from scratch: of its own kind and shape."""
    if recipe.language_model != BUNDLED or read_description(start).language_model != BUNDLED:
        return False
    made, found = language_config(recipe.bundled), parse_json(read_text(start / LANGUAGE / "config.json"))
    return all(found.get(name) == value for name, value in made.items())


def _start_of(start: Path, encoder: str) -> str:
    """The fingerprint of a finished model, which must have been trained beside `encoder`."""
    described = read_description(start)
    described.check_encoder(
        f"'{start}'",
        load_encoder(encoder, "cpu"),
        "its heads know nothing of that one; choose its own with --encoder, or leave --start out",
    )
    return pointing_fingerprint(start)


class _Run:
    """A recipe, its folder and its sources."""

    def __init__(
        self, recipe: LanguageRecipe, out: Path, photographs: Path, device: torch.device, start: Path | None
    ) -> None:
        self.start = start
        self.recipe, self.out, self.photographs, self.device = recipe, out, photographs, device
        self.encoder: Encoder = load_encoder(recipe.encoder, "cpu")
        self._model: PointingModel | None = None

    def stage(self, name: str) -> None:
        """Carry out one stage; it begins with the weights in the checkpoint of the one before it."""
        if name == "gallery":
            with processes.first_process_first():
                self._gallery()
        elif name == "export":
            if processes.rank() == 0:
                self._export()
        else:
            self._train(name)

    def _gallery(self) -> None:
        gallery = self.recipe.gallery
        stride = min(self.encoder.layer(layer).stride for layer in self.encoder.default_layers)
        workers = workers_of(self.recipe.options) + 1
        held_out = -(-gallery.held_out // MODEL) * MODEL
        for name, tyres, scenes, seed, unseen in (
            ("train", gallery.tyres, gallery.scenes, gallery.seed, False),
            ("held-out", held_out, gallery.held_out, HELD_OUT_SEED, True),
        ):
            line = self._line(name, tyres, seed, workers)
            pictures = LinePictures(line, gallery.good_kept, stride)
            share = gallery.shares["tyre"]
            count = round(scenes * share)
            # Held-out tyres begin with a model of their own.
            first = -(-round(gallery.scenes * share) // MODEL) * MODEL if unseen else 0
            drawn = TyrePictures(
                self.out / "tyres", first, first + count, gallery.side, TYPES, workers=workers, invented=True
            )
            examples = SceneExamples(Photographs(self.photographs, held_out=unseen), drawn, gallery.shares)
            shown = ScenePictures(examples, seed, gallery.side, stride)
            plan = Plan(
                self.recipe.encoder,
                (("line", pictures, len(pictures)), ("scenes", shown, scenes)),
                {
                    "tyres": tyres,
                    "scenes": scenes,
                    "seed": seed,
                    "side": gallery.side,
                    "shares": gallery.shares,
                },
            )
            make_gallery(self.out / "gallery" / name, plan, workers)

    def _line(self, name: str, count: int, seed: int, workers: int) -> Path:
        """A benchmark of the tyre line, rendered and built once."""
        folder = self.out / "line" / name
        made = generate(
            folder / "data", count, seed, self.recipe.gallery.side, model="invented", workers=workers
        )
        benchmark = folder / "benchmark"
        if not benchmark.exists():
            plan = BuildPlan(
                name=f"tyre line, {name}",
                specification=folder / "data" / "specification.yaml",
                splits=SplitPlan(),
                licence="Apache-2.0 (synthetic pictures of this package)",
            )
            build_benchmark(load_dataset(made.manifest), benchmark, plan)
        return benchmark

    def _train(self, name: str) -> None:
        part = self.recipe.parts[name]
        model = self._built()
        task = SpeakingTask(name, part, model, self.encoder, self._read("train"), self._read("held-out"))
        if name == "instruct" and not self._goes_on:
            self._require("align", task)
        train_task(task, part.schedule, self.recipe.options, self.out)

    def _export(self) -> None:
        model = self._built()
        task = SpeakingTask(
            "instruct", self.recipe.instruct, model, self.encoder, self._read("train"), self._read("held-out")
        )
        step = self._require("instruct", task)
        lora = None if self.recipe.language_model == BUNDLED else self.recipe.lora
        size = save_pointing(model, self.encoder, self.recipe.language_model, lora, self.out / "model")
        write_entry(self.out / LOG, {"stage": "export", "step": step, "bytes": size})

    def _read(self, name: str) -> Gallery:
        return Gallery.read(self.out / "gallery" / name, self.encoder.default_layers)

    def _built(self) -> PointingModel:
        """The model at its beginning; the same one for the same seed. Built once: stages go on with it."""
        if self._model is None:
            torch.manual_seed(self.recipe.options.seed)
            other = None if self.start is None else load_pointing(self.start, self.device)[0]
            language, tokenizer = self._language(other)
            shape = shape_of(self.encoder, self.recipe.width)
            self._model = PointingModel(language, tokenizer, shape).to(self.device)
            if other is not None:
                begin_with(self._model, other)
        return self._model

    @property
    def _goes_on(self) -> bool:
        """Whether the language model is that of `start`."""
        return self.start is not None and speaks(self.start, self.recipe)

    def _language(self, other: PointingModel | None) -> tuple[Any, Any]:
        if other is not None and self._goes_on:
            return other.language.train().requires_grad_(True), other.layout.tokenizer
        if self.recipe.language_model == BUNDLED:
            return bundled_language(self.recipe, texts(self._read("train").entries))
        base, tokenizer = load_base(base_folder(self.recipe.language_model))
        return adapted(base, tokenizer, self.recipe.lora), tokenizer

    def _require(self, stage: str, task: SpeakingTask) -> int:
        step = load_modules(self.out / f"{stage}.safetensors", task.modules)
        if not step:
            raise SpecsightError(f"'{self.out}' has no checkpoint of stage '{stage}': train that stage first")
        return step


def begin_with(model: PointingModel, other: PointingModel) -> None:
    """Give heads and visual tokens the other model's weights, as far as names and shapes agree."""
    for module, finished in ((model.heads, other.heads), (model.eyes, other.eyes)):
        theirs = finished.state_dict()
        own = {
            name: theirs[name] if name in theirs and theirs[name].shape == tensor.shape else tensor
            for name, tensor in module.state_dict().items()
        }
        module.load_state_dict(own)


def shape_of(encoder: Encoder, width: int) -> Shape:
    """The shape of heads over an encoder's default layers."""
    layers = sorted((encoder.layer(name) for name in encoder.default_layers), key=lambda one: one.stride)
    joint = encoder.embed_texts(["a part"]).shape[1] if encoder.reads else 0
    return Shape(tuple(layer.channels for layer in layers), joint, width)


def language_config(shape: BundledShape) -> dict[str, Any]:
    """What of the bundled language model's `config.json` follows from its shape, whatever its architecture."""
    return {
        "model_type": shape.architecture,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "max_position_embeddings": shape.longest,
    }


def bundled_language(recipe: LanguageRecipe, corpus: Sequence[str]) -> tuple[Any, Any]:
    """A causal language model at random, and its tokenizer with all tokens."""
    import transformers

    tokenizer = build_tokenizer(corpus, recipe.bundled.pieces, recipe.bundled.longest)
    config = transformers.AutoConfig.for_model(
        **language_config(recipe.bundled),
        vocab_size=len(tokenizer),
        num_key_value_heads=recipe.bundled.key_heads,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="sdpa",
    )
    model = transformers.AutoModelForCausalLM.from_config(config)
    add_tokens(tokenizer, model)
    return model, tokenizer
