"""A run's answers beside the items they answer: one `Asked` per question, with what scoring needs and nothing else.

In: a benchmark and a run folder. Out: `Answered`. Items and samples are read one at a time; only the texts of questions
that are answered in words are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.answering.running import read_run as read_record
from specsight.benchmark.answering.selecting import Selection
from specsight.benchmark.answers import ANSWERS, Answer, Run
from specsight.benchmark.files import ITEMS, Benchmark, read_lines
from specsight.benchmark.hiding import HIDDEN
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.scoring.marking import Mark, chance, mark, slots_of
from specsight.benchmark.scoring.resampling import Objects
from specsight.benchmark.tasks import TASKS, Form, Task
from specsight.errors import SpecsightError
from specsight.explain.slots import Slots
from specsight.records import Verdict
from specsight.storage.files import sha256

DECIDED: Collection[Task] = ("anomaly", *(task for task, info in TASKS.items() if info.paired))
"""Tasks whose answer accepts or rejects a part."""
OTHER: Mapping[Verdict, Verdict] = {"accept": "reject", "reject": "accept"}


@dataclass(frozen=True)
class Origin:
    """What scoring needs of a sample."""

    source: str
    defective: bool
    member: int
    """Number of its object."""
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """One question and what was answered."""

    item: str
    task: Task
    form: Form
    category: str
    sample: str
    origin: Origin
    mark: Mark
    """Of the answer with the options in the item's order."""
    chance: float | None
    letters: int
    """Options to choose from."""
    answer: str
    given: str | None
    error: str | None
    pair: str | None
    scenario: str | None
    difficulty: str | None
    truth: Verdict | None
    """The true verdict, where the task asks for one and has two options."""
    margin: float | None
    """Log-likelihood of the option that rejects less that of the one that accepts."""
    rotated: tuple[Mark, ...] = ()
    """Marks with the options shifted by 0, 1, ..., where all shifts were asked."""
    slots: Slots | None = None
    """The truth of reports."""
    stated: Slots | None = None

    @property
    def verdict(self) -> Verdict | None:
        """What was answered; None for an invalid answer."""
        if self.truth is None or not self.mark.valid:
            return None
        return self.truth if self.mark.right else OTHER[self.truth]

    @property
    def member(self) -> int:
        """Number of the question's object."""
        return self.origin.member


@dataclass
class Costs:
    """What all answers of a run took, those with options in other orders too."""

    answers: int = 0
    seconds: list[float] = field(default_factory=list)
    """Of each answer that took any."""
    tokens_read: int = 0
    tokens_written: int = 0
    money: float | None = None
    """In the currency of the price that was given."""

    def add(self, answer: Answer) -> None:
        """Count one answer."""
        self.answers += 1
        if answer.seconds:
            self.seconds.append(answer.seconds)
        self.tokens_read += answer.tokens_read or 0
        self.tokens_written += answer.tokens_written or 0
        if answer.cost is not None:
            self.money = (self.money or 0.0) + answer.cost

    def to_json(self) -> dict[str, float]:
        """What is known of it."""
        found: dict[str, float] = {"answers": self.answers}
        if self.seconds:
            found |= {"seconds": sum(self.seconds), "median_seconds": median(self.seconds)}
        if self.tokens_read or self.tokens_written:
            found |= {"tokens_read": self.tokens_read, "tokens_written": self.tokens_written}
        return found if self.money is None else {**found, "money": self.money}


@dataclass(frozen=True)
class Answered:
    """One run, ready for scoring."""

    run: Run
    folder: Path
    asked: tuple[Asked, ...]
    total: int
    """Items that were to be asked."""
    objects: Objects
    costs: Costs = field(default_factory=Costs)

    @property
    def plain(self) -> list[Asked]:
        """Questions that belong to no scenario."""
        return [one for one in self.asked if one.scenario is None]

    def members(self, asked: Iterable[Asked]) -> NDArray[np.int64]:
        """(N,) numbers of the questions' objects."""
        return np.array([one.member for one in asked], np.int64)


@dataclass(frozen=True)
class Origins:
    """Where each sample comes from, and the objects of them all."""

    of: Mapping[str, Origin]
    objects: Objects

    @classmethod
    def read(cls, samples: Iterable[BenchmarkSample]) -> Origins:
        """From the samples of a benchmark; an object with good and defective pictures forms a stratum of its own."""
        numbers: dict[str, int] = {}
        labels: dict[int, set[str]] = {}
        origins: dict[str, Origin] = {}
        for sample in samples:
            member = numbers.setdefault(sample.group, len(numbers))
            labels.setdefault(member, set()).add(sample.label)
            defective = sample.label == "defective"
            origins[sample.id] = Origin(sample.source, defective, member, sample.conditions)
        strata = ["+".join(sorted(labels[member])) for member in range(len(numbers))]
        return cls(origins, Objects(list(numbers), strata))


