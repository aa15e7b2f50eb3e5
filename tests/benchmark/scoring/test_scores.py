"""Golden numbers: small benchmarks whose scores can be counted by hand."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tests.support.answered_benchmark import item, sample, verdict_item, write_benchmark, write_run

from specsight.benchmark.answering.contract import AnswererConfig
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.running import RunConfig, run_benchmark
from specsight.benchmark.answers import Answer
from specsight.benchmark.files import Benchmark
from specsight.benchmark.hiding import HIDDEN
from specsight.benchmark.scoring.reading import read_run
from specsight.benchmark.scoring.scores import Scores, score_run
from specsight.errors import SpecsightError
from specsight.explain.slots import Slots
from specsight.metrics import language_control

FOUR = {"A": "cut", "B": "dent", "C": "stain", "D": "none"}


def scored(folder: Path, samples: list, items: list, answers: object, resamples: int = 0) -> Scores:
    benchmark = write_benchmark(folder / "bench", samples, items)
    write_run(folder / "run", benchmark, answers)  # type: ignore[arg-type]
    return score_run(benchmark, folder / "run", resamples=resamples)


def values(scores: Scores) -> dict[str, float | None]:
    return {name: figure.value for name, figure in scores.figures.items()}


def test_accuracy_by_task_and_by_mmads_rule(tmp_path: Path) -> None:
    """Set one: 1 of 2 good, 2 of 2 defective and 1 of 2 types right; set two: 0 of 1 good, 1 of 1 defective."""
    samples = [
        sample("g1"), sample("g2"), sample("d1", label="defective"), sample("d2", label="defective"),
        sample("g3", source="other"), sample("d3", source="other", label="defective"),
    ]  # fmt: skip
    truths = {s.id: "accept" if s.label == "good" else "reject" for s in samples}
    items = [verdict_item(f"{id_}/anomaly", id_, truth) for id_, truth in truths.items()]
    items += [item(f"{id_}/type", id_, "type", options=FOUR, answer="C") for id_ in ("d1", "d2")]
    answers = {
        "g1/anomaly": "B", "g2/anomaly": "A", "d1/anomaly": "A", "d2/anomaly": "A", "g3/anomaly": None,
        "d3/anomaly": "A", "d1/type": "C", "d2/type": "A",
    }  # fmt: skip
    got = values(scored(tmp_path, samples, items, answers))
    assert got["task/anomaly"] == pytest.approx(4 / 6)
    assert got["task/type"] == 0.5
    assert got["accuracy"] == pytest.approx((4 / 6 + 0.5) / 2)
    assert got["accuracy/all"] == pytest.approx(5 / 8)
    assert got["subtask/Anomaly Detection"] == pytest.approx(((0.5 + 1) / 2 + (0 + 1) / 2) / 2)
    assert got["subtask/Defect Classification"] == 0.5
    assert got["mmad"] == pytest.approx(((0.75 + 0.5) / 2 + 0.5) / 2)
    assert got["over_kill/anomaly"] == pytest.approx(1 / 3)
    assert got["miss/anomaly"] == 0.0
    assert got["undecided/anomaly"] == pytest.approx(1 / 6)
    assert got["invalid"] == pytest.approx(1 / 8)
    assert got["chance/task/anomaly"] == 0.5
    assert got["chance/task/type"] == 0.25
    assert got["chance/accuracy"] == 0.375


def test_wrong_answers_are_over_kill_or_miss_or_undecided(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = [sample(f"s{k}", label="defective" if k % 2 else "good") for k in range(40)]
    items = [
        verdict_item(f"{s.id}/a", s.id, "reject" if s.label == "defective" else "accept") for s in samples
    ]
    answers = {i.id: ["A", "B", None, "Z"][rng.integers(4)] for i in items}
    got = values(scored(tmp_path, samples, items, answers))
    right = [
        np.mean([answers[i.id] == i.answer for i in items if i.slots.decision == truth])
        for truth in ("accept", "reject")
    ]
    over, miss, none = (got[f"{name}/anomaly"] or 0.0 for name in ("over_kill", "miss", "undecided"))
    assert got["task/anomaly"] == pytest.approx(np.mean(right))
    assert over / 2 + miss / 2 + none + np.mean(right) == pytest.approx(1.0)


def test_options_in_every_order(tmp_path: Path) -> None:
    """The first item is right in both orders, the second in one alone, the third was asked in one order alone."""
    items = [verdict_item(f"s{k}/a", f"s{k}", "accept") for k in range(3)]
    answers = [
        Answer(item="s0/a", given="B"), Answer(item="s0/a", given="B", rotation=1), Answer(item="s1/a", given="B"),
        Answer(item="s1/a", given="A", rotation=1), Answer(item="s2/a", given="B"),
    ]  # fmt: skip
    got = values(scored(tmp_path, [sample(f"s{k}") for k in range(3)], items, answers))
    assert got["circular/anomaly"] == got["circular"] == 0.5
    assert got["task/anomaly"] == 1.0
    assert got["letter/B/given"] == 1.0
    assert got["letter/B/true"] == 1.0


def test_an_error_that_a_later_answer_mends_is_none(tmp_path: Path) -> None:
    answers = [
        Answer(item="s/a", error="time-out"),
        Answer(item="s/a", given="B"),
        Answer(item="t/a", error="gone"),
    ]
    items = [verdict_item("s/a", "s", "accept"), verdict_item("t/a", "t", "accept")]
    scores = scored(tmp_path, [sample("s"), sample("t")], items, answers)
    assert values(scores)["task/anomaly"] == 0.5
    assert values(scores)["error"] == 0.5
    assert scores.errors == {"gone": 1}


def paired(tmp_path: Path, answers: dict, likelihoods: dict | None = None) -> tuple[Scores, list]:
    samples = [sample(f"s{k}", label="defective") for k in range(4)]
    items = [
        verdict_item(f"s{k}/part/{n}", f"s{k}", truth, "part_scope", pair=f"p{k}")
        for k in range(4)
        for n, truth in enumerate(("reject", "accept"))
    ]
    samples += [sample("g0"), sample("g1")]
    items += [
        verdict_item(f"{s.id}/a", s.id, "reject" if s.label == "defective" else "accept") for s in samples
    ]
    given = {i.id: answers.get(i.id, i.answer) for i in items}
    lines = [
        Answer(item=id_, given=letter, likelihoods=(likelihoods or {}).get(id_))
        for id_, letter in given.items()
    ]
    return scored(tmp_path, samples, items, lines, resamples=50), items


def test_who_does_not_read_gets_no_pair_right_and_has_no_control_gap(tmp_path: Path) -> None:
    scores, _ = paired(tmp_path, {f"s{k}/part/{n}": "A" for k in range(4) for n in range(2)})
    got = values(scores)
    assert got["pairs"] == got["pairs/part_scope"] == 0.0
    assert got["same"] == 1.0
    assert got["control_gap"] == 0.0
    assert got["part_auroc"] == 0.5
    assert got["scope_drop"] == 0.5
    assert got["scope_compliance"] == 0.0


def test_who_reads_gets_all_of_them(tmp_path: Path) -> None:
    got = values(paired(tmp_path, {})[0])
    assert got["pairs"] == got["part_auroc"] == got["scope_compliance"] == 1.0
    assert got["same"] == got["scope_drop"] == 0.0
    assert got["chance/pairs"] == got["chance/pairs/part_scope"] == 0.25
    assert got["control_gap"] is not None
    assert got["control_gap"] > 0


def test_who_never_answers_has_no_control_gap_and_no_pair(tmp_path: Path) -> None:
    got = values(paired(tmp_path, {f"s{k}/part/{n}": None for k in range(4) for n in range(2)})[0])
    assert (got["pairs"], got["same"], got["control_gap"], got["part_auroc"]) == (0.0, 0.0, 0.0, 0.0)


def test_likelihoods_rank_answers_as_language_control_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    ids = [f"s{k}/part/{n}" for k in range(4) for n in range(2)]
    likelihoods = {id_: {"A": float(a), "B": float(b)} for id_, (a, b) in zip(ids, rng.normal(size=(8, 2)))}
    scores, items = paired(tmp_path, {}, likelihoods)
    truths = [i.slots.decision == "reject" for i in items if i.id in likelihoods]
    margins = [likelihoods[i.id]["A"] - likelihoods[i.id]["B"] for i in items if i.id in likelihoods]
    figure = scores.figures["part_auroc"]
    assert figure.value == pytest.approx(roc_auc_score(truths, margins))
    assert figure.value == pytest.approx(language_control.part_auroc(truths, margins))
    # The words of either question of a pair: the mean over all draws.
    gaps = [
        language_control.control_gap(truths, margins, [margins[k ^ coin] for k, coin in enumerate(coins)])
        for coins in itertools.product((0, 1), repeat=len(ids))
    ]
    gap = float(np.mean(gaps))
    assert scores.figures["control_gap"].value == pytest.approx(gap)
    verdicts = [i.slots.decision == "reject" for i in items if i.task == "anomaly"]
    drop = language_control.scope_drop(verdicts, [float(v) for v in verdicts], truths, margins)
    assert scores.figures["scope_drop"].value == pytest.approx(drop)


def test_scenarios_are_compared_with_the_same_questions_in_plain_words(tmp_path: Path) -> None:
    samples = [sample(f"s{k}") for k in range(4)]
    items = [verdict_item(f"s{k}/a", f"s{k}", "accept") for k in range(4)]
    items += [verdict_item(f"s{k}/n", f"s{k}", "accept", scenario="S1/noun removed") for k in range(3)]
    items += [verdict_item("s3/p", "s3", "accept", scenario="S3")]
    answers = {
        "s0/a": "B",
        "s1/a": "B",
        "s2/a": "A",
        "s3/a": "B",
        "s0/n": "A",
        "s1/n": "A",
        "s2/n": "B",
        "s3/p": "B",
    }
    got = values(scored(tmp_path, samples, items, answers))
    assert got["task/anomaly"] == 0.75
    assert got["scenario/S1/noun removed"] == pytest.approx(1 / 3)
    assert got["change/S1/noun removed"] == pytest.approx(1 / 3 - 2 / 3)
    assert got["flipped/S1/noun removed"] == 1.0
    assert got["scenario/S3"] == 1.0
    assert "change/S3" not in got


def test_auroc_under_a_prompt_is_compared_with_that_under_the_plain_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    samples = [sample(f"s{k}", label="defective" if k % 2 else "good") for k in range(20)]
    items, answers, margins = [], [], {}
    for name in ("plain", "noun removed"):
        for k, one in enumerate(samples):
            truth = "reject" if k % 2 else "accept"
            items.append(verdict_item(f"{one.id}/{name}", one.id, truth, scenario=f"S1/{name}"))
            a, b = rng.normal(size=2)
            margins[name, k] = a - b
            answers.append(
                Answer(item=items[-1].id, given="A" if a > b else "B", likelihoods={"A": a, "B": b})
            )
    got = values(scored(tmp_path, samples, items, answers))
    bad = [k % 2 == 1 for k in range(20)]
    plain, removed = (
        roc_auc_score(bad, [margins[name, k] for k in range(20)]) for name in ("plain", "noun removed")
    )
    assert got["scenario_auroc/S1/noun removed"] == pytest.approx(removed)
    assert got["change_auroc/S1/noun removed"] == pytest.approx(removed - plain)
    assert "change/S1/plain" not in got
    flipped = np.mean([(margins["plain", k] > 0) != (margins["noun removed", k] > 0) for k in range(20)])
    assert got["flipped/S1/noun removed"] == pytest.approx(flipped)


def test_hidden_answers_are_not_scored(tmp_path: Path) -> None:
    hidden = verdict_item("s/a", "s", "accept").model_copy(update={"answer": HIDDEN + "0" * 64})
    with pytest.raises(SpecsightError, match="are hidden"):
        scored(tmp_path, [sample("s")], [hidden], {"s/a": "B"})


def test_boxes_are_counted_at_several_overlaps(tmp_path: Path) -> None:
    items = [
        item(f"s{k}/b", f"s{k}", "location", form="box", options={}, answer="[0, 0, 100, 100]")
        for k in range(3)
    ]
    answers = {"s0/b": "[0, 0, 100, 100]", "s1/b": "[0, 0, 100, 40]", "s2/b": "nowhere"}
    got = values(scored(tmp_path, [sample(f"s{k}") for k in range(3)], items, answers))
    assert got["box/iou"] == pytest.approx(1.4 / 3)
    assert (got["box/acc@0.1"], got["box/acc@0.3"], got["box/acc@0.5"]) == pytest.approx(
        (2 / 3, 2 / 3, 1 / 3)
    )
    assert got["task/location"] == pytest.approx(1 / 3)


def test_scores_are_written_beside_the_answers(tmp_path: Path) -> None:
    scores = scored(tmp_path, [sample("s")], [verdict_item("s/a", "s", "accept")], {"s/a": "B"})
    read = Scores.model_validate_json((tmp_path / "run" / "scores.json").read_text())
    assert read == scores
    assert (scores.asked, scores.total) == (1, 1)


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    benchmark = write_benchmark(tmp_path / "bench", [sample("s")], [verdict_item("s/a", "s", "accept")])
    with pytest.raises(SpecsightError, match=r"no run of a benchmark.*run\.json"):
        read_run(benchmark, tmp_path)
    run = write_run(tmp_path / "run", benchmark, {"s/other": "B"})
    with pytest.raises(SpecsightError, match="answers 's/other', which the run was not to ask"):
        read_run(benchmark, run)
    write_run(tmp_path / "run", benchmark, {"s/a": "B"})
    other = write_benchmark(tmp_path / "bench", [sample("s")], [verdict_item("s/a", "s", "reject")])
    with pytest.raises(SpecsightError, match="answers to other items"):
        read_run(other, run)
    write_run(tmp_path / "run", other, {})
    with pytest.raises(SpecsightError, match="no answer yet"):
        read_run(other, run)


def test_a_part_of_the_questions_is_scored_as_a_part(tmp_path: Path) -> None:
    items = [
        verdict_item("s/a", "s", "accept"),
        verdict_item("t/a", "t", "accept"),
        item("t/d", "t", slots=Slots()),
    ]
    benchmark = write_benchmark(tmp_path / "bench", [sample("s"), sample("t")], items)
    scores = score_run(benchmark, write_run(tmp_path / "run", benchmark, {"s/a": "B"}), resamples=0)
    assert (scores.asked, scores.total) == (1, 3)
    assert values(scores)["accuracy"] == 1.0


def test_the_oracle_is_right_in_every_order_of_options(tmp_path: Path) -> None:
    items = [verdict_item(f"s{k}/a", f"s{k}", "accept") for k in range(4)]
    items += [item(f"s{k}/t", f"s{k}", "type", options=FOUR, answer="ABCD"[k]) for k in range(4)]
    items += [
        item(f"s{k}/m", f"s{k}", "type", form="choices", options=FOUR, answer="A, C", pair=None)
        for k in range(4)
    ]
    benchmark = write_benchmark(tmp_path / "bench", [sample(f"s{k}") for k in range(4)], items)
    config = RunConfig(rotations=4)
    run_benchmark(benchmark, "oracle", answerer_named("oracle", AnswererConfig()), tmp_path / "run", config)
    got = values(score_run(benchmark, tmp_path / "run", resamples=0))
    assert got["circular"] == got["circular/type"] == got["accuracy"] == got["mmad"] == 1.0


def test_accuracy_by_product_difficulty_and_condition(tmp_path: Path) -> None:
    samples = [
        sample(
            f"s{k}", conditions={"light": "grazing" if k < 2 else "dark", "serial": str(k)} if k < 30 else {}
        )
        for k in range(40)
    ]
    items = [
        verdict_item(
            f"s{k}/a", f"s{k}", "accept", category="cap" if k % 2 else "lid", difficulty="hard" if k else None
        )
        for k in range(40)
    ]
    got = values(
        scored(tmp_path, samples, items, {i.id: "B" if k in (0, 2) else "A" for k, i in enumerate(items)})
    )
    assert got["by/light/grazing"] == 0.5
    assert got["by/light/dark"] == pytest.approx(1 / 28)
    assert (got["by/product/cap"], got["by/product/lid"]) == (0.0, 0.1)
    assert not [name for name in got if name.startswith(("by/serial", "by/difficulty"))]


def test_what_answers_took_is_added_up(tmp_path: Path) -> None:
    answers = [
        Answer(item="s/a", given="B", seconds=0.5, tokens_read=10, tokens_written=1, cost=0.25),
        Answer(item="s/a", given="B", rotation=1, seconds=1.5, tokens_read=10, cost=0.5),
    ]
    scores = scored(tmp_path, [sample("s")], [verdict_item("s/a", "s", "accept")], answers)
    assert scores.costs == {
        "answers": 2, "seconds": 2.0, "median_seconds": 1.0, "tokens_read": 20, "tokens_written": 1, "money": 0.75,
    }  # fmt: skip


def test_a_run_that_was_cut_off_says_how_it_goes_on(tmp_path: Path) -> None:
    paired(tmp_path, {}, {})
    (run,) = {path.parent for path in tmp_path.rglob("answers.jsonl")}
    with (run / "answers.jsonl").open("a") as file:
        file.write('{"item": "half')
    (bench,) = {path.parent for path in tmp_path.rglob("benchmark.json")}
    with pytest.raises(SpecsightError, match="call benchmark run again"):
        score_run(Benchmark(bench), run)
