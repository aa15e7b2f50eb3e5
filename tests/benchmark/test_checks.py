"""A sound benchmark passes every check, and each kind of damage is found by the check that is there for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pycocotools")

from click.testing import CliRunner
from tests.support.small_benchmark import small_items, write_small_benchmark

from specsight.benchmark.checks import Result, check_benchmark, checks, failures
from specsight.benchmark.checks.readability import school_year
from specsight.benchmark.files import Benchmark, write_lines, write_manifest
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.cli import cli
from specsight.explain.slots import Slots

QUICK = ("structure", "truth", "letters", "lengths", "duplicates", "leakage", "pictures", "readability")


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    """Small, with a whole pair, and a train picture as reference."""
    benchmark = write_small_benchmark(tmp_path)
    return _changed(benchmark, items=[*sound_items()], samples=list(_sound_samples(benchmark)))


def sound_items() -> Iterator[Item]:
    for item in small_items():
        if item.sample != "good":
            yield item.model_copy(update={"reference_images": ("good.png",)})
        if item.pair:
            update = {"id": "scratch/part_scope/1", "answer": "A", "instruction": "Inspect the face only."}
            yield item.model_copy(update=update)
        elif item.sample == "good":
            yield item.model_copy(update={"split": "train"})


def _sound_samples(benchmark: Benchmark) -> Iterator[BenchmarkSample]:
    for sample in benchmark.samples():
        yield sample if sample.id != "good" else sample.model_copy(update={"split": "train"})


def _changed(benchmark: Benchmark, **lines: list[Any]) -> Benchmark:
    """The benchmark with other lines, and a manifest that is true for them."""
    for name, records in lines.items():
        write_lines(benchmark.folder / f"{name}.jsonl", records)
    counts: dict[str, int] = {"samples": sum(1 for _ in benchmark.samples()), "items": 0}
    for item in benchmark.items():
        for name in ("items", f"items/{item.task}"):
            counts[name] = counts.get(name, 0) + 1
    write_manifest(benchmark.folder, benchmark.manifest.model_copy(update={"counts": counts}))
    return Benchmark(benchmark.folder)


def _result(benchmark: Benchmark, name: str) -> Result:
    (result,) = check_benchmark(benchmark, [name])
    return result


def test_a_sound_benchmark_passes(benchmark: Benchmark) -> None:
    results = check_benchmark(benchmark, QUICK)
    assert [(one.name, one.status, one.problems) for one in results] == [
        (name, "passes", ()) for name in QUICK
    ]
    assert failures(results) == []


def _item(**update: Any) -> Callable[[list[Item]], list[Item]]:
    return lambda items: [items[0].model_copy(update=update), *items[1:]]


DAMAGED_ITEMS: dict[str, tuple[str, Callable[[list[Item]], list[Item]], str]] = {
    "no such option": ("structure", _item(answer="C"), "none of the options"),
    "same options": ("structure", _item(options={"A": "Yes.", "B": "yes. "}), "two options are the same"),
    "id twice": ("structure", lambda items: [*items, items[0]], "not unique"),
    "half a pair": (
        "structure",
        lambda items: [i for i in items if i.id != "scratch/part_scope/1"],
        "matched pair",
    ),
    "the same answer twice": (
        "structure",
        lambda items: [i.model_copy(update={"answer": "B"}) if i.pair else i for i in items],
        "not two opposite answers",
    ),
    "a third of a pair": (
        "structure",
        lambda items: [
            *items,
            *(i.model_copy(update={"id": "scratch/part_scope/2"}) for i in items if i.pair),
        ][:-1],
        "not two opposite answers",
    ),
    "no pair": (
        "structure",
        lambda items: [i.model_copy(update={"pair": None}) for i in items],
        "matched pairs",
    ),
    "other split": ("structure", _item(split="test"), "another split"),
    "form": ("structure", _item(form="report", answer="{}"), "form"),
    "decision": ("truth", _item(slots=Slots(decision="reject")), "decision is not the sample's"),
    "type": ("truth", _item(slots=Slots(types=("hole",))), "does not have"),
    "count": ("truth", _item(slots=Slots(count=7)), "number that no type"),
    "cell": ("truth", _item(slots=Slots(cells=("centre",))), "cell without a defect"),
    "asked twice": ("duplicates", lambda i: [*i, i[0].model_copy(update={"id": "x"})], "asked twice"),
    "test as reference": ("leakage", _item(reference_images=("scratch.png",)), "not of the train split"),
    "own part": ("leakage", _item(reference_images=("good.png",)), "same part"),
    "file name": ("leakage", _item(question="What is in good.png?"), "names the picture's file"),
    "no file": ("pictures", _item(images=("gone.png",)), "not there"),
    "out of the folder": ("pictures", _item(images=("../bench/items.jsonl",)), "outside of the data folder"),
}


@pytest.mark.parametrize("name", DAMAGED_ITEMS)
def test_a_damaged_item_is_found(benchmark: Benchmark, name: str) -> None:
    check, damage, words = DAMAGED_ITEMS[name]
    items = damage(list(benchmark.items()))
    result = _result(_changed(benchmark, items=items), check)
    assert result.status == "fails"
    assert any(words in line for line in result.problems), result.problems


def _defect(**update: Any) -> Callable[[BenchmarkSample], BenchmarkSample]:
    def damage(sample: BenchmarkSample) -> BenchmarkSample:
        first, *others = sample.instances
        return sample.model_copy(update={"instances": (first.model_copy(update=update), *others)})

    return damage


DAMAGED_SAMPLES: dict[str, tuple[str, Callable[[BenchmarkSample], BenchmarkSample], str]] = {
    "box": (
        "truth",
        lambda sample: _defect(box=(0, 0, 5, 5))(sample.model_copy(update={"masks": ("mask.png",)})),
        "box is not the mask's",
    ),
    "box of the set": ("truth", _defect(box=(0, 0, 5, 5)), "mask is not inside the box"),
    "box off the picture": ("truth", _defect(box=(50, 10, 70, 14)), "not on its picture"),
    "area": ("truth", _defect(area_px=3), "area"),
    "cells": ("truth", _defect(cells=("left",)), "cells"),
    "centroid": ("truth", _defect(centroid=(59.0, 39.0)), "centroid"),
    "part in two splits": ("leakage", lambda s: s.model_copy(update={"group": "good"}), "two splits"),
    "same picture": (
        "duplicates",
        lambda s: s.model_copy(update={"sha256": "0" * 64}),
        "the same picture under two names",
    ),
    "changed picture": ("pictures", lambda s: s.model_copy(update={"sha256": "1" * 64}), "has changed"),
    "good with defects": ("structure", lambda s: s.model_copy(update={"label": "good"}), "good sample"),
}


@pytest.mark.parametrize("name", DAMAGED_SAMPLES)
def test_a_damaged_sample_is_found(benchmark: Benchmark, name: str) -> None:
    check, damage, words = DAMAGED_SAMPLES[name]
    alike = {"same picture": ("boxed", "scratch")}.get(name, ("scratch",))
    samples = [damage(one) if one.id in alike else one for one in benchmark.samples()]
    result = _result(_changed(benchmark, samples=samples), check)
    assert result.status == "fails"
    assert any(words in line for line in result.problems), result.problems


def _many(benchmark: Benchmark, answer: Callable[[int], str], right: str, wrong: str) -> Benchmark:
    """80 items of two samples with three options, whose right one reads `right`."""
    (pattern,) = (one for one in small_items() if one.task == "type")
    items = []
    for k in range(80):
        letter, sample = answer(k), "boxed" if k < 40 else "scratch"
        update: dict[str, Any] = {
            "id": f"{sample}/type/{k}",
            "sample": sample,
            "form": "choice",
            "answer": letter,
        }
        update["options"] = {one: f"{right if one == letter else wrong} {one}" for one in "ABC"}
        items.append(pattern.model_copy(update={**update, "question": f"What {k}?"}))
    return _changed(benchmark, items=items)


def test_a_letter_that_is_the_answer_too_often_is_found(benchmark: Benchmark) -> None:
    assert _result(_many(benchmark, lambda k: "ABC"[k % 3], "word", "word"), "letters").status == "passes"
    result = _result(_many(benchmark, lambda k: "A" if k % 2 else "ABC"[k % 3], "word", "word"), "letters")
    assert (result.status, "A in" in result.problems[0]) == ("fails", True)


def test_answers_that_are_longer_are_found(benchmark: Benchmark) -> None:
    result = _result(_many(benchmark, lambda k: "ABC"[k % 3], "a much longer word", "word"), "lengths")
    assert result.status == "fails"
    assert len(result.problems) == 2


def test_what_words_give_away_is_found(benchmark: Benchmark) -> None:
    told = _result(_many(benchmark, lambda k: "ABC"[k % 3], "cracked", "whole"), "words_alone")
    assert told.status == "fails"
    assert "all tasks" in told.problems[0]
    # One word of the question tells the verdict, though every verdict is right equally often.
    items = []
    for k, item in enumerate(_many(benchmark, lambda k: "ABC"[k % 3], "word", "word").items()):
        word = ("zulu", "yankee", "xray")["ABC".index(item.answer)]
        items.append(item.model_copy(update={"question": f"What is it, {word} {k}?"}))
    leaking = _result(_changed(benchmark, items=items), "words_alone")
    assert leaking.status == "fails"
    hidden = _result(_many(benchmark, lambda k: "ABC"[(k * 7 + k // 5) % 3], "word", "word"), "words_alone")
    assert hidden.status == "passes", hidden.problems


def test_a_line_that_cannot_be_read_fails_and_the_rest_is_not_run(benchmark: Benchmark) -> None:
    with (benchmark.folder / "items.jsonl").open("a") as file:
        file.write("{\n")
    results = check_benchmark(benchmark, ["structure", "letters"])
    assert [one.status for one in results] == ["fails", "not run", "not run"]
    assert len(failures(results)) == 3


def test_changed_files_are_found(benchmark: Benchmark) -> None:
    with (benchmark.folder / "descriptions.jsonl").open("a") as file:
        file.write("\n")
    assert "descriptions.jsonl" in _result(benchmark, "structure").problems[0]


def test_the_verb_names_what_fails(benchmark: Benchmark) -> None:
    arguments = ["benchmark", "check", str(benchmark.folder), "--only", "pictures"]
    passed = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert (passed.return_value, passed.output[:6]) == (0, "passes")
    (benchmark.data / "good.png").unlink()
    failed = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert failed.return_value == 1
    assert "good.png" in failed.output


def test_the_readability_index_is_the_published_one() -> None:
    # 5 words, 19 characters, 2 sentences.
    assert school_year("Look here. Is it cracked?") == pytest.approx(4.71 * 19 / 5 + 0.5 * 5 / 2 - 21.43)
    assert school_year(" - ") == 0.0


def test_every_check_has_a_title() -> None:
    assert all(check.title and check.name == name for name, check in checks.items())
