"""The blind answerer finds what words give away, and no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.support.capped_benchmark import item, items, sample, write_benchmark

from specsight.benchmark.answering.blind import cross_validated, fit_blind
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.running import run_benchmark
from specsight.benchmark.answers import Answer
from specsight.benchmark.files import read_lines
from specsight.benchmark.records import Item

TEXTS = ("a long scratch", "a deep dent", "an oil stain", "a short crack")


def made(leak: str, count: int = 600) -> list[Item]:
    """Questions whose answer is drawn at random, or given away: by its length, its letter, a word of the question."""
    rng, questions = np.random.default_rng(0), []
    for k in range(count):
        order = [TEXTS[n] for n in rng.permutation(4)]
        right = int(rng.integers(4))
        if leak == "letter":
            right = 2
        if leak == "length":
            order[right] += " that reaches over the whole rim of the cap"
        hint = f" Hint: {order[right].split()[-1]}." if leak == "word" else ""
        questions.append(
            item(
                f"s{k}/type/0", f"s{k}", "test", "ABCD"[right], task="type", options=dict(zip("ABCD", order)),
                question=f"What is it?{hint}",
            )
        )  # fmt: skip
    return questions


def accuracy(questions: list[Item]) -> float:
    answered = list(cross_validated(questions))
    assert len(answered) == len(questions)
    return float(np.mean([one.answer == letter for one, letter in answered]))


def test_without_a_leak_it_stays_at_chance() -> None:
    assert abs(accuracy(made("")) - 0.25) < 0.05


def test_whatever_words_give_away_is_found() -> None:
    assert {leak: accuracy(made(leak)) for leak in ("letter", "length", "word")} == {
        "letter": 1.0,
        "length": 1.0,
        "word": 1.0,
    }


def test_a_polarity_of_questions_is_learned_with_the_answer() -> None:
    """ "Free of defects?" and "defective?" have opposite answers, which one weight per option cannot tell."""
    asked = [
        item(f"s{k}", f"s{k}", "train", "AB"[k % 2], options={"A": "Yes", "B": "No"}, question=q)
        for k in range(200)
        for q in [("Is it free of defects?", "Is it defective?")[k % 2]]
    ]
    assert accuracy(asked) == 1.0


def test_it_learns_from_the_train_split_whatever_its_order(tmp_path: Path) -> None:
    train = [one.model_copy(update={"split": "train"}) for one in made("letter", 80)]
    test = [one.model_copy(update={"id": f"t{one.id}"}) for one in made("letter", 20)]
    samples = [sample(one.sample, "train", "good") for one in train]
    bench = write_benchmark(tmp_path / "bench", [*train, *test], samples)
    run_benchmark(bench, "blind", answerer_named("blind"), tmp_path / "run")
    answers = list(read_lines(tmp_path / "run" / "answers.jsonl", Answer))
    assert [one.given for one in answers] == ["C"] * 20
    assert all(
        one.likelihoods is not None and max(one.likelihoods, key=one.likelihoods.__getitem__) == "C"
        for one in answers
    )
    forward, backward = fit_blind(train), fit_blind(train[::-1])
    assert forward is not None
    assert backward is not None
    np.testing.assert_array_equal(forward.weights, backward.weights)


def test_forms_without_options_are_answered_as_the_majority(tmp_path: Path) -> None:
    bench = write_benchmark(tmp_path / "bench", items())
    tally = run_benchmark(bench, "blind", answerer_named("blind"), tmp_path / "run")
    given = {one.item: one.given for one in read_lines(tmp_path / "run" / "answers.jsonl", Answer)}
    assert given["d/description/0"] == "A dent on the rim."
    assert (tally.invalid, sum(tally.failed.values())) == (0, 0)
    assert fit_blind([]) is None
