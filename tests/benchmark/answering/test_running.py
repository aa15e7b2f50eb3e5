"""A run over a benchmark: answers are appended, a killed run goes on, and no item ends it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.capped_benchmark import TYPES, item, items, write_benchmark

from specsight.benchmark.answering.contract import Answerer, AnswererConfig, CannotAnswer, Question, Reply
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.rotating import original_answer, rotate
from specsight.benchmark.answering.running import RunConfig, read_run, run_benchmark
from specsight.benchmark.answering.selecting import Selection
from specsight.benchmark.answers import Answer
from specsight.benchmark.files import Benchmark, read_lines
from specsight.benchmark.splits import FewShot, Splits
from specsight.errors import SpecsightError


@pytest.fixture
def bench(tmp_path: Path) -> Benchmark:
    return write_benchmark(tmp_path / "bench")


def answers(folder: Path) -> list[Answer]:
    return list(read_lines(folder / "answers.jsonl", Answer))


class Scripted(Answerer):
    """Says what it is told to; an exception is raised."""

    parallel = True

    def __init__(self, *replies: str | Exception) -> None:
        self.replies, self.asked = list(replies), list[Question]()

    @property
    def protocol(self) -> Mapping[str, Any]:
        return {"scripted": True}

    def answer(self, question: Question) -> Reply:
        self.asked.append(question)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return Reply(reply, likelihoods={"A": -1.0, "B": -2.0} if question.options else None)


def test_the_oracle_is_always_right_in_every_form(bench: Benchmark, tmp_path: Path) -> None:
    tally = run_benchmark(bench, "oracle", answerer_named("oracle"), tmp_path / "run", RunConfig(rotations=4))
    truth = {one.id: one.answer for one in items()}
    given = answers(tmp_path / "run")
    assert {one.item for one in given} == {one.id for one in items() if one.split == "test"}
    assert [one.given for one in given if one.rotation == 0 and one.item != "d/report/0"] == [
        truth[one.item] for one in given if one.rotation == 0 and one.item != "d/report/0"
    ]
    assert not tally.failed
    assert tally.invalid == 0


def test_an_answerer_is_handed_nothing_that_the_answer_could_be_read_from(
    bench: Benchmark, tmp_path: Path
) -> None:
    scripted = Scripted("A")
    run_benchmark(bench, "scripted", scripted, tmp_path / "run")
    for question in scripted.asked:
        assert question.truth is None
        assert question.clause == {}
        assert not {"answer", "slots", "masks", "conditions", "sample"} & set(vars(question))


def test_letters_are_those_of_the_item_whatever_order_was_shown(tmp_path: Path) -> None:
    bench = write_benchmark(tmp_path / "bench", [item("d/type/0", "d", "test", "B", options=TYPES)])
    scripted = Scripted("A", "D", "C", "B")
    run_benchmark(bench, "scripted", scripted, tmp_path / "run", RunConfig(rotations=9))
    assert [question.options["A"] for question in scripted.asked] == [
        "scratch",
        "dent",
        "stain",
        "none of the above",
    ]
    # "A", "D" (the first text, moved to the end), "C" and "B" all show "scratch".
    assert [(one.rotation, one.given) for one in answers(tmp_path / "run")] == [(k, "A") for k in range(4)]
    assert answers(tmp_path / "run")[1].likelihoods == {"B": -1.0, "C": -2.0}
    assert original_answer("A, B", TYPES, 3) == "A, D"
    assert rotate(TYPES, 0) == TYPES


def test_a_stopped_run_goes_on_and_asks_nothing_twice(bench: Benchmark, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_benchmark(bench, "random", answerer_named("random"), run)
    whole = (run / "answers.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    (run / "answers.jsonl").write_bytes(b"".join(lines[:4]) + lines[4][:20])
    tally = run_benchmark(bench, "random", answerer_named("random"), run)
    assert (tally.before, tally.answered) == (4, len(lines))

    def without_time(content: bytes) -> list[dict[str, Any]]:
        return [{**json.loads(line), "seconds": 0} for line in content.splitlines()]

    assert without_time((run / "answers.jsonl").read_bytes()) == without_time(whole)


@pytest.mark.long
def test_a_killed_process_leaves_what_a_second_one_finishes(tmp_path: Path) -> None:
    made = [item(f"d/anomaly/{k:05}", "d", "test", "A") for k in range(20_000)]
    bench, run = write_benchmark(tmp_path / "bench", made), tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "specsight.cli",
        "benchmark",
        "run",
        str(bench.folder),
        "--model",
        "random",
    ]
    first = subprocess.Popen([*command, "-o", str(run)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (run / "answers.jsonl").is_file() and (run / "answers.jsonl").stat().st_size > 20_000:
            break
        time.sleep(0.005)
    first.kill()
    assert first.wait() == -9
    second = subprocess.run([*command, "-o", str(run)], capture_output=True, text=True)
    assert second.returncode == 0, second.stderr
    assert "20000 answers" in second.stdout
    assert sorted(one.item for one in answers(run)) == [one.id for one in made]


def test_what_goes_wrong_with_an_item_is_noted_in_its_answer(bench: Benchmark, tmp_path: Path) -> None:
    (bench.folder / "e.png").unlink()
    scripted = Scripted(
        "A", SpecsightError("the endpoint stalled"), ZeroDivisionError("of ours"), "no letter here"
    )
    run, config = tmp_path / "run", RunConfig(Selection(tasks=("anomaly", "type"), limit=2))
    tally = run_benchmark(bench, "scripted", scripted, run, config)
    assert dict(tally.failed) == {"the endpoint stalled": 1, "ZeroDivisionError: of ours": 1}
    assert tally.invalid == 1
    assert [one.given is None for one in answers(run)] == [False, True, True, True]
    again = run_benchmark(bench, "scripted", Scripted("B"), run, RunConfig(config.selection, retry=True))
    assert (again.before, again.answered, sum(again.failed.values())) == (2, 4, 0)


def test_a_run_ends_where_no_item_can_be_answered(bench: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(CannotAnswer, match="the key is refused"):
        run_benchmark(bench, "scripted", Scripted("A", CannotAnswer("the key is refused")), tmp_path / "run")
    assert len(answers(tmp_path / "run")) == 1


def test_several_questions_at_once_give_the_same_answers(bench: Benchmark, tmp_path: Path) -> None:
    run_benchmark(bench, "scripted", Scripted("A"), tmp_path / "one")
    run_benchmark(bench, "scripted", Scripted("A"), tmp_path / "many", RunConfig(workers=4))
    assert {(one.item, one.given) for one in answers(tmp_path / "one")} == {
        (one.item, one.given) for one in answers(tmp_path / "many")
    }


def test_answers_under_other_terms_are_not_mixed(bench: Benchmark, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_benchmark(bench, "random", answerer_named("random"), run)
    assert read_run(run).protocol["seed"] == 0
    with pytest.raises(SpecsightError, match="holds answers with another model"):
        run_benchmark(bench, "majority", answerer_named("majority"), run)
    with pytest.raises(SpecsightError, match="another protocol"):
        run_benchmark(bench, "random", answerer_named("random", AnswererConfig(seed=1)), run)
    write_benchmark(bench.folder, [*items(), item("z", "f", "test", "A")])
    with pytest.raises(SpecsightError, match="another digest"):
        run_benchmark(Benchmark(bench.folder), "random", answerer_named("random"), run)
    with pytest.raises(SpecsightError, match="no items that were asked for"):
        run_benchmark(
            bench, "random", answerer_named("random"), tmp_path / "new", RunConfig(Selection("validation"))
        )


def test_the_majority_is_that_of_the_train_split(bench: Benchmark, tmp_path: Path) -> None:
    run_benchmark(bench, "majority", answerer_named("majority"), tmp_path / "run")
    given = {one.item: one.given for one in answers(tmp_path / "run")}
    assert given["e/anomaly/0"] == "A"
    assert given["e/type/0"] == "B"
    assert given["d/location/0"] == "[100, 200, 300, 400]"
    assert given["d/description/0"] == "A dent on the rim."
    moved = [item("d/type/0", "d", "test", "A", task="type", options={"A": "dent", "B": "scratch"})]
    train = [one for one in items() if one.split == "train"]
    bench = write_benchmark(tmp_path / "moved", [*train, *moved])
    run_benchmark(bench, "majority", answerer_named("majority"), tmp_path / "run2")
    assert answers(tmp_path / "run2")[0].given == "A"


def test_chance_is_even_and_depends_on_seed_and_item_alone(tmp_path: Path) -> None:
    made = [item(f"d/type/{k}", "d", "test", "A", options=TYPES) for k in range(2000)]
    bench = write_benchmark(tmp_path / "bench", made)
    run_benchmark(bench, "random", answerer_named("random"), tmp_path / "run")
    given = [one.given for one in answers(tmp_path / "run")]
    assert all(abs(given.count(letter) - 500) < 80 for letter in TYPES)
    some = write_benchmark(tmp_path / "some", made[1000:])
    run_benchmark(some, "random", answerer_named("random"), tmp_path / "less")
    assert [one.given for one in answers(tmp_path / "less")] == given[1000:]


def test_a_limit_draws_equally_and_keeps_pairs_whole(tmp_path: Path) -> None:
    pairs = [
        item(f"d/tolerance/{k}", "d", "test", "A", task="tolerance", pair=f"p{k // 2}") for k in range(40)
    ]
    single = [item(f"d/anomaly/{k}", "d", "test", "A") for k in range(40)]
    bench = write_benchmark(tmp_path / "bench", [*pairs, *single])
    chosen = list(Selection(limit=10).items(bench))
    assert [one.task for one in chosen].count("anomaly") == 10
    of_pairs = [one.pair for one in chosen if one.pair]
    assert len(of_pairs) == 10
    assert all(of_pairs.count(pair) == 2 for pair in of_pairs)
    assert chosen == list(Selection(limit=10).items(bench))
    assert chosen != list(Selection(limit=10, seed=1).items(bench))
    plain = Selection(limit=10, scenarios=False)
    assert all(one.scenario is None for one in plain.items(bench))
    assert Selection.from_json(plain.to_json()) == plain
    assert "scenarios" not in Selection().to_json()
    with pytest.raises(SpecsightError, match="unknown task 'anomoly': did you mean 'anomaly'"):
        Selection(tasks=("anomoly",))


def test_good_parts_of_the_lists_are_shown_with_every_question(bench: Benchmark, tmp_path: Path) -> None:
    lists = tuple(FewShot(product="cap", shots=k, seed=0, samples=("c", "a")[:k]) for k in (1, 2))
    made = Splits(seed=0, shares=None, counts={}, few_shot=lists)
    (bench.folder / "splits.json").write_text(made.model_dump_json())
    scripted = Scripted("A")
    run_benchmark(bench, "scripted", scripted, tmp_path / "run", RunConfig(shots=2))
    assert {tuple(path.name for path in one.references) for one in scripted.asked} == {("c.png", "a.png")}
    assert read_run(tmp_path / "run").protocol["shots"] == 2
    with pytest.raises(SpecsightError, match="no list of 4 shots with seed 0"):
        run_benchmark(bench, "scripted", scripted, tmp_path / "four", RunConfig(shots=4))
    (bench.folder / "splits.json").unlink()
    with pytest.raises(SpecsightError, match="nothing says which parts --shots means"):
        run_benchmark(bench, "scripted", scripted, tmp_path / "none", RunConfig(shots=1))


def test_what_has_no_effect_on_an_answerer_is_refused(bench: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="--workers 2: 'random' is asked one question at a time"):
        run_benchmark(bench, "random", answerer_named("random"), tmp_path / "run", RunConfig(workers=2))
    for config, option in (
        (AnswererConfig(encoder="filters"), "--encoder"),
        (AnswererConfig(image_size=64), "--image-size"),
        (AnswererConfig(part_maps=True), "--part-maps"),
    ):
        with pytest.raises(SpecsightError, match=f"{option} has no effect on 'random': leave it out"):
            answerer_named("random", config)
    assert answerer_named("random", AnswererConfig(seed=3)).protocol["seed"] == 3


def test_words_that_no_file_can_hold_are_written_all_the_same(bench: Benchmark, tmp_path: Path) -> None:
    tally = run_benchmark(bench, "scripted", Scripted("A \ud800"), tmp_path / "run")
    assert tally.answered > 0
    assert sum(tally.failed.values()) == 0
    assert {one.raw for one in answers(tmp_path / "run")} == {"A ?"}
