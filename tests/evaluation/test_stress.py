"""Detectors under stress: one fit, a fixed threshold, every level once; what is hidden, and what is kept."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.support.stressed_plates import write_plates

from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.metrics import PixelTruth, gather, kept_area, measure, relative_drop
from specsight.runs.folder import RunFolder
from specsight.runs.stress_record import RECORD, StressRecord

STRESSORS = "occlusion,low_light,depth_dropout"


def run(data: Path, out: Path, *more: str) -> Result:
    arguments = ["evaluate", "--data", data, "--encoder", "filters", "--resolution", "64", "--resamples", "0"]
    arguments += ["--limit", "2", "--out", out, *more]
    return CliRunner().invoke(cli, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plates(tmp_path_factory.mktemp("set") / "plates")


@pytest.fixture(scope="module")
def finished(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    made = run(plates, out, "--stress", STRESSORS)
    assert made.exit_code == 0, made.output
    assert "good rejected" in made.output.replace("\n", " ") or "rejected" in made.output
    return out


def test_every_level_of_every_product_has_a_point(finished: Path) -> None:
    record = StressRecord.read(finished)
    levels = {"occlusion": [0, 5, 10, 20], "low_light": [0, 2, 2.75, 3.5], "depth_dropout": [0, 10, 30, 60]}
    for product in ("", "plate a", "plate b"):
        for name, expected in levels.items():
            points = [p for p in record.points if (p.product, p.stressor) == (product, name)]
            assert [point.level for point in points] == expected
            assert [point.level for point in points if point.middle] == [expected[2]]
    with (finished / "stress.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 36
    with (finished / "stress_summary.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 9
    assert "occlusion" in (finished / "stress.md").read_text().lower()


def test_clean_numbers_are_those_of_the_ordinary_run_and_the_mean_that_of_the_products(
    finished: Path,
) -> None:
    record = StressRecord.read(finished)
    clean = RunFolder(finished / "patchcore").metrics()
    for point in record.points:
        if point.level == 0 and not point.product:
            assert point.numbers["aupro_30"]["value"] == clean["aupro_30"]["value"]
    at = {
        p.product: p.numbers["pixel_auroc"]["value"]
        for p in record.points
        if (p.stressor, p.level) == ("occlusion", 20)
    }
    means = np.mean([at["plate a"] or np.nan, at["plate b"] or np.nan])
    assert at[""] == pytest.approx(means)


def test_one_fit_serves_all_and_the_threshold_stays(finished: Path) -> None:
    models = list((finished / "patchcore").glob("**/models/0"))
    assert len(models) == 2
    stressed = sorted((finished / "patchcore").glob("*/stress/0/occlusion-20"))
    for folder in stressed:
        clean = RunFolder(folder.parents[2])
        thresholds = {
            prediction.inspection.decision.threshold
            for one in (clean, RunFolder(folder))
            for prediction in one.predictions(0)
        }
        assert len(thresholds) == 1
        assert {p.id for p in RunFolder(folder).predictions(0)} == {p.id for p in clean.predictions(0)}
        # Four test pictures of six: two good ones, two defective ones.
        assert len(clean.predictions(0)) == 4
        assert not (folder / "maps").exists()


def test_a_stressor_of_depth_leaves_a_detector_of_colours_as_it_is(finished: Path) -> None:
    points = [p for p in StressRecord.read(finished).points if p.stressor == "depth_dropout"]
    assert not list(finished.glob("**/depth_dropout-30"))
    for point in points:
        assert point.note == ("" if point.level == 0 else "does not look at depth: as on clean pictures")
        same = next(p for p in points if p.product == point.product and p.level == 0)
        assert point.numbers == same.numbers


def test_what_is_finished_is_not_repeated(finished: Path, plates: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.glob("**/predictions.jsonl")}
    assert len(before) == 14
    assert run(plates, finished, "--stress", STRESSORS).exit_code == 0
    assert before == {path: path.stat().st_mtime_ns for path in finished.glob("**/predictions.jsonl")}


def test_of_the_middle_levels_alone_there_are_drops_and_no_areas(
    finished: Path, plates: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    made = run(plates, out, "--middle", "--stress", "occlusion,rgb_missing")
    assert made.exit_code == 0, made.output
    record = StressRecord.read(out)
    assert [point.level for point in record.points if not point.product] == [0, 10, 0, 1]
    whole = [curve for curve in StressRecord.read(finished).curves() if curve.stressor == "occlusion"]
    for curve, of_all in zip(
        [one for one in record.curves() if one.stressor == "occlusion"], whole, strict=True
    ):
        assert set(curve.areas.values()) == {None}
        assert curve.drops == of_all.drops
    # Nobody scores the black picture of a camera that is dead.
    missing = record.points[-3]
    assert (missing.product, missing.stressor, missing.level) == ("", "rgb_missing", 1)
    assert missing.numbers["image_auroc"]["value"] is None
    assert "it looks at colours alone, and there are none" in missing.note


def test_the_page_shows_curves_a_sheet_and_every_row(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    for words in (
        "Occlusion",
        "Low light",
        "% of the picture hidden",
        "data:image/jpeg",
        "<polyline",
        "plate b",
    ):
        assert words in page
    again = CliRunner().invoke(cli, ["report", str(finished)])
    assert again.exit_code == 0, again.output
    assert (finished / "report.html").read_text() == page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--stress", "fog"), "unknown stressor 'fog'"),
        (("--stress", "jpeg", "--suite", "clad"), "leave --suite and --rows out"),
        (("--stress", "jpeg", "--detector", "padim,padim"), "every detector must be named once"),
        (("--middle",), "--middle chooses among the levels of --stress"),
        (("--limit", "0"), "limit must be at least 1"),
        (("--stress", ""), "--stress names no stressor"),
        (("--suite", "fogs"), "known: adaptation, clad,"),
        (("--suite", "adaptation", "--leave-out", "light", "--target", "b"), "give one of them"),
        (("--suite", "adaptation", "--rows", "coral"), "leave --rows out"),
    ],
)
def test_mistakes_are_told_before_anything_is_run(
    plates: Path, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    made = run(plates, tmp_path / "out", *more)
    assert isinstance(made.exception, SpecsightError)
    assert said in str(made.exception)
    assert not (tmp_path / "out").exists()


def test_a_damaged_record_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="it has no stress\\.json"):
        StressRecord.read(tmp_path)
    (tmp_path / RECORD).write_text(json.dumps({"points": [{"level": 1}], "curves": []}))
    with pytest.raises(SpecsightError, match="is damaged"):
        StressRecord.read(tmp_path)


def test_area_and_drop() -> None:
    assert kept_area([0.9, 0.9, 0.9]) == pytest.approx(1)
    assert kept_area([1.0, 0.5]) == pytest.approx(0.75)
    assert kept_area([0.8, 0.8, 0.4, 0.0]) == pytest.approx((0.4 + 0.8 + 0.4 + 0.0) / 3 / 0.8)
    assert kept_area([0.8, None]) is None
    assert kept_area([0.8]) is None
    assert kept_area([0.0, 0.1]) is None
    assert relative_drop(0.8, 0.6) == pytest.approx(0.25)
    assert relative_drop(0.5, 0.6) == pytest.approx(-0.2)
    assert relative_drop(None, 0.6) is None
    assert relative_drop(0.8, None) is None


def test_hidden_pixels_count_nowhere() -> None:
    """A map that marks nothing but what is hidden is perfect with the mask of it, and poor without."""
    mask, hidden = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    mask[0, :4], hidden[4:] = True, True
    map_ = np.where(hidden, 9.0, np.where(mask, 5.0, 1.0)).astype(np.float32)
    seen, blind = (measure(gather([(map_, PixelTruth(mask, hidden=one))]), (0.3,)) for one in (hidden, None))
    assert (seen.auroc, seen.aupro[0.3]) == (1, 1)
    assert seen.background_pixels == 28
    assert blind.auroc < 0.6
    assert blind.background_pixels == 60
    with pytest.raises(SpecsightError, match="a mask is"):
        gather([(map_, PixelTruth(mask, hidden=hidden[:4]))])
