"""The blind answerer: it never sees a picture, and learns from the train split what questions and options give away.

A conditional logit over the options of an item (McFadden 1974): an option's score is linear in hashed words of the
option, alone and beside words of the question, its task, its product, its letter and its length. What it gets right
above chance, anyone can without looking.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.answering.baselines import Majority, no_name
from specsight.benchmark.answering.contract import Answerer, AnswererConfig, Question, Reply, answerers
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Item
from specsight.benchmark.tasks import TOLD_BY_PRODUCT

FEATURES = 2**16
MOST_ITEMS = 12_000
"""Train items that are learned from at most, drawn by the digest of their ids."""
PENALTY = 1.0
"""Of the squared weights, against the sum of log-likelihoods."""
ROUNDS = 60
"""Of L-BFGS."""
WORD = re.compile(r"[a-z0-9]+")


class Asked(Protocol):
    """What is read of an item or a question."""

    @property
    def task(self) -> str: ...  # noqa: D102
    @property
    def category(self) -> str: ...  # noqa: D102
    @property
    def options(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def instruction(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True)
class BlindModel:
    """Weights over hashed features; `fit_blind` makes it."""

    weights: NDArray[np.float64]
    """(FEATURES,)"""
    learned_from: int
    """Items."""

    def probabilities(self, asked: Asked, question: str) -> dict[str, float]:
        """Letter → chance that it is right, for one item or question with its words."""
        scores = np.array([self.weights[row].sum() for row in _rows(asked, question)])
        chances = np.exp(scores - scores.max())
        return dict(zip(asked.options, (chances / chances.sum()).tolist()))

    def letters(self, asked: Asked, question: str, several: bool) -> str:
        """The likeliest letter; with `several`, every letter that is likelier than at even chances."""
        chances = self.probabilities(asked, question)
        if not several:
            return max(chances, key=lambda letter: chances[letter])
        likely = [letter for letter in chances if chances[letter] > 1 / len(chances)]
        return ", ".join(likely or list(chances)[:1])


def fit_blind(items: Iterable[Item]) -> BlindModel | None:
    """Learn from items with options; None where there is none. Deterministic, whatever the order of the items."""
    from scipy.optimize import minimize
    from scipy.sparse import csr_matrix

    chosen = drawn(items)
    if not chosen:
        return None
    rows = [row for item in chosen for row in _rows(item, item.question)]
    sizes = np.array([len(item.options) for item in chosen])
    right = np.concatenate([_right(item) for item in chosen])
    ends = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    columns = np.concatenate(rows)
    data = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), FEATURES))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = data @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        chances = np.exp(scores)
        sums = np.add.reduceat(chances, starts)
        chances /= np.repeat(sums, sizes)
        likelihood = float(right @ (scores - np.log(np.repeat(sums, sizes))))
        gradient = data.T @ (chances - right) + PENALTY * weights
        return -likelihood + PENALTY / 2 * float(weights @ weights), np.asarray(gradient)

    found = minimize(loss, np.zeros(FEATURES), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS})
    return BlindModel(np.asarray(found.x), len(chosen))


def cross_validated(
    items: Sequence[Item], groups: Mapping[str, str] | None = None, folds: int = 5
) -> Iterator[tuple[Item, str]]:
    """Items with options, each with the letters that a model gives it which has learned from other objects' items.

    `groups`: id of a sample → physical object; items of one object are in one fold. None: every sample is one.
    """
    asked = [item for item in items if item.form in ("choice", "choices")]
    names = {item.sample: (groups or {}).get(item.sample, item.sample) for item in asked}
    fold = {sample: zlib.crc32(name.encode("utf-8", "replace")) % folds for sample, name in names.items()}
    for k in range(folds):
        model = fit_blind(item for item in asked if fold[item.sample] != k)
        for item in asked:
            if fold[item.sample] == k and model is not None:
                yield item, model.letters(item, item.question, item.form == "choices")


def permuted(items: Iterable[Item], seed: int) -> list[Item]:
    """The items with their right answers exchanged at random among those that offer the same options.

    Whatever words tell of a picture is gone, and how often each option is right stays (a permutation test, Ojala and
    Garriga 2010): what a model gets right of these, it gets right without a leak.
    """
    alike: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        key = (item.task, item.category, item.split, *sorted(item.options.values()))
        alike.setdefault(key, []).append(item)
    rng = np.random.default_rng(seed)
    exchanged = []
    for same in alike.values():
        texts = [item.options[item.answer] for item in same]
        for item, k in zip(same, rng.permutation(len(same))):
            letter = next(letter for letter, text in item.options.items() if text == texts[int(k)])
            exchanged.append(item.model_copy(update={"answer": letter}))
    return exchanged


class Blind(Answerer):
    """Answers without looking; what has no options, as the majority of the train split does."""

    def __init__(self) -> None:
        self._model: BlindModel | None = None
        self._majority = Majority()

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The learner's constants."""
        return {
            "learned_from": f"train, at most {MOST_ITEMS} items with options",
            "features": FEATURES,
            "penalty": PENALTY,
            "rounds": ROUNDS,
            "without_options": "as the majority",
        }

    def prepare(self, benchmark: Benchmark) -> None:
        """Learn from the train split."""
        self._majority.prepare(benchmark)
        self._model = fit_blind(item for item in benchmark.items() if item.split == "train")

    def answer(self, question: Question) -> Reply:
        """By the words alone."""
        if self._model is None or question.form not in ("choice", "choices"):
            return self._majority.answer(question)
        chances = self._model.probabilities(question, question.text)
        letters = self._model.letters(question, question.text, question.form == "choices")
        return Reply(
            letters, {letter: float(np.log(max(chance, 1e-300))) for letter, chance in chances.items()}
        )


