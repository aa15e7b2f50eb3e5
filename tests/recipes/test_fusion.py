"""Episodes → batches: instructions whose truth is computed, and modalities that are missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the recipe needs the extra 'models'")

import torch

from specsight.detectors.fusion.head import KINDS, FusionHead, HeadShape
from specsight.detectors.fusion.runner import HeadRunner
from specsight.detectors.fusion.tokens import SLICES, WIDTH
from specsight.encoders import load_encoder
from specsight.learning import engine
from specsight.learning.schedule import Schedule
from specsight.recipes.fusion.batches import EpisodeMaker
from specsight.recipes.fusion.recipe import HeadStage
from specsight.recipes.fusion.shown import OF_DEPTH, STRESSORS, Shown, stressed
from specsight.recipes.fusion.task import HeadTask, passed
from specsight.recipes.fusion.train import save_head
from specsight.recipes.fusion.truth import Episode
from specsight.records import Picture

SIDE = 12


def episode(pictures: int = 8) -> Episode:
    """Every second picture shows a cut of 10 mm on the left part, in colour and depth; z-scores tell where."""
    rng = np.random.default_rng(0)
    tokens = rng.normal(0, 0.3, (pictures, WIDTH, SIDE, SIDE))
    for place in SLICES.values():
        tokens[:, place.stop - 1] = 1
    covers = np.zeros((pictures, 4, SIDE, SIDE), np.uint8)
    covers[1::2, 0, 3:6, 2:5] = 255
    for modality in ("rgb", "depth"):
        tokens[1::2, SLICES[modality].start, 3:6, 2:5] = 8
    parts = np.zeros((pictures, 2, SIDE, SIDE), np.uint8)
    parts[:, 0, :, : SIDE // 2], parts[:, 1, :, SIDE // 2 :] = 255, 255
    cut = {"type": "cut", "size_mm": 10.0, "part": "left", "visible": "rgb and depth"}
    entries: list[dict[str, Any]] = [
        {"defects": [cut] if k % 2 else [], "instructions": [], "stressor": ""} for k in range(pictures)
    ]
    about = {"types": ["cut", "stain", ""], "parts": ["left", "right"], "cell_mm": 3.0, "entries": entries}
    margins = np.zeros((pictures, 3, SIDE, SIDE), np.float16)
    none = np.zeros((pictures, SIDE, SIDE), np.bool_)
    vectors = np.eye(3, 16, dtype=np.float32)
    return Episode(tokens.astype(np.float16), margins, covers, parts, none, none, vectors, about)


def maker(**changes: Any) -> EpisodeMaker:
    given = {"pictures": 16, "clauses": 2, "missing": 0.0, "wordless": 0.0}
    return EpisodeMaker([episode()], **{**given, **changes})


def test_a_batch_is_a_function_of_seed_and_number() -> None:
    first, again, other = maker()(0, 3), maker()(0, 3), maker()(0, 4)
    assert torch.equal(first.tokens, again.tokens)
    assert torch.equal(first.obeyed, again.obeyed)
    assert not torch.equal(first.tokens, other.tokens)


def test_what_counts_under_an_instruction_follows_from_type_part_and_size() -> None:
    seen = set()
    for number in range(20):
        batch = maker(clauses=1)(1, number)
        for row in range(len(batch.tokens)):
            if not batch.target[row].any() or not batch.where[row].any():
                continue
            kind = KINDS[int(batch.kinds[row, 0])]
            names_cut = bool(batch.types[row, 0, 0])
            limit = float(batch.limits[row, 0])
            inside = batch.target[row] > 0
            acts = float(batch.where[row, 0][inside].mean()) > 0.5
            excused = {
                "scope": acts,
                "tolerance": names_cut and acts and (limit == 0 or limit >= 10),
                "only": not names_cut,
            }[kind]
            assert bool(batch.obeyed[row].any()) is not excused
            seen.add((kind, excused))
    assert seen == {(kind, excused) for kind in ("scope", "tolerance", "only") for excused in (False, True)}


def test_defects_that_the_rest_does_not_show_are_no_truth() -> None:
    one = episode()
    for entry in one.about["entries"]:
        for defect in entry["defects"]:
            defect["visible"] = "depth"
    lacking = EpisodeMaker([one], 16, 1, 0.0, 0.0, frozenset({"depth"}))(0, 0)
    assert not lacking.target.any()
    assert not lacking.known.all()
    assert not lacking.tokens[:, SLICES["depth"]].any()
    hidden = ~lacking.known.flatten(1).all(1)
    assert not lacking.certain[hidden].any()
    assert lacking.certain[~hidden].all()


def test_a_defect_that_colours_show_no_more_stays_true_in_depth() -> None:
    silent = maker(silent=1.0, silenced=("rgb",))(0, 0)
    plain = maker()(0, 0)
    assert torch.equal(silent.known, plain.known) or silent.target.any()
    found = silent.target > 0
    assert found.any()
    assert float(silent.tokens[:, SLICES["rgb"].start][found].abs().max()) < 3
    assert float(silent.tokens[:, SLICES["depth"].start][found].min()) > 7
    one = episode()
    for entry in one.about["entries"]:
        for defect in entry["defects"]:
            defect["visible"] = "rgb"
    lost = EpisodeMaker([one], 16, 1, 0.0, 0.0, silent=1.0, silenced=("rgb",))(0, 0)
    assert not lost.target.any()
    assert not lost.known.all()


def test_what_an_occluder_or_glare_hides_is_unknown() -> None:
    one = episode()
    behind = np.zeros_like(one.hidden)
    behind[:, :6] = True
    hidden = EpisodeMaker([replace(one, hidden=behind)], 16, 1, 0.0, 0.0)(0, 0)
    assert not hidden.target.any()
    assert not hidden.known.all(2).all(1).any()
    dazzled = EpisodeMaker([replace(one, blind=behind)], 16, 1, 0.0, 0.0)(0, 0)
    assert dazzled.target.any()
    assert dazzled.known.flatten(1).any(1).all()
    assert not (dazzled.tokens[:, SLICES["rgb"].stop - 1] > 0).all()


def test_stress_adds_no_defect_and_is_drawn_anew() -> None:
    rgb = np.full((64, 64, 3), 90, np.uint8)
    plain = Shown(Picture(rgb, depth=np.full((64, 64), 250, np.float32)), defects=({"type": "cut"},))
    many = [stressed(np.random.default_rng(seed), plain) for seed in range(40)]
    assert {one.stressor for one in many} == {*STRESSORS, *OF_DEPTH}
    assert all(one.defects == plain.defects for one in many)
    assert all((one.hidden is not None) == (one.stressor == "occlusion") for one in many)
    without = [stressed(np.random.default_rng(seed), Shown(Picture(rgb))) for seed in range(20)]
    assert not {one.stressor for one in without} & {*OF_DEPTH}


def test_a_head_learns_to_find_and_to_obey(tmp_path: Path) -> None:
    torch.manual_seed(0)
    head = FusionHead(HeadShape(WIDTH, width=16, words=16, pair=16))
    stage = HeadStage(Schedule(50, 1e-2, cooldown=0.5, validate_every=1000))
    engine.train(
        HeadTask(stage, head, maker(pictures=8), maker(pictures=2)), stage.schedule, seed=0, device="cpu"
    )
    batch = maker()(5, 5)
    with torch.no_grad():
        plain, _, obeyed = passed(head, batch)
    found, counts = batch.target > 0, batch.obeyed > 0
    assert plain[found].mean() > plain[~found].mean() + 3
    assert obeyed[counts].mean() > obeyed[found & ~counts].mean() + 1
    encoder = load_encoder("bundled", "cpu")
    save_head(head, encoder, tmp_path / "head")
    again = HeadRunner.load(str(tmp_path / "head"), encoder.fingerprint)
    assert again.reads
    assert not HeadRunner.load(str(tmp_path / "head"), "another").reads
