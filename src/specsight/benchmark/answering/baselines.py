"""What answers without understanding anything: at random, with the majority of the train split, and with the truth."""

from __future__ import annotations

import json
import statistics
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from specsight.benchmark.answering.contract import Answerer, AnswererConfig, Question, Reply, answerers
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Item
from specsight.benchmark.tasks import Form, Task
from specsight.errors import SpecsightError

KEPT = 200
"""Texts of the train split that are remembered for each task."""


def no_name(answerer: str, rest: str) -> None:
    """Raise SpecsightError where something stands behind an answerer's name that takes nothing."""
    if rest:
        raise SpecsightError(f"answerer '{answerer}' stands alone: leave out ':{rest}'")


def generator_of(seed: int, id_: str) -> np.random.Generator:
    """Randomness of one item, whatever is asked before it."""
    return np.random.default_rng([seed, zlib.crc32(id_.encode("utf-8", "replace"))])


class Chance(Answerer):
    """Every option equally often; boxes, points and the train split's texts at random."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._texts: dict[tuple[Task, Form], list[str]] = {}

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The seed, and where texts come from."""
        return {"seed": self.seed, "texts": f"of at most {KEPT} train items a task"}

    def prepare(self, benchmark: Benchmark) -> None:
        """Remember a fair sample of the train split's texts."""
        seen: Counter[tuple[Task, Form]] = Counter()
        rng = np.random.default_rng(self.seed)
        for item in benchmark.items():
            if item.split != "train" or item.form not in ("text", "report"):
                continue
            kind = (item.task, item.form)
            seen[kind] += 1
            kept = self._texts.setdefault(kind, [])
            if len(kept) < KEPT:
                kept.append(item.answer)
            elif (place := int(rng.integers(seen[kind]))) < KEPT:
                kept[place] = item.answer

    def answer(self, question: Question) -> Reply:
        """Drawn by the seed, the item's id and the order of its options.

        A text for which the train split has none is left empty: invalid.
        """
        rng = generator_of(self.seed, "/".join((question.id, *question.options.values())))
        letters = list(question.options)
        if question.form == "choice":
            return Reply(letters[int(rng.integers(len(letters)))])
        if question.form == "choices":
            chosen = [letter for letter in letters if rng.random() < 0.5]
            return Reply(", ".join(chosen or [letters[int(rng.integers(len(letters)))]]))
        if question.form == "box":
            (x0, x1), (y0, y1) = (sorted(rng.choice(1001, 2, replace=False).tolist()) for _ in "xy")
            return Reply(json.dumps([x0, y0, x1, y1]))
        if question.form == "point":
            return Reply(json.dumps(rng.integers(0, 1001, 2).tolist()))
        texts = self._texts.get((question.task, question.form), [])
        return Reply(texts[int(rng.integers(len(texts)))] if texts else "")


class Majority(Answerer):
    """What is right most often in the train split: by an option's text where it is known, else by its letter."""

    def __init__(self) -> None:
        self._texts: dict[tuple[Task, Form], Counter[str]] = defaultdict(Counter)
        self._letters: dict[tuple[Task, Form], Counter[str]] = defaultdict(Counter)
        self._places: dict[tuple[Task, Form], list[list[float]]] = defaultdict(list)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What is done where the train split asks nothing of a kind."""
        return {"learned_from": "train", "tasks_without_train_items": "the first option; no text"}

    def prepare(self, benchmark: Benchmark) -> None:
        """Count the answers of the train split."""
        for item in benchmark.items():
            if item.split == "train":
                self._count(item)

    def _count(self, item: Item) -> None:
        kind = (item.task, item.form)
        if item.form in ("box", "point"):
            self._places[kind].append(json.loads(item.answer))
        elif item.form in ("choice", "choices"):
            right = [letter.strip() for letter in item.answer.split(",")]
            self._texts[kind].update(item.options[letter] for letter in right)
            self._letters[kind].update(right)
        else:
            self._texts[kind][item.answer] += 1

    def answer(self, question: Question) -> Reply:
        """The same for equal options."""
        kind = (question.task, question.form)
        texts, letters = self._texts.get(kind, Counter()), self._letters.get(kind, Counter())
        if question.form in ("choice", "choices"):
            options = question.options
            return Reply(max(options, key=lambda letter: (texts[options[letter]], letters[letter])))
        if question.form in ("box", "point"):
            places = self._places.get(kind)
            return Reply(
                json.dumps([round(statistics.median(side)) for side in zip(*places)]) if places else ""
            )
        return Reply(texts.most_common(1)[0][0] if texts else "")


class Oracle(Answerer):
    """Says what is true: what scoring gives for it is the best that can be reached."""

    needs_truth: ClassVar[bool] = True

    @property
    def protocol(self) -> Mapping[str, Any]:
        """It reads the answers."""
        return {"reads": "the answers"}

    def answer(self, question: Question) -> Reply:
        """The item's answer; letters are those of the true options as they are shown."""
        truth = question.truth
        if truth is None:
            raise ValueError("the oracle was handed no truth")
        if not question.options:
            return Reply(truth.answer)
        true = {truth.options[letter.strip()] for letter in truth.answer.split(",")}
        return Reply(", ".join(letter for letter, text in question.options.items() if text in true))


def _maker(name: str, make: Callable[[AnswererConfig], Answerer]) -> None:
    def maker(rest: str, config: AnswererConfig) -> Answerer:
        no_name(name, rest)
        config.check_settings(name, {})
        return make(config)

    answerers.register(name)(maker)


_maker("random", lambda config: Chance(config.seed))
_maker("majority", lambda config: Majority())
_maker("oracle", lambda config: Oracle())
