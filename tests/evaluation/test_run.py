"""Evaluation end to end on a small synthetic product: numbers that can be checked, runs that can be killed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from tests.support.synthetic_run import make_dataset

from specsight import images
from specsight.errors import SpecsightError
from specsight.evaluation import evaluate
from specsight.report.page import render
from specsight.runs.folder import RunFolder
from specsight.storage import only_writer

SMALL: dict[str, Any] = {"resolution": 64, "resamples": 50, "detector": "patchcore", "encoder": "filters"}


def metrics_of(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "metrics.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(data, run folder) of an uninterrupted run under two seeds."""
    base = tmp_path_factory.mktemp("finished")
    data = make_dataset(base)
    return data, evaluate(data, out=base / "run", seeds=(0, 1), **SMALL).folder


def test_numbers_agree_with_an_independent_count(finished: tuple[Path, Path]) -> None:
    run, numbers = RunFolder(finished[1]), metrics_of(finished[1])
    for seed in (0, 1):
        predictions = run.predictions(seed)
        labels = [p.label == "defective" for p in predictions]
        scores = [p.inspection.score for p in predictions]
        assert numbers["image_auroc"]["seeds"][seed] == pytest.approx(roc_auc_score(labels, scores))
        assert numbers["image_ap"]["seeds"][seed] == pytest.approx(average_precision_score(labels, scores))
        masks = np.concatenate([images.anomaly_mask(p.sample(run.data), p.size).ravel() for p in predictions])
        pixels = np.concatenate([run.map(p).ravel() for p in predictions])
        assert numbers["pixel_auroc"]["seeds"][seed] == pytest.approx(roc_auc_score(masks, pixels))
        rejected = [p.inspection.verdict == "reject" for p in predictions if p.label == "defective"]
        assert numbers["detection_rate"]["seeds"][seed] == pytest.approx(np.mean(rejected))


def test_every_number_has_value_interval_and_deviation_over_seeds(finished: tuple[Path, Path]) -> None:
    numbers = metrics_of(finished[1])
    for name in ("image_auroc", "pixel_auroc", "pixel_ap", "aupro_30", "aupro_05", "iou", "detection_rate"):
        metric = numbers[name]
        assert metric["low"] <= metric["high"]
        assert metric["n_seeds"] == 2
        assert metric["value"] == pytest.approx(np.mean(metric["seeds"]))
        assert metric["sd"] == pytest.approx(np.std(metric["seeds"], ddof=1))
    assert numbers["image_f1_max"]["oracle"]
    assert "oracle" not in numbers["image_auroc"]


def test_the_protocol_says_what_was_learned_from_and_that_nothing_was_tuned(
    finished: tuple[Path, Path],
) -> None:
    protocol = metrics_of(finished[1])["protocol"]
    assert (
        "14 good pictures learned from, each judged unseen in one of 5 folds, 14 tested" in protocol["line"]
    )
    assert "nothing tuned on test data" in protocol["line"]
    assert protocol["details"]["Seeds"] == "0, 1"
    assert "from good pictures in folds: with 14 good parts in 5 folds" in protocol["details"]["Threshold"]
    assert protocol["details"]["Folds"].startswith(
        "5: each good picture was judged by a detector that had not"
    )
    assert "Held out" not in protocol["details"]
    assert protocol["fingerprint"][:8] in protocol["line"]


def test_tables_by_type_agree_as_csv_and_json(finished: tuple[Path, Path]) -> None:
    table = metrics_of(finished[1])["per_type"]
    with (finished[1] / "per_type.csv").open(encoding="utf-8") as file:
        rows = {row["type"]: row for row in csv.DictReader(file)}
    assert list(rows) == list(table) == ["good", "contamination", "scratch"]
    assert {t: int(r["support"]) for t, r in rows.items()} == {"good": 6, "contamination": 4, "scratch": 4}
    assert float(rows["scratch"]["pixel_auroc"]) == table["scratch"]["pixel_auroc"]
    assert rows["good"]["image_auroc"] == ""
    assert table["good"]["image_auroc"] is None


def test_the_environment_holds_no_path(finished: tuple[Path, Path]) -> None:
    text = (finished[1] / "environment.json").read_text("utf-8")
    assert str(Path.home()) not in text
    assert str(finished[0].parent) not in text
    assert json.loads(text)["libraries"]["numpy"] == np.__version__


def test_a_finished_run_started_again_judges_nothing_and_says_the_same(finished: tuple[Path, Path]) -> None:
    data, run = finished
    before, lines = metrics_of(run), (run / "predictions.jsonl").read_bytes()
    evaluate(data, out=run, seeds=(0, 1), **SMALL)
    assert (run / "predictions.jsonl").read_bytes() == lines
    assert _without_times(metrics_of(run)) == _without_times(before)