def drawn(items: Iterable[Item]) -> list[Item]:
    """At most `MOST_ITEMS` of the items with options, in the order of the digests of their ids."""
    heap: list[tuple[int, str, Item]] = []
    for item in items:
        if item.form not in ("choice", "choices"):
            continue
        entry = (-int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:8], "big"), item.id, item)
        if len(heap) < MOST_ITEMS:
            heapq.heappush(heap, entry)
        elif entry[:2] > heap[0][:2]:
            heapq.heapreplace(heap, entry)
    return [item for *_, item in sorted(heap, key=lambda one: one[:2], reverse=True)]


def _right(item: Item) -> NDArray[np.float64]:
    """Share of the truth that each option is."""
    letters = [letter.strip() for letter in item.answer.split(",")]
    return np.array([(letter in letters) / len(letters) for letter in item.options])


def _rows(asked: Asked, question: str) -> list[NDArray[np.int64]]:
    """Features of each option, by number."""
    words = dict.fromkeys(WORD.findall(question.casefold()))
    told = dict.fromkeys(WORD.findall((asked.instruction or "").casefold()))
    lengths = sorted(len(text) for text in asked.options.values())
    rows = []
    for letter, text in asked.options.items():
        own = WORD.findall(text.casefold())
        said = [*dict.fromkeys(own), *(f"{a} {b}" for a, b in pairwise(own)), f"={' '.join(own)}"]
        product = "" if asked.task in TOLD_BY_PRODUCT else asked.category
        about = f"{asked.task}|{product}"
        names = [
            f"letter {letter}",
            f"{asked.task} letter {letter}",
            f"{asked.task} length {lengths.index(len(text))} of {len(lengths)}",
            *(f"{asked.task} {one}" for one in said),
            *(f"{about} {one}" for one in said),
            *(f"q {word} {one}" for word in words for one in own),
            *(f"i {word} {one}" for word in told for one in own),
            *(f"both {asked.task}" for one in own if one in words or one in told),
        ]
        rows.append(np.array([zlib.crc32(name.encode()) % FEATURES for name in names], np.int64))
    return rows


@answerers.register("blind")
def blind(rest: str, config: AnswererConfig) -> Answerer:
    """`blind`."""
    no_name("blind", rest)
    config.check_settings("blind", {})
    return Blind()