def read_run(benchmark: Benchmark, folder: Path, origins: Origins | None = None) -> Answered:
    """The answers of the run in `folder` beside their items.

    Of several answers to one question the last one counts: a run that goes on asks again what had failed. `origins`:
    those of the benchmark, read once for several runs. Raises SpecsightError where the folder holds no run, or one over
    other items than the benchmark has now.
    """
    run = read_record(folder)
    digest = sha256(benchmark.folder / ITEMS)
    if run.digest and run.digest != digest:
        raise SpecsightError(
            f"'{folder}' holds answers to other items than '{benchmark.folder}' has now (version {run.version} of "
            f"'{run.benchmark}'): ask again with: specsight benchmark run"
        )
    origins = origins or Origins.read(benchmark.samples())
    answers: dict[str, dict[int, Answer]] = {}
    costs = Costs()
    _check_whole(folder / ANSWERS)
    for answer in read_lines(folder / ANSWERS, Answer):
        costs.add(answer)
        answers.setdefault(answer.item, {})[answer.rotation] = answer
    asked, total = [], 0
    for item in _selection(run).items(benchmark):
        total += 1
        if 0 not in (given := answers.pop(item.id, {})):
            continue
        if item.answer.startswith(HIDDEN):
            raise SpecsightError(
                f"the answers of '{benchmark.folder}' are hidden: who keeps the whole benchmark can score '{folder}'"
            )
        if item.sample not in origins.of:
            raise SpecsightError(
                f"item '{item.id}' is about sample '{item.sample}', which the benchmark lacks"
            )
        asked.append(_asked(item, given, origins.of[item.sample]))
    if answers:
        raise SpecsightError(
            f"'{folder / ANSWERS}' answers '{next(iter(answers))}', which the run was not to ask: remove that line"
        )
    if not asked:
        raise SpecsightError(f"'{folder}' holds no answer yet: go on with: specsight benchmark run")
    return Answered(run, folder, tuple(asked), total, origins.objects, costs)


def _selection(run: Run) -> Selection:
    """Which items were to be asked; all where the run does not say."""
    chosen = run.protocol.get("selection")
    if not isinstance(chosen, Mapping):
        return Selection(None)
    return Selection.from_json(chosen)


def _asked(item: Item, answers: Mapping[int, Answer], origin: Origin) -> Asked:
    first = answers[0]
    count = len(item.options)
    shifts = range(count) if item.form in ("choice", "choices") and count > 1 else range(0)
    rotated = tuple(mark(item, answers[shift].given) for shift in shifts if shift in answers)
    decided = item.task in DECIDED and item.form == "choice" and count == 2
    report = item.form == "report"
    return Asked(
        item=item.id,
        task=item.task,
        form=item.form,
        category=item.category,
        sample=item.sample,
        origin=origin,
        mark=mark(item, first.given),
        chance=chance(item),
        letters=count,
        answer=item.answer,
        given=first.given,
        error=first.error,
        pair=item.pair,
        scenario=item.scenario,
        difficulty=item.difficulty,
        truth=item.slots.decision if decided else None,
        margin=_margin(item, first) if decided else None,
        rotated=rotated if len(rotated) == count > 1 else (),
        slots=item.slots if report else None,
        stated=slots_of(first.given) if report and first.given else None,
    )


def _margin(item: Item, answer: Answer) -> float | None:
    likelihoods = answer.likelihoods or {}
    if item.slots.decision is None or not set(item.options) <= set(likelihoods):
        return None
    (other,) = set(item.options) - {item.answer}
    towards_truth = likelihoods[item.answer] - likelihoods[other]
    return towards_truth if item.slots.decision == "reject" else -towards_truth


def _check_whole(path: Path) -> None:
    """Raise SpecsightError where the last line was cut short, as a killed run leaves it."""
    if not path.is_file() or not (size := path.stat().st_size):
        return
    with path.open("rb") as file:
        file.seek(size - 1)
        if file.read(1) != b"\n":
            raise SpecsightError(
                f"'{path}' ends in the middle of an answer: the run was cut off; call benchmark run again with the "
                "same options, which goes on there"
            )