def test_another_configuration_is_refused(finished: tuple[Path, Path]) -> None:
    with pytest.raises(SpecsightError, match=r"seeds = \[0, 1\], not \[0\]"):
        evaluate(finished[0], out=finished[1], seeds=(0,), **SMALL)


def test_a_specification_that_has_changed_is_refused(finished: tuple[Path, Path], tmp_path: Path) -> None:
    words, run = tmp_path / "words.yaml", tmp_path / "run"
    words.write_text("product: plate\nmm_per_px: 1.0\n")
    evaluate(finished[0], out=run, specification=words, **SMALL)
    words.write_text("product: plate\nmm_per_px: 0.001\n")
    with pytest.raises(SpecsightError, match=r"words\.yaml' has changed since the run in .* began"):
        evaluate(finished[0], out=run, specification=words, **SMALL)


def test_a_second_process_is_refused(finished: tuple[Path, Path]) -> None:
    data, run = finished
    with only_writer(run), pytest.raises(SpecsightError, match="in use by another process"):
        evaluate(data, out=run, seeds=(0, 1), **SMALL)


KILLED = """
import sys
from pathlib import Path
from specsight.evaluation import evaluate
from specsight.runs import judging
from specsight.runs.folder import RunFolder
import os, signal
write, left = RunFolder._append, int(sys.argv[3])
def then_die(self, name, line):
    global left
    left -= 1
    if left == 0:
        with (self.path / name).open("ab") as file:
            file.write(b'{"id": "half a li')
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, name, line)
RunFolder._append = then_die
evaluate(sys.argv[1], out=sys.argv[2], seeds=(0, 1), resolution=64, resamples=50, encoder="filters")
"""


@pytest.mark.long
@pytest.mark.parametrize("finished_before", [4, 17])
def test_killed_in_the_middle_it_goes_on_to_the_same_numbers(
    finished: tuple[Path, Path], tmp_path: Path, finished_before: int
) -> None:
    data, uninterrupted = finished
    run = tmp_path / "run"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(data), str(run), str(finished_before)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    finished_predictions = RunFolder(run).predictions()
    assert len(finished_predictions) == finished_before - 1
    fitted = (run / "models" / "0" / "detector.json").stat().st_mtime_ns
    evaluate(data, out=run, seeds=(0, 1), **SMALL)
    assert (run / "models" / "0" / "detector.json").stat().st_mtime_ns == fitted
    assert RunFolder(run).predictions()[: len(finished_predictions)] == finished_predictions
    assert _without_times(metrics_of(run)) == _without_times(metrics_of(uninterrupted))


@pytest.mark.long
def test_killed_from_outside_at_any_moment_it_goes_on(finished: tuple[Path, Path], tmp_path: Path) -> None:
    data, uninterrupted = finished
    run = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(data), str(run), "10000"])
    lines = run / "predictions.jsonl"
    while process.poll() is None and not (lines.exists() and lines.stat().st_size > 3000):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    evaluate(data, out=run, seeds=(0, 1), **SMALL)
    assert _without_times(metrics_of(run)) == _without_times(metrics_of(uninterrupted))


def test_unreadable_pictures_are_skipped_and_wrong_masks_left_out_until_they_are_mended(
    tmp_path: Path,
) -> None:
    data = make_dataset(tmp_path)
    content = (data / "test" / "good" / "001.png").read_bytes()
    (data / "test" / "good" / "001.png").write_bytes(b"")
    (data / "train" / "good" / "003.png").write_text("not a picture")
    mask = data / "ground_truth" / "scratch" / "002_mask.png"
    right = mask.read_bytes()
    mask.write_bytes(
        (make_dataset(tmp_path, "other", size=48) / "ground_truth/scratch/002_mask.png").read_bytes()
    )
    run = evaluate(data, out=tmp_path / "run", **SMALL).folder
    skipped = {s.image: s for s in RunFolder(run).skipped()}
    assert set(skipped) == {"test/good/001.png", "train/good/003.png"}
    assert skipped["train/good/003.png"].stage == "fit"
    assert metrics_of(run)["counts"]["pictures"] == 13
    (note,) = metrics_of(run)["notes"]
    assert "12 of 13 pictures: the mask of 1 cannot be used" in note
    assert "48 x 48" in note
    (data / "test" / "good" / "001.png").write_bytes(content)
    mask.write_bytes(right)
    evaluate(data, out=run, **SMALL)
    assert [s.image for s in RunFolder(run).skipped()] == ["train/good/003.png"]
    assert metrics_of(run)["counts"]["pictures"] == 14
    assert "notes" not in metrics_of(run)


