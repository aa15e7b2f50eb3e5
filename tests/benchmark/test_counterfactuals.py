"""Pictures whose defects are painted over, and what answers to them are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, strategies
from pycocotools import mask as coco
from tests.support.answered_benchmark import sample, verdict_item, write_benchmark, write_run

from specsight.benchmark.counterfactuals import make_counterfactuals
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Instance
from specsight.benchmark.scoring.scores import score_run
from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.explain.painting_over import equal_region, painted_over, widened

HEIGHT, WIDTH = 60, 90


def instance(mask: np.ndarray) -> Instance:
    encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return Instance(
        type_raw="spot", type="spot", box=(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1),
        area_px=int(mask.sum()), area_share=float(mask.mean()), centroid=(float(columns.mean()), float(rows.mean())),
        cells=("top left",), length_px=9, rle={"size": encoded["size"], "counts": encoded["counts"].decode()},
    )  # fmt: skip


def spot(top: int, left: int, side: int = 8) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.fixture
def bench(tmp_path: Path) -> Benchmark:
    """Four defective pictures with bright spots, one that is mostly spot, one with a box alone, and a good one."""
    folder = tmp_path / "bench"
    folder.mkdir()
    samples: list[BenchmarkSample] = [
        sample("good", width=WIDTH, height=HEIGHT),
        sample("learned", width=WIDTH, height=HEIGHT, split="train"),
        sample("gone", width=WIDTH, height=HEIGHT - 1, split="train"),
    ]
    cv2.imwrite(str(folder / "learned.png"), np.full((HEIGHT, WIDTH, 3), 100, np.uint8))
    masks = {f"d{k}": spot(5 + 10 * k, 10 + 5 * k) for k in range(4)} | {"large": spot(0, 0, 50)}
    for name, mask in masks.items():
        rgb = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        rgb[mask] = 250
        cv2.imwrite(str(folder / f"{name}.png"), rgb)
        defects = (instance(mask),)
        samples.append(sample(name, label="defective", width=WIDTH, height=HEIGHT, instances=defects))
    samples.append(sample("box", label="defective", width=WIDTH, height=HEIGHT, masks_known=False))
    items = [
        verdict_item(f"{s.id}/a", s.id, "accept" if s.label == "good" else "reject")
        for s in samples
        if s.split == "test"
    ]
    return write_benchmark(folder, sorted(samples, key=lambda s: s.id), items)


def striped(shift: int = 0) -> np.ndarray:
    """Stripes eight pixels wide."""
    columns = 60 + 80 * ((np.arange(WIDTH) + shift) // 8 % 2)
    return np.repeat(np.tile(columns, (HEIGHT, 1))[..., None], 3, axis=2).astype(np.uint8)


def test_a_patch_continues_the_pattern_around_it() -> None:
    rgb, mask = striped(), spot(20, 30)
    rgb[mask] = 250
    filled = painted_over(rgb, mask, mask)
    assert filled is not None
    assert np.abs(filled.astype(int) - striped()).max() <= 1


def test_a_patch_may_come_from_a_good_picture_that_lies_otherwise() -> None:
    """The picture itself is nearly all barred; the other one is brighter and lies five pixels to the left."""
    rgb, mask = striped(), spot(20, 30)
    rgb[mask] = 250
    barred = np.ones((HEIGHT, WIDTH), bool)
    barred[10:40, 20:50] = False
    assert painted_over(rgb, mask, barred) is None
    filled = painted_over(rgb, mask, barred, [striped(5) + 9])
    assert filled is not None
    assert np.abs(filled.astype(int) - striped()).max() <= 1


def test_of_an_aligned_picture_the_same_place_is_taken_and_the_rest_stays() -> None:
    rgb, mask = np.full((HEIGHT, WIDTH, 3), 100, np.uint8), spot(20, 30)
    pasted = painted_over(rgb, mask, mask, aligned=np.full_like(rgb, 110))
    assert pasted is not None
    assert (pasted[mask] == 110).all()
    assert (pasted[~widened(widened(mask))] == 100).all()


def test_what_nothing_looks_like_is_not_painted_over() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    assert painted_over(noise, spot(20, 30), spot(20, 30)) is None


@given(
    strategies.integers(0, 40),
    strategies.integers(0, 70),
    strategies.integers(1, 12),
    strategies.integers(0, 9),
)
def test_an_equal_region_has_its_size_and_does_not_touch_the_defect(
    top: int, left: int, side: int, seed: int
) -> None:
    mask = spot(top, left, side)
    moved = equal_region(mask, np.random.default_rng(seed))
    assert moved is not None
    assert moved.sum() == mask.sum()
    assert not np.any(widened(moved) & widened(mask))


def test_there_may_be_no_room() -> None:
    assert equal_region(spot(0, 0, 50), np.random.default_rng(0)) is None


def answered(made: Benchmark, folder: Path, answer: Any) -> dict[str, float | None]:
    """What `answer` of a picture's pixels says: whether it rejects."""
    answers = {}
    for item in made.items():
        rgb = cv2.imread(str(made.picture(item.images[0])))
        answers[item.id] = "A" if answer(rgb) else "B"
    scores = score_run(made, write_run(folder, made, answers), resamples=0)
    return {name: figure.value for name, figure in scores.figures.items()}


