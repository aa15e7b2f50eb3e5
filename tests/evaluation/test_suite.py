"""A suite is one table over ordinary runs, each in a process of its own, and one page that draws them side by side."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.support.reading_checkpoints import FAMILIES
from tests.support.synthetic_run import make_dataset

from specsight.cli import cli
from specsight.detectors.cross_set.training import ignored_files, load_other_set
from specsight.errors import SpecsightError
from specsight.evaluation import (
    DataConfig,
    DetectorConfig,
    EvaluationConfig,
    LearningConfig,
    MeasuringConfig,
    run_suite,
    suite_catalogue,
    suite_runner,
)
from specsight.evaluation.splits import labelled_defects
from specsight.evaluation.suite_catalogue import ABLATIONS, DETECTION, SUITES, TYPING, Row, Suite
from specsight.prompts.labels import spelt_as_labelled
from specsight.prompts.rewording import REWORDINGS, WRONG_NOUN
from specsight.records import Defect, Label, Sample
from specsight.report.suite_page import render_suite
from specsight.runs.suite_record import RECORD, TABLE
from specsight.specification import DefectType, Specification, load_specification, save_yaml


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data"))


def two_rows(config: EvaluationConfig, encoders: Sequence[str]) -> list[Row]:
    return [
        Row("PatchCore", "patchcore", {"coreset_limit": 50}, published="0.99 (elsewhere)"),
        Row("SubspaceAD: Grad-CAM", "subspacead", shots=2, group="ablations", shows_map=True),
    ]


@pytest.mark.long
def test_rows_run_apart_and_meet_in_one_table_and_page(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SUITES, "two", Suite(two_rows, DETECTION))
    config = EvaluationConfig(
        DataConfig(data),
        DetectorConfig(encoder="filters", resolution=64),
        measuring=MeasuringConfig(resamples=0),
        seeds=(0, 1),
    )
    out = run_suite(config, "two", tmp_path / "out")
    with (out / TABLE).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["PatchCore", "SubspaceAD: Grad-CAM"]
    for row in rows:
        run = json.loads((out / row["folder"] / "metrics.json").read_text())
        assert float(row["image_auroc"]) == run["image_auroc"]["value"]
        assert float(row["iou_sd"]) == run["iou"]["sd"]
        assert float(row["peak_mb"]) == run["peak_mb"]
        assert run["seconds"]["fit"] == float(row["fit_seconds"])
    assert "2-shot" in rows[1]["protocol"]
    before = (out / rows[0]["folder"] / "metrics.json").stat().st_mtime_ns
    page = render_suite(out).read_text()
    first = f"{float(rows[0]['image_auroc']):.3f} ± {float(rows[0]['image_auroc_sd']):.3f}"
    assert f"PatchCore | {first}" in (out / "suite.md").read_text().replace("**", "")
    assert r"\toprule" in (out / "suite.tex").read_text()
    assert page.count("<img") == 3 * 8, "eight pictures, each with its outline and two maps"
    assert "0.99 (elsewhere)" in page
    again = CliRunner().invoke(cli, ["report", str(out)], catch_exceptions=False)
    assert again.output.strip() == f"report: {out / 'report.html'}"
    assert "coreset_limit 50" in (out / rows[0]["folder"] / "report.html").read_text()
    assert (out / rows[0]["folder"] / "metrics.json").stat().st_mtime_ns == before


def test_the_suite_of_words_reruns_every_reader_under_every_wording(tmp_path: Path) -> None:
    words = tmp_path / "plate.yaml"
    save_yaml(Specification(product="plate", defects=(DefectType(name="scratch"),)), words)
    config = EvaluationConfig(DataConfig(tmp_path), learning=LearningConfig(specification=words))
    rows = suite_catalogue.words_rows(config)
    assert {row.rewording for row in rows if row.detector == "winclip"} == set(REWORDINGS)
    assert "patchcore" not in {row.detector for row in rows}
    own = suite_runner._config_of(next(r for r in rows if r.rewording == "wrong noun"), config, tmp_path)
    assert own.learning.specification is not None
    assert load_specification(own.learning.specification).product == WRONG_NOUN
    only = suite_catalogue.words_rows(replace(config, detector=DetectorConfig("phrases")))
    assert [row.detector for row in only] == ["phrases"] * len(REWORDINGS)
    with pytest.raises(SpecsightError, match="give one with --spec"):
        suite_catalogue.words_rows(EvaluationConfig(DataConfig(tmp_path)))


def test_every_row_of_the_clad_suite_can_be_made(tmp_path: Path) -> None:
    from specsight.detectors import create_detector

    config = EvaluationConfig(DataConfig(tmp_path))
    rows = suite_catalogue.clad_rows(config)
    assert [r.name for r in rows[:4]] == ["SPADE", "PaDiM", "PatchCore", "WinCLIP, words alone"]
    for row in rows:
        create_detector(row.detector, **row.parameters)
    others = suite_catalogue.clad_rows(config, ["checkpoints/vit"])[len(rows) :]
    assert [(r.name, r.encoder, r.detector) for r in others] == [
        ("CLAD: encoder checkpoints/vit", "checkpoints/vit", "clad")
    ]
    changed = replace(config, detector=DetectorConfig("clad", {"steps": 7, "reconstruction": 0.3}))
    own = {row.name: suite_runner._config_of(row, changed, tmp_path).detector.parameters for row in rows}
    assert (own["SPADE"], own["CLAD"]) == ({}, changed.detector.parameters), (
        "--set is for the detector that is named"
    )
    assert own["CLAD: lambda 1"] == {"steps": 7, "reconstruction": 1.0}
    there = replace(config, detector=DetectorConfig(resolution=64, device="cpu"))
    (named,) = {suite_runner._config_of(row, there, tmp_path).detector.device for row in rows}
    assert named == "cpu", "every row runs where the suite is to run"
    with pytest.raises(SpecsightError, match="leave --train-on out"):
        run_suite(replace(config, learning=LearningConfig(train_on=tmp_path)), "clad", tmp_path)
    with pytest.raises(SpecsightError, match="has no row of 'patchcor"):
        run_suite(replace(config, detector=DetectorConfig("patchcor", {"a": 1})), "clad", tmp_path)
    other = suite_runner._config_of(others[0], config, tmp_path)
    assert other.detector.encoder == "checkpoints/vit"
    assert len({json.dumps(dict(r.parameters)) for r in rows if r.detector == "clad"}) == len(ABLATIONS) + 1


def test_the_suite_of_types_has_a_row_per_method_that_maps_types(tmp_path: Path) -> None:
    words = tmp_path / "plate.yaml"
    save_yaml(Specification(product="plate", defects=(DefectType(name="scratch"),)), words)
    alone = EvaluationConfig(DataConfig(tmp_path), learning=LearningConfig(specification=words))
    assert {"clad", "phrases", "winclip"} <= {row.name for row in suite_catalogue.types_rows(alone)}
    assert "multiads" not in {row.detector for row in suite_catalogue.types_rows(alone)}
    every = replace(alone, learning=LearningConfig(None, 4, words, train_on=tmp_path))
    rows = {row.name: row for row in suite_catalogue.types_rows(every)}
    assert rows["multiads, every type known"].parameters == {"product_filter": False}
    changed = suite_runner._config_of(rows["clad, 4 labelled defects per type"], every, tmp_path)
    learning = changed.learning
    assert (learning.defects, learning.shots, learning.train_on) == (4, None, None)
    assert suite_runner._config_of(rows["clad"], every, tmp_path).learning.defects == 0
    assert suite_runner._config_of(rows["multiads"], every, tmp_path).learning.shots == 0
    assert set(SUITES["types"].metrics) == set(TYPING)
    with pytest.raises(SpecsightError, match="name the types with --spec"):
        suite_catalogue.types_rows(EvaluationConfig(DataConfig(tmp_path)))
    with pytest.raises(SpecsightError, match="give one --encoder"):
        suite_catalogue.types_rows(alone, ["another"])


def test_an_unknown_suite_gets_a_suggestion(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="did you mean 'clad'"):
        run_suite(EvaluationConfig(DataConfig(data)), "cladd", tmp_path)
    with pytest.raises(SpecsightError, match=f"it has no {RECORD}"):
        render_suite(tmp_path)


def sample(id_: str, *types: str, split: str = "test", group: str | None = None) -> Sample:
    defects = tuple(Defect(type_, box=(0, 0, 2, 2)) for type_ in types)
    label: Label = "defective" if types else "good"
    return Sample(id_, Path(id_), "plate", split=split, label=label, defects=defects, group=group)


def test_labelled_defects_leave_the_test_with_everything_that_shows_the_same_part() -> None:
    test = [
        sample("a", "dent", group="1"), sample("a2", group="1"), sample("b", "dent", group="2"),
        sample("c", "crack"), sample("d", "crack", "dent"), sample("e", "crack"), sample("good"),
    ]  # fmt: skip
    chosen, rest = labelled_defects(test, test, 1, seed=3)
    assert {"crack", "dent"} <= {t for s in chosen for t in s.types}
    assert not {s.id for s in chosen} & {s.id for s in rest}
    assert not {s.group for s in chosen if s.group} & {s.group for s in rest if s.group}
    assert labelled_defects(test, test, 1, seed=3) == (chosen, rest)
    assert labelled_defects(test, test, 0, seed=3) == ([], test)
    with pytest.raises(SpecsightError, match="'crack' has 3"):
        labelled_defects(test, test, 4, seed=0)
    with pytest.raises(SpecsightError, match="is left to test"):
        labelled_defects(test, [*test[:1], *test[3:6]], 3, seed=0)


def test_frames_of_a_defect_that_is_learned_from_are_not_tested(tmp_path: Path) -> None:
    test = []
    for part in range(4):
        pixels = np.random.default_rng(part).integers(0, 256, (40, 40, 3), np.uint8)
        for frame in range(2):
            file = tmp_path / f"{part}{frame}.png"
            Image.fromarray(pixels).save(file)
            test.append(replace(sample(file.stem, *(["dent"] if part < 3 else [])), image=file))
    chosen, rest = labelled_defects(test, test, 1, seed=0)
    assert len(chosen) == 1
    assert len(rest) == 6
    assert sorted({s.id[0] for s in rest} | {chosen[0].id[0]}) == ["0", "1", "2", "3"]
    assert chosen[0].id[0] not in {s.id[0] for s in rest}


def test_labels_with_underscores_are_learned_under_their_own_names(tmp_path: Path) -> None:
    other = make_dataset(tmp_path, "panel", train=2, good=2, defective=4)
    for folder in ("test", "ground_truth"):
        (other / folder / "scratch").rename(other / folder / "broken_large")
    save_yaml(Specification(product="panel", defects=(DefectType(name="Broken large"),)), tmp_path / "s.yaml")
    for given in (None, tmp_path / "s.yaml"):
        assert "broken_large" in [
            d.name for d in load_other_set(other, given).specifications["panel"].defects
        ]


def test_a_specification_takes_the_labels_spelling() -> None:
    written = Specification.model_validate(
        {
            "product": "plate",
            "defects": [{"name": "Broken large", "phrases": ["a break"]}, {"name": "dent"}],
            "tolerances": [{"defect": "Broken large", "up_to_mm": 2}],
        }
    )
    spelt = spelt_as_labelled(written, [sample("a", "broken_large"), sample("b", "stain")])
    assert [d.name for d in spelt.defects] == ["broken_large", "dent"]
    assert spelt.tolerances[0].defect == "broken_large"
    assert spelt.defects[0].phrases == ("a break",)
    assert spelt_as_labelled(written, [sample("a", "stain")]) is written


def test_labelled_defects_come_from_the_training_split_first() -> None:
    train = [sample("t", "dent", split="train")]
    test = [sample("a", "dent"), sample("good")]
    assert labelled_defects([*test, *train], test, 1, seed=0) == (train, test)


def test_pictures_whose_defects_have_empty_masks_are_left_out_of_training_and_named(tmp_path: Path) -> None:
    other = make_dataset(tmp_path, "panel", train=2, good=2, defective=4)
    (other / "train" / "good" / "000.exr").write_bytes(b"x")
    shutil.copy(other / "train" / "good" / "000.png", other / "train" / "good" / "copy.png")
    empty = other / "ground_truth" / "scratch" / "000_mask.png"
    cv2.imwrite(str(empty), np.zeros((64, 64), np.uint8))
    training = load_other_set(other)
    assert [(s.image.parent.name, s.image.name, why) for s, why in training.left_out] == [
        ("scratch", "000.png", "the mask of a defect is empty")
    ]
    assert len(training.samples) == 8
    assert [str(one) for one in training.ignored] == ["1 EXR"]
    assert training.ignored == ignored_files(other)
    # A copy is of the same part, and so on the same side of the split that ends the training.
    grouped = {s.image.name: s.group for s in training.samples if s.group}
    assert set(grouped) == {"000.png", "copy.png"}
    assert len(set(grouped.values())) == 1
    assert [d.name for d in training.specifications["panel"].defects] == ["contamination", "scratch"]


@pytest.mark.parametrize("detector", ["april_gan", "multiads"])
def test_cross_set_detectors_are_trained_on_another_set_by_the_command(
    data: Path, tmp_path: Path, detector: str
) -> None:
    pytest.importorskip("transformers", reason="reading checkpoints need the extra 'models'")
    other = make_dataset(tmp_path, "panel", train=4, good=4, defective=8)
    (other / "train" / "good" / "line.mp4").write_bytes(b"x")
    encoder = FAMILIES["clip"](tmp_path / "clip")
    words = tmp_path / "plate.yaml"
    save_yaml(
        Specification(
            product="plate", defects=(DefectType(name="scratch"), DefectType(name="contamination"))
        ),
        words,
    )
    command = [
        "evaluate", "--data", data, "--spec", words, "--detector", detector, "--encoder", encoder, "--shots", 0,
        "--resolution", 64, "--resamples", 0, "--set", "epochs=1", "--out", tmp_path / "run",
    ]  # fmt: skip
    refused = CliRunner().invoke(cli, [str(word) for word in command])
    assert "name a data set with --train-on" in str(refused.exception)
    own = CliRunner().invoke(cli, [*map(str, command[:-1]), str(tmp_path / "own"), "--train-on", str(data)])
    assert "both trained on and judged" in str(own.exception)
    done = CliRunner().invoke(cli, [*map(str, command), "--train-on", str(other)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    numbers = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert "trained on" in numbers["protocol"]["line"]
    assert numbers["protocol"]["account"].endswith(", ignored 1: 1 video (MP4)")
    assert numbers["protocol"]["details"]["Trained on"].endswith("pictures of panel")
    assert not (tmp_path / "run" / ".training").exists() or not any(
        (tmp_path / "run" / ".training").iterdir()
    )
    assert {"type_pixel_auroc", "type_image_ap"} <= numbers.keys()
