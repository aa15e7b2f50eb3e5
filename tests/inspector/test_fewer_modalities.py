"""Pictures that lack a modality: thresholds of their own, by which the promise on false rejects holds for them too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from specsight import images
from specsight.datasets import write_manifest
from specsight.detectors import Detector, View
from specsight.detectors.needs import Needs
from specsight.detectors.saving import State
from specsight.errors import UnreadableFile, WrongSize
from specsight.inspector import Inspector, saved
from specsight.inspector.fewer import sets_of
from specsight.inspector.thresholds import set_threshold
from specsight.records import Inspection, Judgement, Picture, Sample
from specsight.specification import Instruction, Specification

SIDE = 16
RATE = 0.1
HELD_OUT = 29
"""Parts that promise 10 % with 95 % confidence."""


@dataclass
class Levels(Detector):
    """Score: how far the mean of each modality lies above that of good parts, added up."""

    name = "levels"
    needs: ClassVar[Needs] = Needs(uses=("depth",))
    usual_: dict[str, float] = field(default_factory=dict)

    def _look(self, picture: Picture) -> View:
        found = {"rgb": picture.rgb.astype(np.float32).mean(), "depth": picture.depth}
        seen = {
            name: np.full((1, 1, 1), np.nanmean(np.asarray(found[name], np.float32)), np.float32)
            for name in sorted(picture.modalities)
        }
        return View(images.shorter_side(picture.rgb, 32)[1], seen)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        score = sum(float(one.item()) - self.usual_[name] for name, one in view.features.items())
        return Judgement(score, np.full(view.frame.native, score, np.float32))

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        seen: dict[str, list[float]] = {}
        for view in views:
            for name, one in view.features.items():
                seen.setdefault(name, []).append(float(one.item()))
        self.usual_ = {name: float(np.mean(values)) for name, values in seen.items()}

    def _state(self) -> State:
        return {}

    def _restore(self, state: State) -> None:
        self.usual_ = {}


MEANS, DEVIATIONS = {"rgb": 119.5, "depth": 300.0}, {"rgb": 20.0, "depth": 3.0}
"""Of the levels of good parts; bytes are rounded down."""


def good_part(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Colours whose brightness varies much from part to part, and depth that varies little."""
    rgb = rng.normal(120 + 20 * rng.normal(), 4, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
    return rgb, rng.normal(300 + 3 * rng.normal(), 1, (SIDE, SIDE)).astype(np.float32)


def samples(folder: Path, count: int, depth: bool, seed: int) -> list[Sample]:
    rng = np.random.default_rng(100 + seed)
    made = []
    for number in range(count):
        rgb, measured = good_part(rng)
        Image.fromarray(rgb).save(folder / f"{number}.png")
        np.save(folder / f"{number}.npy", measured)
        beside = folder / f"{number}.npy" if depth else None
        made.append(
            Sample(
                str(number), folder / f"{number}.png", "plate", label="good", group=str(number), depth=beside
            )
        )
    return made


def fitted(folder: Path, depth: bool = True, seed: int = 0, holdout: int = HELD_OUT) -> Inspector:
    good = samples(folder, holdout + 20, depth, seed)
    return Inspector.fit(good, detector=Levels(encoder="filters"), holdout=holdout, false_reject_rate=RATE)


def further(folder: Path, whole: int, flat: int, seed: int) -> Path:
    """A folder with further good parts: `whole` ones, and `flat` ones without depth."""
    made = []
    for name, count, depth in (("whole", whole, True), ("flat", flat, False)):
        (folder / name).mkdir(parents=True)
        own = samples(folder / name, count, depth, 1000 + 2 * seed + depth)
        made += [replace(one, id=f"{name}{one.id}", group=f"{name}{one.group}", split="train") for one in own]
    write_manifest(made, folder / "manifest.jsonl")
    return folder


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    return fitted(tmp_path_factory.mktemp("levels"))


def rate_of(inspector: Inspector, kept: set[str]) -> float:
    """Share of all good parts above the threshold of a set of modalities, which their distribution tells."""
    assert isinstance(inspector.detector, Levels)
    threshold = inspector.calibration
    if kept != inspector.modalities:
        threshold = next(one.calibration for one in inspector.fewer if one.modalities == kept)
    assert threshold is not None
    usual = sum(inspector.detector.usual_[name] - MEANS[name] for name in kept)
    deviation = math.sqrt(sum(DEVIATIONS[name] ** 2 for name in kept))
    return 0.5 * math.erfc((threshold.score_threshold + usual) / deviation / math.sqrt(2))


def test_good_parts_are_rejected_as_seldom_as_promised_whatever_is_missing(tmp_path: Path) -> None:
    """Monte Carlo: models of ten draws of good parts, each under every set. With 95 % confidence at most 10 % of good
    parts are rejected, so that more than two models of ten that reject more are as good as excluded."""
    rates: dict[str, list[float]] = {}
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        model = fitted(folder, seed=seed)
        for kept in ({"rgb", "depth"}, {"rgb"}, {"depth"}):
            rates.setdefault("+".join(sorted(kept)), []).append(rate_of(model, kept))
    for name, found in rates.items():
        assert sum(rate > RATE for rate in found) <= 2, (name, found)
        assert np.mean(found) < RATE, name


def test_further_good_parts_count_for_every_set_that_they_can_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Monte Carlo as above, six draws: 9 parts held out at the fit, 20 further whole ones and 20 without depth, which
    have no say in the threshold of whole pictures."""
    rates: dict[str, list[float]] = {}
    for seed in range(6):
        (tmp_path / str(seed)).mkdir()
        model = fitted(tmp_path / str(seed), seed=seed, holdout=9)
        folder = tmp_path / f"model{seed}"
        model.save(folder)
        monkeypatch.setattr(Inspector, "load", lambda *_, model=model: model)
        said = set_threshold(folder, good=further(tmp_path / f"further{seed}", 20, 20, seed))
        again = saved.read(folder)
        counts = {one.modalities: one.calibration.good_count for one in again.fewer}
        assert (said.after.good_count, counts) == (29, {frozenset({"rgb"}): 49, frozenset({"depth"}): 29})
        assert said.fewer == {
            "depth": again.fewer[1].calibration,
            "colours": again.fewer[0].calibration,
        }
        counted = replace(model, calibration=again.calibration, fewer=again.fewer)
        for kept in ({"rgb", "depth"}, {"rgb"}, {"depth"}):
            rates.setdefault("+".join(sorted(kept)), []).append(rate_of(counted, kept))
    for name, found in rates.items():
        assert sum(rate > RATE for rate in found) <= 1, (name, found)
        assert np.mean(found) < RATE, name


def test_a_further_part_counts_once(
    inspector: Inspector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    inspector.save(folder)
    flat = further(tmp_path / "further", 0, 3, 0)
    monkeypatch.setattr(Inspector, "load", lambda *_: inspector)
    first = set_threshold(folder, good=flat)
    assert (first.changed, first.after.good_count, first.fewer["depth"].good_count) == (
        True,
        HELD_OUT,
        HELD_OUT + 3,
    )
    monkeypatch.setattr(Inspector, "load", lambda *_: replace(inspector, fewer=saved.read(folder).fewer))
    again = set_threshold(folder, good=flat)
    assert again.account is not None
    assert (again.changed, again.account.used) == (False, "judged 0 further pictures of 0 good parts")


def test_the_threshold_of_whole_pictures_would_not_do(inspector: Inspector) -> None:
    """A part that is too high by five times what good parts vary is found by depth alone, by the threshold for that."""
    rgb, depth = good_part(np.random.default_rng(6))
    blind = inspector.inspect(np.zeros_like(rgb), depth=depth + 15)
    assert inspector.calibration is not None
    assert blind.verdict == "reject"
    assert blind.score < inspector.calibration.score_threshold


def test_the_decision_says_what_was_lost_and_what_is_promised_then(inspector: Inspector) -> None:
    rgb, depth = good_part(np.random.default_rng(7))
    whole = inspector.inspect(rgb, depth=depth)
    assert (whole.notes, whole.decision.promise) == ((), "")
    blind = inspector.inspect(np.zeros_like(rgb), depth=depth + 12)
    assert blind.verdict == "reject"
    promised = "at most 10 % false rejects with 95 % confidence"
    said = f"judged without colours: with {HELD_OUT} good parts, {promised}"
    assert blind.decision.promise == said
    assert said in blind.notes
    assert said in blind.statement
    assert (whole.to_json()["lost"], blind.to_json()["lost"]) == ([], ["rgb"])
    assert Inspection.from_json(blind.to_json()).lost == ("rgb",)
    flat = inspector.inspect(rgb)
    assert "there is no depth" in flat.notes
    assert flat.decision.promise.startswith("judged without depth: ")
    assert not flat.decision.by_map
    unknown = replace(inspector, fewer=()).inspect(rgb)
    assert unknown.decision.promise == ""
    assert any("is not known for such a picture" in note for note in unknown.notes)


def test_what_good_parts_did_not_have_is_ignored(tmp_path: Path) -> None:
    flat = fitted(tmp_path, depth=False)
    assert (flat.modalities, flat.fewer) == ({"rgb"}, ())
    rgb, depth = good_part(np.random.default_rng(8))
    seen, alone = flat.inspect(rgb, depth=depth), flat.inspect(rgb)
    assert (seen.score, seen.verdict) == (alone.score, alone.verdict)
    assert (seen.notes, alone.notes) == (
        ("depth is ignored: none of the good parts of this model had any, or too few",),
        (),
    )
    np.save(tmp_path / "alone.npy", depth)
    with pytest.raises(UnreadableFile, match="depth alone"):
        flat.look(Sample("a", tmp_path / "alone.npy", "plate", depth=tmp_path / "alone.npy"))


def test_depth_of_another_size_is_refused_however_it_is_given(inspector: Inspector, tmp_path: Path) -> None:
    rgb, depth = good_part(np.random.default_rng(9))
    np.save(tmp_path / "half.npy", depth[::2])
    Image.fromarray(rgb).save(tmp_path / "a.png")
    for given, beside in (
        (rgb, depth[::2]),
        (rgb, tmp_path / "half.npy"),
        (tmp_path / "a.png", tmp_path / "half.npy"),
    ):
        with pytest.raises(WrongSize, match=r"depth.* is 8 x 16 but its picture is 16 x 16"):
            inspector.look(given, depth=beside)


def test_thresholds_of_every_set_are_saved(inspector: Inspector, tmp_path: Path) -> None:
    kept = saved.Kept(**{name: getattr(inspector, name) for name in saved.Kept.__dataclass_fields__})
    saved.write(tmp_path, kept)
    again = saved.read(tmp_path)
    assert (again.modalities, again.fewer) == (inspector.modalities, inspector.fewer)


def test_sets_that_may_occur() -> None:
    assert list(sets_of(frozenset({"rgb", "depth"}))) == [{"depth"}, {"rgb"}]
    assert list(sets_of(frozenset({"rgb", "depth"}), needed=("depth",))) == [{"depth"}]
    assert len(list(sets_of(frozenset({"rgb", "depth", "ir"})))) == 6
    assert len(list(sets_of(frozenset({"rgb", "depth", "ir", "normals"})))) == 8
