"""The suite of instructions: pictures are looked at once, pairs are counted, ignoring words is exactly chance."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.instructed_plates import LEFT, RIGHT, make_plates

from specsight import images
from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.evaluation import (
    DataConfig,
    DetectorConfig,
    EvaluationConfig,
    LearningConfig,
    MeasuringConfig,
    run_evaluation,
    run_suite,
)
from specsight.evaluation.instructions.numbers import Asked, instruction_numbers
from specsight.evaluation.instructions.questions import (
    check_pairs,
    name_questions,
    pair_questions,
    part_questions,
)
from specsight.evaluation.instructions.wordings import reworded
from specsight.evaluation.suite_catalogue import instructions_rows
from specsight.evaluation.suite_runner import _half_of_the_types
from specsight.inspector import Inspector
from specsight.metrics import metrics
from specsight.metrics.metric import Group
from specsight.records import Decision, Inspection
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import (
    INSTRUCTIONS,
    LEFT_OUT,
    NAME,
    OTHER_ORDER,
    PART,
    TOGETHER,
    Answer,
    Instructed,
    Reworded,
)
from specsight.runs.predictions import Prediction
from specsight.runs.suite_record import SuiteRecord
from specsight.specification import DefectType, Scope, Specification, Tolerance, save_yaml


def config_of(data: Path, resamples: int = 50) -> EvaluationConfig:
    return EvaluationConfig(
        DataConfig(data),
        DetectorConfig("patchcore", encoder="filters", resolution=64),
        LearningConfig(specification=data / "specification.yaml"),
        measuring=MeasuringConfig(resamples=resamples, instructions=True),
    )


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plates(tmp_path_factory.mktemp("plates"))


@pytest.fixture(scope="module")
def run(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("run") / "out"
    run_evaluation(config_of(plates), out)
    return RunFolder(out)


def test_scopes_turn_the_verdict_and_ignoring_them_is_exactly_chance(run: RunFolder) -> None:
    numbers = run.metrics()
    assert numbers["pairs_scope_clauses"]["value"] == numbers["pairs_scope_text"]["value"] == 1.0
    assert numbers["pairs_scope_text"]["low"] < 1.0, "Wilson's interval of 8 plates"
    assert numbers["pairs_ignored"] == {**numbers["pairs_ignored"], "value": 0.0, "low": None}
    assert numbers["verdicts_ignored"]["value"] == 0.5
    assert numbers["part_auroc_text"]["value"] == 1.0
    assert numbers["scope_compliance_text"]["value"] == 1.0
    assert 0.0 < numbers["scope_compliance_text"]["low"] < 1.0, "Wilson's interval, as above"
    assert numbers["scope_compliance_ignored"]["value"] == 0.0
    assert numbers["scope_drop_ignored"]["value"] > numbers["scope_drop_text"]["value"] == 0.0
    assert numbers["control_gap_scope"]["value"] > 0.0
    assert numbers["pairs_requirement_text"]["reason"] == "the set brings no such pairs"


def test_every_number_of_words_is_given_by_a_run(run: RunFolder) -> None:
    listed = {name for name, metric in metrics.items() if metric.group == Group.WORDS}
    # The suite asks for names outside of the specification in a run of its own.
    missing = {name for name in listed - set(run.metrics()) if not name.startswith("unseen_")}
    assert missing == set()


def test_lines_hold_truth_and_every_decision_and_are_read_back(run: RunFolder) -> None:
    lines = run.instructed(0)
    assert len(lines) == 8 * 4 + (8 + 4) * 2, "two pairs of each defective plate, both halves of every plate"
    (line,) = [
        one
        for one in lines
        if one.kind == "scope" and one.id == "plate-left-half-0" and one.truth == "accept"
    ]
    assert line.clauses == (Scope(parts=(RIGHT,)),)
    assert [clause.kind for clause in line.read] == ["scope"]
    assert line.wordings[TOGETHER].text == f"{line.text} Dark spots up to 2 mm are acceptable."
    assert line.wordings[OTHER_ORDER].text == f"Dark spots up to 2 mm are acceptable. {line.text}"
    assert set(line.answers) == {"clauses", "text", "ignored", "random"}
    text = line.answers["text"]
    assert (text.verdict, text.observed) == ("accept", 1)
    assert isinstance(text.deciding, Scope)
    assert line.answers["ignored"].verdict == "reject"
    assert line.random_text
    assert "non-breaking spaces" in line.wordings
    assert Instructed.from_json(json.loads(json.dumps(line.to_json()))) == line
    drawn = run.drawn(line, (64, 64))
    assert (drawn[:, :32] == LEFT_OUT).mean() > 0.5
    assert not (drawn[:, 32:] == LEFT_OUT).any()
    assert not line.own_map, "a detector that does not read has one map"


def test_a_killed_run_goes_on_and_changes_nothing(plates: Path, run: RunFolder, tmp_path: Path) -> None:
    out = shutil.copytree(run.path, tmp_path / "out")
    before = (out / "metrics.json").read_text()
    kept = (out / "predictions.jsonl").read_text().splitlines(keepends=True)
    (out / "predictions.jsonl").write_text("".join(kept[:-3]))
    with (out / INSTRUCTIONS).open("a") as file:
        file.write('{"seed": 0, "torn')
    run_evaluation(config_of(plates), out)
    numbers, first = json.loads((out / "metrics.json").read_text()), json.loads(before)
    for name in ("pairs_text", "control_gap", "wording_change_mean", "part_auroc_text"):
        assert numbers[name] == first[name]
    assert len(RunFolder(out).instructed()) == len(run.instructed())


def test_every_picture_is_looked_at_once(
    plates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    look = Inspector.look
    monkeypatch.setattr(
        Inspector,
        "look",
        lambda self, sample, **given: looked.append(sample.id) or look(self, sample, **given),
    )
    run_evaluation(config_of(plates, 0), tmp_path / "out")
    assert len(looked) == len(set(looked)) == 12


@pytest.mark.long
def test_products_count_once_each_and_their_mean_has_an_interval(tmp_path: Path) -> None:
    data = make_plates(tmp_path, test=3, products=2)
    run_evaluation(config_of(data), tmp_path / "out")
    numbers = RunFolder(tmp_path / "out").metrics()
    products = list(numbers["products"].values())
    assert len(products) == 2
    for name in ("pairs_text", "part_auroc_text", "control_gap"):
        assert numbers[name]["value"] == pytest.approx(np.mean([one[name]["value"] for one in products]))
    assert numbers["pairs_scope_text"]["low"] is not None


@pytest.fixture(scope="module")
def suite(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("suite") / "out"
    return run_suite(config_of(plates, 0), "instructions", out, only=["patchcore"])


def test_the_suite_has_a_row_that_ignores_words(plates: Path, suite: Path, tmp_path: Path) -> None:
    rows = {row.name: row for row in SuiteRecord.read(suite).rows}
    assert list(rows) == ["patchcore", "patchcore, words ignored"]
    reference = rows["patchcore, words ignored"].values
    assert reference["pairs_clauses"] == reference["pairs_text"] == reference["control_gap"] == 0.0
    assert reference["verdicts_text"] == 0.5
    assert rows["patchcore"].values["pairs_scope_text"] == 1.0
    with pytest.raises(SpecsightError, match="has no row 'patchcor': did you mean 'patchcore'"):
        run_suite(config_of(plates, 0), "instructions", tmp_path / "out", only=["patchcor"])


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a row may outlive its suite for a moment")
def test_a_suite_that_was_killed_goes_on_to_the_same_numbers(
    plates: Path, suite: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "specsight.cli", "evaluate", "--suite", "instructions", "--rows", "patchcore",
               "--data", str(plates), "--spec", str(plates / "specification.yaml"), "--encoder", "filters",
               "--resolution", "64", "--resamples", "0", "--out"]  # fmt: skip
    judged = tmp_path / "killed" / "patchcore" / "predictions.jsonl"
    process = subprocess.Popen(
        [*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not (judged.is_file() and judged.stat().st_size) and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 0 < len(judged.read_text().splitlines()) < 12, "killed between the first picture and the last"
    config = replace(config_of(plates, resamples=0), measuring=MeasuringConfig(resamples=0))
    run_suite(config, "instructions", tmp_path / "killed", only=["patchcore"])
    killed, whole = (SuiteRecord.read(folder) for folder in (tmp_path / "killed", suite))
    assert [row.values for row in killed.rows] == [row.values for row in whole.rows]
    lines = [RunFolder(folder / "patchcore").instructed() for folder in (tmp_path / "killed", suite)]
    first, second = (sorted(found, key=lambda one: (one.id, one.number)) for found in lines)
    assert first == second


@pytest.mark.long
def test_a_set_of_which_nothing_can_be_asked_is_refused_with_what_pairs_need(
    plates: Path, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in (plates / "manifest.jsonl").read_text().splitlines()]

    def suite(name: str, *left_out: str) -> None:
        """The suite on the plates without their pairs, and without what else is left out of each line."""
        manifest = plates / f"{name}.jsonl"
        kept = [{k: v for k, v in line.items() if k not in ("instructions", *left_out)} for line in lines]
        manifest.write_text("".join(f"{json.dumps(line)}\n" for line in kept))
        config = replace(config_of(plates), data=DataConfig(manifest))
        config = replace(config, learning=LearningConfig(specification=tmp_path / "plate.yaml"))
        run_suite(config, "instructions", tmp_path / name, only=["patchcore"])

    save_yaml(
        Specification(product="plate", defects=(DefectType(name="dark spot"),)), tmp_path / "plate.yaml"
    )

    with pytest.raises(
        SpecsightError, match=r"two sentences about one picture.*masks or boxes of the defects"
    ):
        suite("bare", "defects")
    assert not (tmp_path / "bare" / "patchcore").exists(), "said before anything was fitted"
    # Masks alone, of the only type and without parts or a scale, make no pair: known once the first row was run.
    with pytest.raises(SpecsightError, match="no instruction can be asked of"):
        suite("masks", "parts", "part_names")


def test_rows_are_all_detectors_that_can_be_fitted(plates: Path) -> None:
    names = [row.name for row in instructions_rows(config_of(plates))]
    assert names[:3] == ["patchcore", "phrases", "phrases, half of the types taught"]
    assert {"clad", "winclip", "padim"} <= set(names)
    assert "multiads" not in names, "it learns from another set"
    with pytest.raises(SpecsightError, match="describe it with --spec"):
        instructions_rows(EvaluationConfig(DataConfig(plates)))


def test_questions_about_parts_leave_out_what_lies_on_a_border(plates: Path) -> None:
    sample = next(s for s in load_dataset(plates).samples if s.id == "plate-left-half-0")
    picture = images.load_picture(sample)
    by_part = {q.text: (q.truth, q.outside) for q in part_questions(sample, picture)}
    assert by_part == {
        f"Inspect the {LEFT} only.": ("reject", False),
        f"Inspect the {RIGHT} only.": ("accept", True),
    }
    ys, xs = np.nonzero(images.anomaly_mask(sample, picture.size))
    moved = np.array(picture.parts)
    moved[ys, :] = np.where(np.arange(64) < np.median(xs), 1, 2)
    astride = type(picture)(picture.rgb, parts=moved)
    assert part_questions(sample, astride) == [], "half of the defect lies on each part"
    assert [q.kind for q in pair_questions(sample)] == ["scope", "scope", "tolerance", "tolerance"]


def test_rewordings_say_the_same_in_other_letters() -> None:
    said = reworded(
        "Do not reject 'spews' that measure 3 mm or less.", (Tolerance(defect="spew", up_to_mm=3),)
    )
    assert said["non-breaking spaces"].count("\u00a0") == 9
    assert "\u2018spews\u2019" in said["curly quotes"]
    assert said["synonyms"] == "Do not refuse 'spews' that are 3 millimetres or less."
    assert said["politeness"].startswith("Please note: Do not reject")
    assert said["politeness"].endswith("Thank you.")
    assert said["paraphrase"] == "We accept a spew as long as it is not longer than 3 mm."
    assert "curly quotes" not in reworded("Inspect the rim only.", ())


def test_types_that_the_specification_lacks_are_taught_by_one_instruction(plates: Path) -> None:
    words = Specification(
        product="plate",
        defects=(DefectType(name="crack"), DefectType(name="dark spot"), DefectType(name="dent")),
        tolerances=(Tolerance(defect="dark spot", up_to_mm=1), Tolerance(defect="dent", up_to_mm=2)),
    )
    half = _half_of_the_types(words)
    assert [defect.name for defect in half.defects] == ["crack", "dent"]
    assert [one.defect for one in half.tolerances] == ["dent"]
    good, spotted = (
        next(s for s in load_dataset(plates).samples if s.id == f"plate-{name}")
        for name in ("test-0", "left-half-0")
    )
    (question,) = name_questions(spotted, ["dark spot", "hole"])
    assert (question.text, question.truth, question.kind) == (
        "Known defects: dark spot, hole.",
        "reject",
        NAME,
    )
    assert [clause.name for clause in question.clauses.known_defects] == ["dark spot", "hole"]
    assert name_questions(good, ["dark spot"]) == name_questions(spotted, ["hole"]) == []


def line_of(picture: int, **more: Any) -> Instructed:
    fields = {
        **{"seed": 0, "id": f"{picture}", "number": 0, "group": None, "kind": NAME, "pair": "", "text": ""},
        **{"truth": "reject", "outside": False, "shows": "hole", "named": {}, "clauses": (), "read": ()},
        **{"answers": {}, "wordings": {}},
    }
    return Instructed(**{**fields, **more})


def test_without_a_threshold_nothing_is_right_or_accepted() -> None:
    answers = dict.fromkeys(("clauses", "text", "ignored"), Answer(None, 1.0, None))
    pair = [
        line_of(0, kind="scope", pair="0 a", truth=truth, answers=answers) for truth in ("accept", "reject")
    ]
    beside = line_of(1, kind=PART, truth="accept", outside=True, answers=answers)
    numbers = instruction_numbers({"plate": Asked([*pair, beside], ())}, 20)
    for name in ("pairs_scope_text", "verdicts_text", "scope_compliance_text"):
        assert np.isnan(numbers[name].value)
        assert numbers[name].reason == "no threshold was calibrated"


def test_differences_are_resampled_in_pairs() -> None:
    """Pictures that rank under the scope as without it: whatever pictures a resample holds, the drop is 0."""
    rng = np.random.default_rng(0)
    scores, defective = rng.normal(size=24), np.arange(24) % 2 == 0
    asked = [
        line_of(k, kind=PART, truth="reject" if defective[k] else "accept", group=f"{k // 2}",
                answers=dict.fromkeys(("clauses", "text", "ignored"), Answer("accept", float(scores[k]), 9.0)))
        for k in range(24)
    ]  # fmt: skip
    alone = [
        Inspection(f"{k}", "", "plate", score, Decision("accept", score, 9.0))
        for k, score in enumerate(scores.tolist())
    ]
    pictures = [
        Prediction(0, one, "defective" if defective[k] else "good", (), "test", (8, 8), "", group=f"{k // 2}")
        for k, one in enumerate(alone)
    ]
    numbers = instruction_numbers({"plate": Asked(asked, pictures)}, 200)
    auroc, drop = numbers["part_auroc_text"], numbers["scope_drop_text"]
    assert auroc.low < auroc.value < auroc.high
    assert drop.value == 0.0
    assert np.isnan(drop.low), "all resamples are equal"


def test_a_pair_calls_for_opposite_verdicts(plates: Path) -> None:
    sample = next(s for s in load_dataset(plates).samples if s.instructions)
    check_pairs([sample])
    same = tuple(replace(one, verdict="accept") for one in sample.instructions)
    for wrong in (same, sample.instructions[:1]):
        with pytest.raises(SpecsightError, match="a pair has two instructions"):
            check_pairs([replace(sample, instructions=wrong)])


def test_names_are_counted_where_a_finding_lies_on_the_defect() -> None:
    named: list[dict[str, str | None]] = [{"text": "holes"}, {"text": "crack"}, {"text": None}, {}]
    lines = [line_of(k, named=one) for k, one in enumerate(named)]
    numbers = instruction_numbers({"plate": Asked(lines, ())}, 0)
    assert numbers["unseen_found_text"].value == 0.75
    assert numbers["unseen_named_text"].value == pytest.approx(1 / 3), "a plural is the same name"
    assert np.isnan(numbers["unseen_named_clauses"].value)


def test_orders_are_compared_with_each_other_and_rewordings_with_the_text() -> None:
    alone = Answer("accept", 1.0, 2.0)
    said = {
        "capitals": Reworded("A", "accept", 1.0),
        TOGETHER: Reworded("A B", "reject", 5.0),
        OTHER_ORDER: Reworded("B A", "reject", 5.5),
    }
    answers = {"text": alone, "clauses": alone, "ignored": alone}
    pair = [
        line_of(0, number=k, kind="scope", pair="p", answers=answers, wordings=said if k else {})
        for k in range(2)
    ]
    numbers = instruction_numbers({"plate": Asked(pair, ())}, 0)
    assert numbers["wording_change_max"].value == pytest.approx(0.5)
    assert numbers["wording_changed"].value == 0.5
    assert numbers["wording_flipped"].value == 0.0
