"""The run folder: complete lines, safe names, nothing mixed up, nothing lost in a crash."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.synthetic_run import make_run

from specsight.errors import SpecsightError
from specsight.records import Decision, Defect, Finding, Inspection
from specsight.runs.folder import PREDICTIONS, RunFolder
from specsight.runs.predictions import Prediction, SkippedPicture, file_name, relative

anything = st.text(st.characters(codec=None), max_size=300)


@settings(deadline=None)
@given(ids=st.lists(anything, min_size=2, max_size=6, unique=True))
def test_every_id_gets_a_portable_file_name_of_its_own(ids: list[str]) -> None:
    names = [file_name(id_) for id_ in ids]
    assert len(set(names)) == len(ids)
    for name in names:
        assert 8 <= len(name) <= 80
        assert name.isascii()
        assert not set(name) & set('/\\:*?"<>| \0')
        assert not name.startswith(".")


@settings(max_examples=50, deadline=None)
@given(id_=anything, text=anything, score=st.floats(allow_nan=False, allow_infinity=False))
def test_a_prediction_survives_its_line(id_: str, text: str, score: float) -> None:
    finding = Finding((0, 1, 5, 6), (2.5, 3.5), 12, 7.0, 1.5, "top left", type=text or None, length_mm=0.5)
    decision = Decision("reject", score, None, counted=(finding,))
    prediction = Prediction(
        seed=3,
        inspection=Inspection(id_, text, "p", score, decision, (finding,), text, {"look": 0.25}),
        label="defective",
        types=("a", "b"),
        split="test",
        size=(4, 7),
        map="maps/3/x.tiff",
        digest="ab",
        group=text,
        circular=True,
        conditions={"light": text},
        defects=(
            Defect("a", mask=Path("m/1.png"), mask_value=2),
            Defect("b", box=(0, 0, 2, 2), saturation=0.5),
        ),
    )
    line = json.dumps(prediction.to_json())
    assert "\n" not in line
    assert Prediction.from_json(json.loads(line)) == prediction


def test_a_line_of_version_0_1_is_read() -> None:
    """It has a verdict and a threshold, and no decision."""
    line = {
        "id": "a", "image": "a.png", "product": "cap", "score": 2.0, "threshold": 1.5, "verdict": "reject",
        "findings": [
            {"box": [0, 1, 5, 6], "centroid": [2.5, 3.5], "area_px": 12, "length_px": 7.0, "peak": 1.5,
             "place": "top left", "type": None, "type_score": None, "part": None, "area_mm2": None,
             "length_mm": None, "severity": None}
        ],
        "statement": "Rejected.", "seconds": {"look": 0.25}, "seed": 3, "label": "defective", "types": ["dent"],
        "split": "test", "size": [4, 7], "map": "maps/3/a.tiff", "digest": "ab", "group": None, "circular": False,
        "conditions": {}, "defects": [{"type": "dent", "mask": "m/a.png", "mask_above": 0,
                                       "relative_saturation": False}],
    }  # fmt: skip
    prediction = Prediction.from_json(line)
    assert (prediction.inspection.verdict, prediction.inspection.threshold) == ("reject", 1.5)
    assert prediction.inspection.decision.counted == prediction.inspection.findings
    assert prediction.inspection.findings[0].box == (0, 1, 5, 6)
    assert prediction.defects == (Defect("dent", mask=Path("m/a.png"), mask_above=0),), "as it was measured"


def test_a_torn_last_line_is_dropped_and_everything_before_it_stays(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=3, defective=2))
    before = run.predictions()
    with (run.path / PREDICTIONS).open("ab") as file:
        file.write(b'{"id": "torn", "seed": 0, "sco')
    assert run.predictions() == before
    run.repair()
    assert (run.path / PREDICTIONS).read_bytes().endswith(b"}\n")
    assert run.predictions() == before
    assert len(before) == 5


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=2, defective=1))
    lines = (run.path / PREDICTIONS).read_text().splitlines()
    (run.path / PREDICTIONS).write_text("\n".join([lines[0], "garbage", lines[2]]) + "\n")
    with pytest.raises(SpecsightError, match="line 2: damaged"):
        run.predictions()


def test_the_last_answer_about_a_picture_counts(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=2, defective=1))
    first = run.predictions()[0]
    changed = Prediction.from_json(first.to_json() | {"score": 77.0})
    run.add(changed, run.map(first))
    assert [p.inspection.score for p in run.predictions() if p.id == first.id] == [77.0]
    assert len(run.predictions()) == 3


def test_a_skipped_picture_is_forgotten_once_it_could_be_judged(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=2, defective=0))
    judged = run.predictions()[0].id
    run.skip(SkippedPicture(judged, "a.png", "was empty", "judge"))
    run.skip(SkippedPicture("other", "b.png", "is empty", "judge"))
    run.skip(SkippedPicture("other", "b.png", "is still empty", "judge"))
    assert [(s.id, s.reason) for s in run.skipped()] == [("other", "is still empty")]


def test_maps_come_back_bit_for_bit(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=1, defective=0))
    prediction = run.predictions()[0]
    map_ = np.random.default_rng(0).normal(size=prediction.size).astype(np.float32)
    run.add(prediction, map_)
    assert np.array_equal(run.map(prediction), map_)


def test_a_damaged_map_is_one_clear_line(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=1, defective=0))
    prediction = run.predictions()[0]
    (run.path / prediction.map).write_bytes(b"II*\0 not really")
    with pytest.raises(SpecsightError, match=r"the map .*\.tiff.*run again into another --out"):
        run.map(prediction)


def test_a_map_outside_the_run_folder_is_refused(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=1, defective=0))
    hostile = Prediction.from_json(run.predictions()[0].to_json() | {"map": "../../etc/passwd"})
    with pytest.raises(SpecsightError, match="outside"):
        run.map(hostile)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("text")
    with pytest.raises(SpecsightError, match=r"holds 'holiday\.txt'"):
        RunFolder(tmp_path).claim({"kind": "evaluation"})
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.txt"]


def test_another_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.claim({"kind": "evaluation", "resolution": 320, "seeds": [0]})
    run.claim({"kind": "evaluation", "resolution": 320, "seeds": [0]})
    with pytest.raises(SpecsightError, match="resolution = 320, not 256"):
        run.claim({"kind": "evaluation", "resolution": 256, "seeds": [0]})


def test_a_full_disk_is_one_line_that_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(make_run(tmp_path, good=2, defective=0))
    before = run.predictions()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("specsight.runs.folder.os.fsync", full)
    with pytest.raises(SpecsightError, match=r"No space left on device.*run the same command again"):
        run.skip(SkippedPicture("x", "x.png", "why", "judge"))
    with pytest.raises(SpecsightError, match="No space left on device") as caught:
        run.add(before[0], run.map(before[0]))
    assert "\n" not in str(caught.value)
    assert run.predictions() == before


def test_paths_inside_the_data_become_relative_to_it(tmp_path: Path) -> None:
    assert relative(tmp_path / "a" / "b.png", tmp_path) == "a/b.png"
    assert relative(tmp_path / "b.png", tmp_path / "a") == str(tmp_path.resolve() / "b.png")


def tampered(run: Path, place: str, value: object) -> None:
    """Put `value` at a dotted place of the second line of predictions."""
    file = run / PREDICTIONS
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    *way, last = place.split(".")
    target = lines[1]
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[last] = value
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


CLAUSE = {"clause": {"kind": "ignore", "defect": "scratch"}}


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("score", "high", "score: Input should be a valid number"),
        ("score", float("nan"), "score: Input should be a finite number"),
        ("id", 7, "id: Input should be an instance of str"),
        ("seed", True, "seed: Input should be a valid integer"),
        ("verdict", "maybe", "verdict: Input should be 'accept' or 'reject'"),
        ("findings", [1], "findings.0: Input should be a valid dictionary"),
        ("size", [4], "size: List should have at least 2 items"),
        ("defects", [{"type": "a", "box": [1]}], "defects.0.box: List should have at least 4 items"),
        ("conditions", {"light": 1}, "conditions.light: Input should be an instance of str"),
        ("decision", {}, "decision.score: Field required"),
        ("decision.deciding", {"kind": "ignroe"}, "unknown kind of clause 'ignroe': did you mean 'ignore'"),
        ("decision.deciding", {"kind": ["ignore"]}, "unknown kind of clause"),
        ("decision.deciding", {"kind": "ignore"}, "ignore clause: defect: Field required"),
        ("decision.deciding", {**CLAUSE["clause"], "confidence": 2}, "confidence: Input should be less than or equal"),
        ("decision.deciding", "ignore", "decision.deciding: Input should be a valid dictionary"),
        ("decision.observed", [{"finding": 99, **CLAUSE}], "the decision speaks of finding 99, and there are"),
        ("decision.observed", [{"finding": -1, **CLAUSE}], "decision.observed.0.finding: Input should be greater"),
        ("decision.not_applied", [CLAUSE], "decision.not_applied.0.reason: Field required"),
    ],
)  # fmt: skip
def test_a_tampered_prediction_is_named_by_file_line_and_value(
    tmp_path: Path, place: str, value: object, words: str
) -> None:
    run = make_run(tmp_path / "run")
    tampered(run, place, value)
    with pytest.raises(SpecsightError) as told:
        RunFolder(run).predictions()
    assert f"'{run / PREDICTIONS}', line 2: damaged (" in str(told.value)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("line", ["[]", "1", "null", "{}", "NaN", "[" * 100_000])
@pytest.mark.parametrize("name", [PREDICTIONS, "skipped.jsonl"])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, name: str, line: str) -> None:
    run = make_run(tmp_path / "run")
    (run / name).write_text(line + "\n")
    with pytest.raises(SpecsightError, match=rf"{name}', line 1: damaged \("):
        RunFolder(run).skipped()


@pytest.mark.parametrize("content", ["1", "[1]", "null", "[" * 100_000])
def test_a_json_file_that_holds_no_object_is_named(tmp_path: Path, content: str) -> None:
    run = make_run(tmp_path / "run")
    (run / "metrics.json").write_text(content)
    with pytest.raises(SpecsightError, match=r"metrics\.json' is damaged"):
        RunFolder(run).metrics()
