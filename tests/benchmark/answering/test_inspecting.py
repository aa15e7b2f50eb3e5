"""Inspectors answer a benchmark: looked at once, judged per instruction, and nothing of the truth is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.support.capped_benchmark import item, sample, write_benchmark
from tests.support.caps import YAML, cap, specification

from specsight.benchmark.answering.contract import AnswererConfig, CannotAnswer
from specsight.benchmark.answering.fitted_inspectors import FittedAnswerer
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.running import RunConfig, run_benchmark
from specsight.benchmark.answering.selecting import Selection
from specsight.benchmark.answers import Answer
from specsight.benchmark.files import Benchmark, read_lines
from specsight.benchmark.records import (
    BenchmarkSample,
    Instance,
    Item,
    ItemScope,
    Provenance,
    Split,
)
from specsight.benchmark.splits import FewShot, Splits
from specsight.errors import SpecsightError
from specsight.explain.slots import Slots
from specsight.inspector import Inspector, Observation
from specsight.records import Inspection, Sample

SETTINGS = AnswererConfig(encoder="filters", resolution=128)
VERDICTS = {"A": "Accept", "B": "Reject"}


def pictures(folder: Path) -> list[BenchmarkSample]:
    """Good caps, and one with a dark bar on the rim at the top."""
    folder.mkdir()
    made = []
    for number in range(26):
        rgb, _ = cap(number)
        bad = number == 25
        if bad:
            rgb[22:30, 58:70] = 0
        Image.fromarray(rgb).save(folder / f"c{number:02}.png")
        split: Split = "test" if number >= 24 else "train"
        made.append(sample(f"c{number:02}", split, "defective" if bad else "good", width=128, height=128))
    return made


def items() -> list[Item]:
    """What is asked of a good and of a defective cap."""
    made = []
    for name, label in (("c24", "good"), ("c25", "bad")):
        wrong = label == "bad"
        given: dict[str, Any] = {"category": "cap", "images": (f"{name}.png",)}
        scoped: dict[str, Any] = {"task": "part_scope", "options": VERDICTS, "pair": "p"}
        cells = {
            "A": "In the centre",
            "B": "At the top",
            "C": "At the bottom left",
            "D": "Nowhere, there is no defect",
        }
        rim = {**scoped, "instruction": "Inspect the rim only.", "clause": {"scope": ["rim"]}}
        face = {**scoped, "instruction": "Inspect the face only.", "clause": {"scope": ["face"]}}
        made += [
            item(f"{name}/anomaly/0", name, "test", "A" if wrong else "B", options={"A": "Yes", "B": "No"}, **given),
            item(f"{name}/location/0", name, "test", "B" if wrong else "D", task="location", options=cells, **given),
            item(f"{name}/part_scope/0", name, "test", "B" if wrong else "A", **rim, **given),
            item(f"{name}/part_scope/1", name, "test", "A", **face, **given),
            item(f"{name}/report/0", name, "test", "{}", task="report", form="report", options={}, **given),
        ]  # fmt: skip
    return made


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    folder = tmp_path_factory.mktemp("caps") / "bench"
    made = write_benchmark(folder, items(), pictures(folder))
    (folder / "specification.yaml").write_text(YAML.replace("good/00.png", str(folder / "c00.png")))
    return made


def answers(folder: Path) -> dict[str, str | None]:
    return {one.item: one.given for one in read_lines(folder / "answers.jsonl", Answer)}


@pytest.fixture(scope="module")
def run(bench: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "patchcore"
    tally = run_benchmark(bench, "detector:patchcore", answerer_named("detector:patchcore", SETTINGS), folder)
    assert not tally.failed
    return folder


def test_a_detector_is_right_about_a_plain_defect_under_each_instruction(run: Path) -> None:
    given = answers(run)
    for one in items():
        if one.form == "choice":
            assert given[one.id] == one.answer, one.id
    report = Slots.model_validate_json(str(given["c25/report/0"]))
    assert (report.decision, report.cells, report.parts) == ("reject", ("top",), ("rim",))
    assert Slots.model_validate_json(str(given["c24/report/0"])).decision == "accept"


def test_nothing_of_the_truth_is_read(bench: Benchmark, run: Path, tmp_path: Path) -> None:
    """Every field that the truth stands in is changed, and no answer is."""
    lie = Instance(
        type_raw="x", type="x", box=(0, 0, 9, 9), area_px=81, area_share=0.1, centroid=(4, 4), cells=("top left",),
        length_px=9,
    )  # fmt: skip
    samples = [
        one.model_copy(
            update={
                "label": "unknown", "masks": ("secret.png",), "instances": (lie,), "parts": "secret.png",
                "part_names": {1: "x"}, "conditions": {"defect": "x"}, "text": {"operator_note": "x"}, "source": "x",
            }
        )
        if one.split == "test"
        else one
        for one in bench.samples()
    ]  # fmt: skip
    lies = [
        one.model_copy(
            update={
                "answer": "A", "slots": Slots(decision="accept"), "masks": ("secret.png",), "difficulty": "hard",
                "clause": {"scope": ["x"]}, "scope": ItemScope(parts=("x",)), "pair": "x", "scenario": "S2",
                "provenance": (Provenance(source="model", by="x"),), "phrasing": 9,
            }
        )
        for one in bench.items()
    ]  # fmt: skip
    folder = tmp_path / "lies"
    changed = write_benchmark(folder, lies, samples)
    (folder / "specification.yaml").write_bytes((bench.folder / "specification.yaml").read_bytes())
    out = tmp_path / "run"
    answerer = answerer_named("detector:patchcore", SETTINGS)
    run_benchmark(Benchmark(changed.folder, bench.folder), "detector:patchcore", answerer, out)
    assert answers(out) == answers(run)


def test_a_picture_is_looked_at_once_and_judged_once_per_instruction(
    bench: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, judged = list[str](), list[str]()
    look, judge = Inspector.look, Inspector.judge
    answerer = answerer_named("detector:patchcore", SETTINGS)
    assert isinstance(answerer, FittedAnswerer)
    answerer.prepare(bench)
    answerer.inspector("cap")

    def noted_look(self: Inspector, one: Sample) -> Observation:
        looks.append(one.image.name)
        return look(self, one)

    def noted_judge(self: Inspector, one: Observation, words: str | None = None) -> Inspection:
        judged.append(str(words))
        return judge(self, one, words)

    monkeypatch.setattr(Inspector, "look", noted_look)
    monkeypatch.setattr(Inspector, "judge", noted_judge)
    monkeypatch.setattr(answerer, "prepare", lambda bench: None)
    run_benchmark(bench, "detector:patchcore", answerer, tmp_path / "run")
    assert looks == ["c24.png", "c25.png"]
    assert judged == ["None", "Inspect the rim only.", "Inspect the face only."] * 2


def test_a_saved_model_answers_and_a_gone_picture_fails_alone(bench: Benchmark, tmp_path: Path) -> None:
    good = [bench.folder / f"c{number:02}.png" for number in range(24)]
    folder = tmp_path / "good"
    folder.mkdir()
    for path in good:
        (folder / path.name).write_bytes(path.read_bytes())
    words = specification().model_copy(update={"reference": None, "parts": ()})
    Inspector.fit(folder, detector="patchcore", specification=words, encoder="filters", resolution=128).save(
        tmp_path / "m"
    )
    answerer = answerer_named(str(tmp_path / "m"))
    assert len(answerer.fingerprint) == 64
    made = write_benchmark(tmp_path / "bench", items(), list(bench.samples()))
    for name in ("c25.png",):
        (made.folder / name).write_bytes((bench.folder / name).read_bytes())
    config = RunConfig(Selection(tasks=("anomaly", "location")))
    tally = run_benchmark(made, "m", answerer, tmp_path / "run", config)
    assert sum(tally.failed.values()) == 2
    given = answers(tmp_path / "run")
    assert (given["c24/anomaly/0"], given["c25/anomaly/0"], given["c25/location/0"]) == (None, "A", "B")


def test_names_that_nothing_answers_to_are_refused(bench: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="did you mean 'majority'"):
        answerer_named("majorty")
    with pytest.raises(SpecsightError, match="unknown detector 'patchcor'"):
        answerer_named("detector:patchcor")
    with pytest.raises(SpecsightError, match="has no parameter 'colour'"):
        answerer_named("detector:patchcore", AnswererConfig(settings={"colour": "red"}))
    stranger = item("c24/x", "c24", "test", "A", category="plate")
    made = write_benchmark(tmp_path / "bench", [stranger], list(bench.samples()))
    tally = run_benchmark(made, "d", answerer_named("detector:patchcore", SETTINGS), tmp_path / "run")
    (reason,) = tally.failed
    assert "no good part of 'plate'" in reason
    assert tally.failed[reason] == 1


def test_a_detector_is_fitted_on_the_few_shot_list_alone(bench: Benchmark, tmp_path: Path) -> None:
    made = write_benchmark(tmp_path / "bench", items(), list(bench.samples()))
    (made.folder / "specification.yaml").write_bytes((bench.folder / "specification.yaml").read_bytes())
    few = [
        FewShot(product="cap", shots=k, seed=0, samples=tuple(f"c{n:02}" for n in range(k))) for k in (1, 8)
    ]
    splits = Splits(seed=0, shares=None, counts={}, few_shot=tuple(few))
    (made.folder / "splits.json").write_text(splits.model_dump_json())
    data = Benchmark(made.folder, bench.folder)
    answerer = answerer_named("detector:patchcore", replace(SETTINGS, shots=8))
    assert isinstance(answerer, FittedAnswerer)
    answerer.prepare(data)
    counts = answerer.inspector("cap").counts
    assert counts is not None
    assert counts.learned == 8
    with pytest.raises(CannotAnswer, match="1 good parts of 'cap' give no threshold"):
        run_benchmark(
            data, "d", answerer_named("detector:patchcore", replace(SETTINGS, shots=1)), tmp_path / "run"
        )


def test_a_product_that_nothing_can_be_fitted_to_does_not_end_the_run(
    bench: Benchmark, tmp_path: Path
) -> None:
    """One good part is taken out as a product of its own."""
    samples = [
        one.model_copy(update={"product": "rare cap"}) if number == 0 else one
        for number, one in enumerate(bench.samples())
    ]
    assert (samples[0].split, samples[0].label) == ("train", "good")
    made = write_benchmark(tmp_path / "bench", items(), samples)
    (made.folder / "specification.yaml").write_bytes((bench.folder / "specification.yaml").read_bytes())
    answerer = answerer_named("detector:patchcore", SETTINGS)
    assert isinstance(answerer, FittedAnswerer)
    answerer.prepare(Benchmark(made.folder, bench.folder))
    for _ in range(2):
        with pytest.raises(SpecsightError, match="1 good parts of 'rare cap' give no threshold") as raised:
            answerer.inspector("rare cap")
        assert not isinstance(raised.value, CannotAnswer)
    assert answerer.products() == ["cap"]
    assert answerer.inspector("cap").calibration is not None


def test_products_are_told_apart_by_their_good_parts(bench: Benchmark, tmp_path: Path) -> None:
    """Half of the caps are given out as another product, and are lighter."""
    samples, folder = [], tmp_path / "bench"
    folder.mkdir()
    for number, one in enumerate(bench.samples()):
        light = 0.5 if number % 2 else 1.0
        rgb, _ = cap(number, light=light)
        Image.fromarray(rgb).save(folder / one.image)
        samples.append(one.model_copy(update={"product": "dark cap" if number % 2 else "cap"}))
    names = {"A": "Dark cap", "B": "Cap"}
    asked = [
        item(
            name,
            name,
            "test",
            letter,
            task="object",
            options=names,
            category=product,
            images=(f"{name}.png",),
        )
        for name, letter, product in (("c24", "B", "cap"), ("c25", "A", "dark cap"))
    ]
    made = write_benchmark(folder, asked, samples)
    run_benchmark(made, "d", answerer_named("detector:patchcore", SETTINGS), tmp_path / "run")
    assert answers(tmp_path / "run") == {"c24": "B", "c25": "A"}