def test_several_products_get_a_run_each_and_an_unweighted_mean(tmp_path: Path) -> None:
    make_dataset(tmp_path / "set", "plate", good=4)
    make_dataset(tmp_path / "set", "disc", good=2, defective=4)
    run = evaluate(tmp_path / "set", out=tmp_path / "run", **SMALL).folder
    numbers = metrics_of(run)
    each = {name: metrics_of(run / one["folder"]) for name, one in numbers["products"].items()}
    assert set(each) == {"plate", "disc"}
    expected = np.mean([one["pixel_auroc"]["value"] for one in each.values()])
    assert numbers["pixel_auroc"]["value"] == pytest.approx(expected)
    assert numbers["pixel_auroc"]["n_products"] == 2


def test_few_shots_learn_from_exactly_that_many_and_calibrate_on_others(tmp_path: Path) -> None:
    data = make_dataset(tmp_path)
    run = evaluate(data, shots=2, out=tmp_path / "run", **SMALL).folder
    fit = json.loads((run / "fits.json").read_text())["0"]
    assert (fit["learned"], fit["held_out"]) == (2, 12)
    assert "2-shot: 2 good pictures learned from, 12 held out" in metrics_of(run)["protocol"]["line"]
    alone = evaluate(data, shots=2, holdout=0, out=tmp_path / "alone", **SMALL).folder
    fit = json.loads((alone / "fits.json").read_text())["0"]
    assert (fit["learned"], fit["held_out"], fit["calibration"]) == (2, 0, None)
    with pytest.raises(SpecsightError, match="99 shots were asked for, but there are 14"):
        evaluate(data, out=tmp_path / "other", shots=99, **SMALL)


def test_copies_are_counted_as_parts_wherever_pictures_are(tmp_path: Path) -> None:
    data = make_dataset(tmp_path)
    good = data / "train" / "good"
    for picture in list(good.iterdir()):
        shutil.copy(picture, good / f"{picture.stem}_again.png")
    run = evaluate(data, out=tmp_path / "run", **{**SMALL, "holdout": 4}).folder
    numbers = metrics_of(run)
    counted = "28 good pictures, 14 distinct parts: 20 (10 parts) learned from, 8 (4 parts) held out"
    assert counted in numbers["protocol"]["line"]
    assert numbers["protocol"]["details"]["Learned from"] == "20 good pictures of 10 parts"
    assert numbers["protocol"]["details"]["Held out"].startswith("8 good pictures of 4 parts, ")
    assert numbers["account"]["used"].startswith(
        "28 good pictures of 14 parts, learned from 20, held out 8, "
    )
    said = "28 pictures, 14 distinct parts: learned from 20 (10 parts), held out 8 (4 parts)"
    assert json.loads((run / "models" / "0" / "account.json").read_text())["used"] == said
    assert json.loads((run / "fits.json").read_text())["0"]["learned_from"] == said
    assert counted in render(run).read_text()


def test_metrics_at_a_stated_map_size(tmp_path: Path) -> None:
    data = make_dataset(tmp_path)
    run = evaluate(data, map_size=32, out=tmp_path / "run", **SMALL).folder
    assert RunFolder(run).predictions()[0].size == (64, 64)
    assert "32 px" in metrics_of(run)["protocol"]["details"]["Maps measured"]
    assert 0.5 < metrics_of(run)["pixel_auroc"]["value"] <= 1


@pytest.mark.parametrize("emptied", ["train", "test"])
def test_data_without_what_it_takes_is_one_clear_line(tmp_path: Path, emptied: str) -> None:
    data = make_dataset(tmp_path)
    for picture in (data / emptied).rglob("*.png"):
        picture.unlink()
    with pytest.raises(SpecsightError):
        evaluate(data, out=tmp_path / "run", **SMALL)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shots": -1}, "shots must be at least 0, got -1"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, 1)}, "different"),
        ({"false_reject_rate": 1.5}, "between 0 and 1, got 1.5"),
        ({"map_size": 0}, "map_size"),
        ({"train_specification": "other.yaml"}, "'other.yaml' describes another set, and none is named"),
        ({"train_on": "other"}, "patchcore: not trained across sets: leave --train-on out"),
    ],
)
def test_impossible_configurations_are_refused_at_once(
    wrong: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecsightError, match=words):
        evaluate("data", out=tmp_path / "run", **wrong)
    assert not (tmp_path / "run").exists()


def test_an_evaluation_holds_its_numbers(finished: tuple[Path, Path]) -> None:
    data, run = finished
    found = evaluate(data, out=run, seeds=(0, 1), **SMALL)
    numbers = metrics_of(run)
    assert found.folder == run
    assert found.numbers["image_auroc"] == numbers["image_auroc"]["value"]
    assert "per_type" not in found.numbers
    assert found.protocol == numbers["protocol"]["line"]


def _without_times(numbers: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in numbers.items() if k not in ("seconds", "peak_mb")}
