"""Few-shot curves and zero-shot evaluation: nested subsets, one table, one chart, words in the protocol."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.support.reading_checkpoints import FAMILIES
from tests.support.synthetic_run import make_dataset

from specsight.calibration import ThresholdConfig
from specsight.cli import cli
from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.evaluation import (
    DataConfig,
    DetectorConfig,
    EvaluationConfig,
    LearningConfig,
    MeasuringConfig,
    evaluate,
    few_shot_curve,
)
from specsight.evaluation.splits import Split, few_shots
from specsight.inspector import Inspector
from specsight.records import Sample
from specsight.report.curve_page import CHART, render_curve
from specsight.runs.curve_table import TABLE
from specsight.specification import DefectType, Specification, save_yaml


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data"))


@pytest.mark.long
def test_a_curve_is_one_table_and_one_chart(data: Path, tmp_path: Path) -> None:
    config = EvaluationConfig(
        DataConfig(data),
        DetectorConfig(encoder="filters", resolution=64),
        measuring=MeasuringConfig(resamples=20),
        seeds=(0, 1),
    )
    runs = list(few_shot_curve(config, ["subspacead", "patchcore"], [1, 2], tmp_path))
    names = ["subspacead-1-shot", "subspacead-2-shot", "patchcore-1-shot", "patchcore-2-shot"]
    assert [run.name for run in runs] == names
    with (tmp_path / TABLE).open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["detector"], row["shots"]) for row in rows] == [
        ("subspacead", "1"),
        ("subspacead", "2"),
        ("patchcore", "1"),
        ("patchcore", "2"),
    ]
    for run, row in zip(runs, rows):
        metrics = json.loads((run / "metrics.json").read_text())
        assert float(row["image_auroc"]) == metrics["image_auroc"]["value"]
        assert float(row["aupro_30_sd"]) == metrics["aupro_30"]["sd"]
        fits = json.loads((run / "fits.json").read_text())
        assert {fit["learned"] for fit in fits.values()} == {int(row["shots"])}
    assert [row["folder"] for row in rows] == names
    assert all(float(row["fit_seconds"]) > 0 and float(row["picture_ms"]) > 0 for row in rows)
    page = render_curve(tmp_path).read_text()
    for run, row in zip(runs, rows):
        shown = f"{float(row['image_auroc']):.3f} ± {float(row['image_auroc_sd']):.3f}"
        assert f'<a href="{run.name}/report.html">{row["detector"]}</a>' in page
        assert (run / "report.html").is_file()
        assert all(shown in text for text in (page, (tmp_path / "few_shot.md").read_text()))
        assert shown.replace("±", r"$\pm$") in (tmp_path / "few_shot.tex").read_text()
    assert ElementTree.parse(tmp_path / CHART).getroot().tag.endswith("svg")
    drawn = (tmp_path / CHART).read_text()
    assert all(word in drawn for word in ("subspacead", "patchcore", "image AUROC"))
    assert list(few_shot_curve(config, ["subspacead", "patchcore"], [1, 2], tmp_path)) == runs
    render_curve(tmp_path)
    drawn_before = (runs[0] / "report.html").stat().st_mtime_ns
    render_curve(tmp_path)
    assert (runs[0] / "report.html").stat().st_mtime_ns == drawn_before, (
        "only what has changed is drawn again"
    )
    assert (tmp_path / CHART).read_text() == drawn, "a finished curve is not drawn otherwise the second time"


def test_a_curve_names_everything_once(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="named once"):
        few_shot_curve(EvaluationConfig(DataConfig(data)), ["patchcore"], [1, 1], tmp_path)
    with pytest.raises(SpecsightError, match="did you mean 'patchcore'"):
        next(few_shot_curve(EvaluationConfig(DataConfig(data)), ["patchcor"], [1, 2], tmp_path))
    other = EvaluationConfig(DataConfig(data), learning=LearningConfig(train_on=data))
    with pytest.raises(SpecsightError, match="patchcore, padim: not trained across sets"):
        few_shot_curve(other, ["patchcore", "padim"], [1], tmp_path)


def test_zero_shots_learn_from_words_and_say_so(data: Path, tmp_path: Path) -> None:
    words = Specification(
        product="part", defects=(DefectType(name="scratch"), DefectType(name="contamination"))
    )
    save_yaml(words, tmp_path / "part.yaml")
    run = evaluate(
        data,
        "phrases",
        out=tmp_path / "run",
        encoder=str(FAMILIES["dual"](tmp_path / "dual")),
        resolution=64,
        shots=0,
        specification=tmp_path / "part.yaml",
        resamples=20,
    )
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert "0-shot: 0 good pictures learned from" in metrics["protocol"]["line"]
    assert "words: part: scratch, contamination" in metrics["protocol"]["line"]
    assert metrics["counts"]["accepted"] + metrics["counts"]["rejected"] == metrics["counts"]["pictures"]
    assert 0 <= metrics["image_auroc"]["value"] <= 1
    assert {"scratch", "contamination"} <= set(metrics["per_type"])


def test_methods_that_need_good_pictures_refuse_zero_shots(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="no good picture"):
        evaluate(data, out=tmp_path / "run", shots=0, resolution=64)


def test_a_model_can_be_fitted_from_words_alone(data: Path, tmp_path: Path) -> None:
    save_yaml(Specification(product="part", defects=(DefectType(name="scratch"),)), tmp_path / "part.yaml")
    checkpoint = str(FAMILIES["dual"](tmp_path / "dual"))
    given = ["--detector", "phrases", "--encoder", checkpoint, "--resolution", "64"]
    invoke = CliRunner().invoke
    fitted = invoke(
        cli, ["fit", *given, "--spec", str(tmp_path / "part.yaml"), "-o", str(tmp_path / "model")]
    )
    assert fitted.exit_code == 0, fitted.output
    assert "no threshold" in fitted.output
    inspector = Inspector.load(tmp_path / "model")
    sample = next(s for s in load_dataset(data).samples if s.label == "defective")
    inspection = inspector.inspect(sample)
    assert inspection.verdict is None
    assert set(inspection.type_maps) == {"scratch"}
    with pytest.raises(SpecsightError, match="no good picture"):
        invoke(cli, ["fit", "-o", str(tmp_path / "other")], catch_exceptions=False)


def test_the_threshold_of_few_shots_comes_from_other_parts() -> None:
    def views(name: str, count: int, split: str = "train") -> list[Sample]:
        return [
            Sample(f"{name}{i}", Path(f"{name}{i}.png"), "cap", split, "good", group=f"{name} {i // 4}")
            for i in range(count)
        ]

    good, validation = views("good", 40), views("validation", 8, "validation")
    for seed in range(5):
        learned, further = few_shots(Split(good, [], []), 3, threshold=ThresholdConfig(holdout=5), seed=seed)
        assert len(learned) == 3
        assert not {s.group for s in learned} & {s.group for s in further}
        assert len({s.group for s in further}) == 5
        assert len(further) == 20
    # Validation pictures are the default; parts that are asked for come beside them.
    with_validation = Split(good, validation, [])
    assert few_shots(with_validation, 3, threshold=ThresholdConfig(), seed=0)[1] == validation
    beside = few_shots(with_validation, 3, threshold=ThresholdConfig(holdout=2), seed=0)[1]
    assert beside[:8] == validation
    assert len({s.group for s in beside[8:]}) == 2


def test_copies_of_shots_give_no_threshold(tmp_path: Path) -> None:
    """Eight plates, each taken three times: no other picture of a plate that is learned from calibrates."""
    good = []
    for plate in range(8):
        pixels = np.random.default_rng(plate).integers(0, 256, (40, 40, 3), np.uint8)
        for take in range(3):
            file = tmp_path / f"{plate}_{take}.png"
            Image.fromarray(pixels).save(file)
            good.append(Sample(file.stem, file, "plate", "train", "good"))
    for seed in range(3):
        learned, further = few_shots(Split(good, [], []), 2, threshold=ThresholdConfig(holdout=4), seed=seed)
        assert len(learned) == 2
        assert not {s.id[0] for s in learned} & {s.id[0] for s in further}
        assert len({s.id[0] for s in further}) == 4
        assert len(further) == 12