def test_who_sees_the_defect_flips_and_is_stable(bench: Benchmark, tmp_path: Path) -> None:
    made = make_counterfactuals(bench, tmp_path / "cf")
    assert made.pictures == 4
    assert sorted(made.left_out.values()) == [1, 1, 1]
    seeing = answered(made.benchmark, tmp_path / "seeing", lambda rgb: rgb.max() > 200)
    assert (seeing["counterfactual/flip"], seeing["counterfactual/stability"]) == (1.0, 1.0)
    assert seeing["scenario/counterfactual/removed"] == 1.0
    blind = answered(made.benchmark, tmp_path / "blind", lambda _: True)
    assert (blind["counterfactual/flip"], blind["counterfactual/stability"]) == (0.0, 1.0)
    assert "accuracy" not in seeing


def test_samples_and_items_say_what_their_pictures_are(bench: Benchmark, tmp_path: Path) -> None:
    made = make_counterfactuals(bench, tmp_path / "cf", limit=2).benchmark
    samples = {one.id: one for one in made.samples()}
    learned = samples.pop("learned")
    assert learned.split == "train"
    assert made.picture(learned.image).read_bytes() == (bench.folder / "learned.png").read_bytes()
    assert len(samples) == 6
    assert made.manifest.counts == {"samples": 7, "items": 6, "items/anomaly": 6}
    for item in made.items():
        one, removed = samples[item.sample], item.scenario == "counterfactual/removed"
        assert one.label == ("good" if removed else "defective")
        assert bool(one.instances) is not removed
        assert item.answer == ("B" if removed else "A")
        assert item.slots.decision == ("accept" if removed else "reject")
        assert made.picture(one.image).is_file()
    assert len({one.group for one in samples.values()}) == 2


def test_the_same_seed_makes_the_same_bytes(bench: Benchmark, tmp_path: Path) -> None:
    folders = [make_counterfactuals(bench, tmp_path / name).benchmark.folder for name in ("a", "b")]
    contents = [{p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 3 + 12 + 1


def test_a_benchmark_without_such_pictures_is_refused(tmp_path: Path) -> None:
    bench = write_benchmark(tmp_path / "bench", [sample("g")], [verdict_item("g/a", "g", "accept")])
    with pytest.raises(SpecsightError, match="no picture to paint"):
        make_counterfactuals(bench, tmp_path / "cf")


def test_the_verb(bench: Benchmark, tmp_path: Path) -> None:
    arguments = [
        "benchmark",
        "counterfactuals",
        str(bench.folder),
        "-o",
        str(tmp_path / "cf"),
        "--limit",
        "3",
    ]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "3 pictures, each with two edits" in result.output
    again = CliRunner().invoke(cli, arguments)
    assert isinstance(again.exception, SpecsightError)
    assert "not empty" in str(again.exception)
