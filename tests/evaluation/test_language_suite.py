"""The suite of language: detection, types, statements and other descriptions of the same pictures, from one command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measured.language import arguments_of, language_tables
from measured.rows import MeasuredSet
from sklearn.metrics import f1_score
from tests.support.synthetic_run import TYPES, make_dataset

from specsight.errors import SpecsightError
from specsight.evaluation import (
    DataConfig,
    DetectorConfig,
    EvaluationConfig,
    LearningConfig,
    MeasuringConfig,
    run_evaluation,
    run_suite,
    suite_catalogue,
    suite_runner,
)
from specsight.evaluation.changes import Drawn
from specsight.evaluation.statement_numbers import stated_slots, statement_numbers, true_slots
from specsight.metrics import Groups, image_auroc, weighted_auroc, weighted_f1
from specsight.metrics.told import CHANGED, change_name
from specsight.prompts.rewording import meanings, reword
from specsight.report.suite_page import render_suite
from specsight.runs.folder import RunFolder
from specsight.runs.suite_record import SuiteRecord
from specsight.specification import DefectType, Specification, save_yaml


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite on drawn plates with `phrases`, three of its rows, in this process."""
    folder = tmp_path_factory.mktemp("language")
    words = folder / "plate.yaml"
    defects = tuple(DefectType(name=type_) for type_ in TYPES)
    save_yaml(Specification(product="plate", defects=defects), words)
    config = EvaluationConfig(
        DataConfig(make_dataset(folder / "data", train=12, good=4, defective=4)),
        DetectorConfig("phrases", resolution=64),
        LearningConfig(specification=words),
        measuring=MeasuringConfig(resamples=20, explain_with="scripted"),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(suite_runner, "evaluate_in_own_process", run_evaluation)
        patched.setattr(
            "specsight.evaluation.product.load_language_model", lambda name, device, **_: Fluent()
        )
        return run_suite(
            config,
            "language",
            folder / "plates-language",
            only=["phrases", "phrases-truncation", "phrases-no-words"],
        )


class Fluent:
    """Rewrites everything as one sentence that no evidence supports."""

    name, fingerprint = "scripted", "1"

    def generate(self, *_: object) -> str:
        return "There is a banana on the plate."


def test_rows_show_detection_types_statements_and_what_other_words_change(suite: Path) -> None:
    record = SuiteRecord.read(suite)
    first, truncated, unnamed = record.rows
    assert first.values["image_auroc"] is not None
    assert first.values["single_type_exact_set"] is not None
    assert first.values["unsupported_rate"] == 0, "templates say what map and decision support"
    assert first.values["rejected_rewrites_rate"] == 1
    assert first.values[change_name("image_auroc")] is None
    assert first.picture_ms
    assert first.peak_mb
    for row in (truncated, unnamed):
        assert row.values["single_type_exact_set"] is None, "its types have other names"
        change = row.values[change_name("image_auroc")]
        assert change == pytest.approx((row.values["image_auroc"] or 0) - (first.values["image_auroc"] or 0))
        moved = row.values[change_name("pixel_auroc")]
        assert moved == pytest.approx((row.values["pixel_auroc"] or 0) - (first.values["pixel_auroc"] or 0))
    assert "0-shot" in first.protocol or "zero" in first.protocol
    assert not (suite / ".features").exists()
    text = render_suite(suite).read_text()
    assert "Under another description" in text
    assert "## Types named, pictures with one type" in (suite / "suite.md").read_text()


def test_the_measurement_prints_its_tables(suite: Path) -> None:
    folder = suite.parent
    of = MeasuredSet("plates", "drawn plates", folder / "data" / "plate", folder / "plate.yaml", 64)
    text = language_tables([of], folder)
    sections = text.split("## ")[1:]
    assert [section.splitlines()[0] for section in sections] == [
        "Detection and map", "Types named, pictures with one type", "Types named, pictures with several types",
        "Statements", "Under another description",
        "A picture, in milliseconds of one core",
    ]  # fmt: skip
    lines = [[line for line in section.splitlines() if line.startswith("| drawn")] for section in sections]
    assert [len(one) for one in lines] == [2, 1, 0, 1, 2, 1], "without words no type is named"
    value = SuiteRecord.read(suite).rows[0].values["image_auroc"]
    assert f"| phrases | {value:.3f} (" in lines[0][0]
    assert " words) | " in lines[5][0]
    assert language_tables([replace(of, name="others")], folder) == "Nothing has been measured.\n"
    assert arguments_of(of, ["--encoder", "filters"], "phrases", folder)[-3:] == [
        "phrases",
        "--out",
        str(suite),
    ]


def test_statements_of_a_run_are_compared_with_its_masks(suite: Path) -> None:
    run = RunFolder(suite / "phrases")
    predictions = run.predictions()
    (defective, *_) = [p for p in predictions if p.defects]
    truth = true_slots(defective.sample(run.data), defective.size, masks=True)
    assert truth.decision == "reject"
    assert truth.types == (defective.types[0],)
    assert truth.cells
    assert truth.count
    assert true_slots(defective.sample(run.data), defective.size, masks=False).cells is None
    accepted = replace(
        defective,
        inspection=replace(
            defective.inspection, decision=replace(defective.inspection.decision, verdict="accept")
        ),
    )
    assert stated_slots(accepted).types == ()
    numbers = statement_numbers(run, predictions, predictions, 0)
    assert 0 <= numbers["grounding"].value <= 1
    # Of a picture that is accepted, verdict and number are stated, wrongly; type and cells are not.
    omitted = statement_numbers(run, [accepted], [accepted], 0)
    cells = len(truth.cells)
    assert omitted["omission_rate"].value == pytest.approx((1 + cells) / (3 + cells))
    assert omitted["hallucination_rate"].value == 1
    unexplained = [replace(p, inspection=replace(p.inspection, explanation=None)) for p in predictions]
    assert statement_numbers(run, unexplained, unexplained, 0) == {}


def test_rows_of_the_suite_read_words(tmp_path: Path) -> None:
    words = tmp_path / "plate.yaml"
    save_yaml(Specification(product="plate", defects=(DefectType(name="scratch"),)), words)
    config = EvaluationConfig(DataConfig(tmp_path), learning=LearningConfig(specification=words))
    rows = suite_catalogue.language_rows(config)
    assert [row.name for row in rows[:3]] == ["llava-ads", "phrases", "llava-ads, paraphrase"]
    assert {row.shots for row in rows} == {0}
    assert {row.compared_with for row in rows[2:]} == {"llava-ads"}
    given = replace(config, detector=DetectorConfig("winclip"), learning=LearningConfig(2, 0, words))
    assert {row.detector for row in suite_catalogue.language_rows(given)} == {"winclip", "phrases"}
    own = replace(config, detector=DetectorConfig("llava-ads", {"language_model": "runs/mine/model"}))
    assert {
        suite_runner._detector_of(row, own.detector).parameters.get("language_model") for row in rows
    } == {
        "runs/mine/model",
        None,
    }, "every row of the detector that is named takes its options; phrases has none"
    with pytest.raises(SpecsightError, match="describe the product with --spec"):
        suite_catalogue.language_rows(EvaluationConfig(DataConfig(tmp_path)))


def test_other_words_stand_for_the_types_as_written() -> None:
    written = Specification(
        product="tyre", defects=tuple(DefectType(name=name) for name in ("cut", "scratch", "cut mark"))
    )
    meant = meanings(written, "paraphrase")
    assert [meant[one.name] for one in reword(written, "paraphrase").defects] == [
        "cut",
        "scratch",
        "cut mark",
    ]
    assert meanings(written, "wrong noun") == {name: name for name in ("cut", "scratch", "cut mark")}
    assert meanings(written, "wrong defect list") == meanings(written, "no words") == {}
    assert meanings(written, "one word") == {"cut": "cut", "scratch": "scratch", "mark": "cut mark"}


def test_weighted_numbers_are_those_of_the_repeated_pictures() -> None:
    rng = np.random.default_rng(3)
    labels, scores = np.arange(12) < 5, rng.integers(0, 4, 12).astype(float)
    truth = [({"a"}, {"b"}, {"a", "b"}, {"good"})[k] for k in rng.integers(0, 4, 12)]
    answers = [({"a"}, {"b"}, {"c"}, set())[k] for k in rng.integers(0, 4, 12)]
    weights = Groups.of(labels).resampled(30, 1)
    aurocs = weighted_auroc(labels, scores, weights)
    macro, micro = weighted_f1(truth, answers, weights)
    for row, auroc, one, together in zip(weights, aurocs, macro, micro, strict=True):
        repeated = np.repeat(np.arange(12), row)
        assert auroc == pytest.approx(image_auroc(labels[repeated], scores[repeated]))
        table = [
            np.array([[name in sets[k] for name in "abc"] for k in repeated]) for sets in (truth, answers)
        ]
        shown = table[0].any(0)
        expected = f1_score(table[0][:, shown], table[1][:, shown], average="macro", zero_division=0)
        assert one == pytest.approx(expected)
        assert together == pytest.approx(f1_score(*table, average="micro", zero_division=0))


def test_a_change_is_paired_over_products() -> None:
    before = Drawn(
        {"a": {"image_auroc": np.array([0.5, 0.4, 0.6])}, "b": {"image_auroc": np.array([0.7] * 3)}}
    )
    after = Drawn(
        {"a": {"image_auroc": np.array([0.6, 0.5, 0.7])}, "b": {"image_auroc": np.array([0.6] * 3)}}
    )
    changes = after.changes(before)
    assert set(changes) == set(map(change_name, CHANGED))
    moved = changes[change_name("image_auroc")]
    assert moved.value == pytest.approx(0)
    assert np.isnan(changes[change_name("type_f1")].value)
    assert "no such number" in changes[change_name("type_f1")].reason
