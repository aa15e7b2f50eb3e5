"""Questions with their pictures and what each model answered: for every task some right ones and some wrong ones.

In: runs over one benchmark. Out: cards. Which questions are shown depends on marks and ids alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from specsight import images
from specsight.benchmark.answers import ANSWERS, Answer
from specsight.benchmark.files import Benchmark, read_lines
from specsight.benchmark.instances import united_mask
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.tasks import TASKS
from specsight.errors import SpecsightError, excerpt
from specsight.report import pictures
from specsight.report.pictures import Pixels

SIDE = 320
"""Longest side of a picture in pixels."""
SMALL = 150
"""Longest side of a reference picture."""
MOST_PICTURES = 4
"""Pictures of one question that are drawn."""
UNMARKED = ("text", "report")


@dataclass(frozen=True)
class Drawn:
    """One picture, or why it is not shown."""

    name: str
    uri: str = ""
    note: str = ""


@dataclass(frozen=True)
class Given:
    """What one model answered."""

    model: str
    badge: tuple[str, str]
    """CSS class and words."""
    words: str


@dataclass(frozen=True)
class Example:
    """One question."""

    id: str
    question: str
    instruction: str
    options: Sequence[tuple[str, str, bool]]
    """Letter, text, whether it is right."""
    answer: str
    pictures: Sequence[Drawn]
    given: Sequence[Given]


@dataclass(frozen=True)
class TaskExamples:
    """Those of one task."""

    title: str
    asks: str
    examples: Sequence[Example]


def examples(
    benchmark: Benchmark, runs: Mapping[str, Answered], focus: str, per_kind: int = 1
) -> list[TaskExamples]:
    """For every task `per_kind` questions that the model `focus` got right and as many that it did not, first those on
    which the models differ."""
    chosen = list(_chosen(runs, focus, per_kind))
    wanted = {one.item for one in chosen}
    items = {item.id: item for item in benchmark.items() if item.id in wanted}
    answers = {name: _answers(run, wanted) for name, run in runs.items()}
    marks = {name: {one.item: one for one in run.asked if one.item in wanted} for name, run in runs.items()}
    by_task: dict[str, list[Example]] = {}
    for one in chosen:
        item = items[one.item]
        given = [_given(name, marks[name].get(item.id), answers[name].get(item.id), item) for name in runs]
        example = Example(
            id=item.id,
            question=item.question,
            instruction=""
            if item.instruction is None or item.instruction in item.question
            else item.instruction,
            options=[(letter, text, _holds(item.answer, letter)) for letter, text in item.options.items()],
            answer=item.answer,
            pictures=list(_drawn(benchmark, item)),
            given=given,
        )
        by_task.setdefault(item.task, []).append(example)
    return [
        TaskExamples(info.title, info.asks, by_task[task]) for task, info in TASKS.items() if task in by_task
    ]


def _chosen(runs: Mapping[str, Answered], focus: str, per_kind: int) -> Iterator[Asked]:
    rights: dict[str, list[bool]] = {}
    for run in runs.values():
        for one in run.asked:
            rights.setdefault(one.item, []).append(one.mark.right)

    def interest(one: Asked) -> tuple[bool, str]:
        return len(set(rights[one.item])) < 2, one.item

    for task in TASKS:
        of_task = sorted((one for one in runs[focus].plain if one.task == task), key=interest)
        for right in (True, False):
            yield from [one for one in of_task if one.mark.right is right][:per_kind]


def _answers(run: Answered, wanted: Iterable[str]) -> dict[str, Answer]:
    kept = frozenset(wanted)
    lines = read_lines(run.folder / ANSWERS, Answer)
    return {answer.item: answer for answer in lines if answer.item in kept and answer.rotation == 0}


def _given(model: str, asked: Asked | None, answer: Answer | None, item: Item) -> Given:
    if asked is None or answer is None:
        return Given(model, ("open", "not asked"), "")
    if answer.error is not None:
        return Given(model, ("fault", "failed"), excerpt(answer.error))
    words = excerpt(answer.raw.strip()) or "nothing"
    if answer.given and answer.given != answer.raw.strip():
        words = f"{answer.given} ({words})" if item.form not in UNMARKED else words
    if not asked.mark.valid:
        return Given(model, ("fault", "invalid"), words)
    if item.form in UNMARKED:
        return Given(model, ("open", "answered"), words)
    return Given(model, ("fine", "right") if asked.mark.right else ("bad", "wrong"), words)


def _holds(answer: str, letter: str) -> bool:
    return letter in [one.strip() for one in answer.split(",")]


def _drawn(benchmark: Benchmark, item: Item) -> Iterator[Drawn]:
    """The pictures asked about, the first with the true defects outlined, then the reference pictures."""
    try:
        sample = benchmark.sample(item.sample)
    except SpecsightError as error:
        yield Drawn(item.sample, note=str(error))
        return
    for name in item.images[:MOST_PICTURES]:
        yield _picture(benchmark, name, sample, SIDE, with_truth=name == sample.image)
    for name in item.reference_images[: max(0, MOST_PICTURES - len(item.images))]:
        yield _picture(benchmark, name, sample, SMALL, with_truth=False)


def _picture(benchmark: Benchmark, name: str, sample: BenchmarkSample, side: int, with_truth: bool) -> Drawn:
    try:
        path = benchmark.picture(name)
        rgb = _depth(images.read_depth(path)) if name == sample.depth else images.read_rgb(path)
    except SpecsightError as error:
        return Drawn(name, note=f"The picture cannot be shown: {error}")
    height, width = rgb.shape[:2]
    rows, columns = pictures.fitted(height, width, side)
    small = cv2.resize(rgb, (columns, rows), interpolation=cv2.INTER_AREA)
    if with_truth and sample.instances and (height, width) == (sample.height, sample.width):
        mask = united_mask(sample).astype(np.float32)
        small = pictures.outline(
            small, cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA) > 0, pictures.TRUTH
        )
    return Drawn(name, pictures.data_uri(small))


def _depth(values: np.ndarray) -> Pixels:
    """Depth as grey, from the 1st to the 99th hundredth; black where it is unknown."""
    known = np.isfinite(values)
    low, high = np.percentile(values[known], (1, 99)) if known.any() else (0.0, 1.0)
    grey = np.clip((np.where(known, values, low) - low) / max(high - low, 1e-9), 0, 1)
    return np.repeat((255 * grey).astype(np.uint8)[..., None], 3, axis=2)
