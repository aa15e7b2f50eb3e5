"""Which statements are rated by whom, in which order: the same items for every model, spread over products, types of
defect and sizes; each rater in an order of their own, a tenth of them twice.

In: a benchmark and runs over it. Out: a rating folder. Every choice depends on the seed and names alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from specsight.benchmark.answering.running import read_run
from specsight.benchmark.answers import ANSWERS, Answer
from specsight.benchmark.files import ITEMS, Benchmark, read_lines, write_lines
from specsight.benchmark.persons import check_code
from specsight.benchmark.rating.anchors import anchors_of
from specsight.benchmark.rating.folder import GUIDE, KEY, RATING, Rating, RatingFolder
from specsight.benchmark.rating.orders import drawn, ordered, spread
from specsight.benchmark.rating.scales import KINDS
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.errors import SpecsightError
from specsight.storage.files import path_from, sha256, write_json, write_text
from specsight.storage.tables import markdown_table, markdown_text

SMALL, LARGE = 0.005, 0.05
"""Shares of the picture that defects cover, up to which they are small, and from which on they are large."""
BESIDE = (
    "Each picture stands beside its anomaly map and its findings, outlined. Judge what is true by the picture alone: "
    "map and outlines are the inspection's own."
)
"""What raters are told of statements that come with their map."""


@dataclass(frozen=True)
class RatingConfig:
    """`statements`: how many to rate, all models together. `tasks`: whose answers; none: all that are answered in
    words. Raises SpecsightError for fewer than two raters or fewer statements than one."""

    raters: tuple[str, ...]
    statements: int = 80
    tasks: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if len(set(self.raters)) < 2 or len(set(self.raters)) < len(self.raters):
            raise SpecsightError("name at least two raters, better three, each once, with --rater")
        for code in self.raters:
            check_code(code)
        if self.statements < 1:
            raise SpecsightError(f"--statements {self.statements}: give at least 1")


def plan_rating(benchmark: Benchmark, runs: Sequence[Path], out: Path, config: RatingConfig) -> RatingFolder:
    """Write the rating folder `out`, which must not be there or be empty.

    Raises SpecsightError where it is not, a run is over other items, two runs are of one model, or no item was answered
    in words by all of them.
    """
    check_new(out)
    models = _models(benchmark, runs)
    eligible, left_out = _eligible(benchmark, list(models.values()), config.tasks)
    chosen = _chosen(benchmark, eligible, math.ceil(config.statements / len(models)), config.seed)
    texts = {name: _texts(run, chosen) for name, run in models.items()}
    said = {(item, model): texts[model][item] for item in chosen for model in models}
    samples = {item.sample for item in benchmark.items() if item.id in chosen}
    rating = Rating(
        benchmark=path_from(out.resolve(), benchmark.folder.resolve()),
        version=benchmark.manifest.version,
        items=sha256(benchmark.folder / ITEMS),
        seed=config.seed,
        models=tuple(models),
        raters=config.raters,
        statements=len(chosen) * len(models),
        anchors=anchors_of(_others(benchmark, samples, config.seed)),
        left_out=left_out,
    )
    write_rating(out, rating, said)
    return RatingFolder(out, benchmark.given_data)


def check_new(out: Path) -> None:
    """Raise SpecsightError where `out` is there and not empty."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SpecsightError(f"'{out}' is there already: give the rating a folder of its own")


def write_rating(out: Path, rating: Rating, said: Mapping[tuple[str, str], str]) -> None:
    """Write the folder of a rating; `said`: (item, model) → the statement."""
    statements = [one for rater in rating.raters for one in ordered(rater, said, rating.seed)]
    out.mkdir(parents=True, exist_ok=True)
    write_lines(out / KEY, statements)
    write_text(out / GUIDE, guide(rating))
    write_json(out / RATING, rating.model_dump(mode="json"))


def guide(rating: Rating) -> str:
    """The scales and the anchors, in Markdown."""
    scales = KINDS[rating.kind]
    table = markdown_table(
        ["scale", "asks", "1", "3", "5"], [[s.title, s.asks, s.one, s.three, s.five] for s in scales.values()]
    )
    text = (
        "# Rating what was said about pictures\n\nRate each statement from 1 to 5 on every scale, by what you see on "
        f"the picture. Higher is better on all of them.\n\n{table}"
    )
    if rating.kind == "statements":
        text += f"\n{BESIDE}\n"
    if not rating.anchors:
        return text
    anchors = markdown_table(
        ["picture", "statement", *(s.title for s in scales.values()), "why"],
        [
            [
                markdown_text(one.image),
                markdown_text(one.text),
                *(str(one.ratings[name]) for name in scales),
                markdown_text(one.why),
            ]
            for one in rating.anchors
        ],
    )
    return f"{text}\nThese examples show what is meant:\n\n{anchors}"


def _models(benchmark: Benchmark, runs: Sequence[Path]) -> dict[str, Path]:
    digest = sha256(benchmark.folder / ITEMS)
    models: dict[str, Path] = {}
    for folder in runs:
        run = read_run(folder)
        if run.digest != digest:
            raise SpecsightError(f"'{folder}' answers other items than those of '{benchmark.folder}'")
        if run.model in models:
            raise SpecsightError(f"'{folder}' and '{models[run.model]}' are both of the model '{run.model}'")
        models[run.model] = folder
    if not models:
        raise SpecsightError("name at least one run whose statements are rated")
    return models


def _eligible(
    benchmark: Benchmark, runs: Sequence[Path], tasks: Sequence[str]
) -> tuple[list[tuple[Item, str]], int]:
    """Items answered in words by all runs, and how many by some."""
    answered: list[set[str]] = [{one.item for one in _words(run)} for run in runs]
    found, left_out = [], 0
    for item in benchmark.items():
        if item.form not in ("text", "report") or (tasks and item.task not in tasks):
            continue
        by = sum(item.id in ids for ids in answered)
        if by == len(answered):
            found.append((item, item.sample))
        elif by:
            left_out += 1
    if not found:
        raise SpecsightError(
            f"no item of '{benchmark.folder}' was answered in words by all runs: ask for tasks such as report or "
            "description (benchmark run --task)"
        )
    return found, left_out


def _words(run: Path) -> Iterable[Answer]:
    answers = read_lines(run / ANSWERS, Answer)
    return (one for one in answers if one.rotation == 0 and one.error is None and one.raw.strip())


def _texts(run: Path, chosen: Collection[str]) -> dict[str, str]:
    return {one.item: one.raw.strip() for one in _words(run) if one.item in chosen}


def _chosen(benchmark: Benchmark, eligible: Sequence[tuple[Item, str]], count: int, seed: int) -> list[str]:
    """`count` ids, spread over tasks, products, types and sizes."""
    needed = {sample for _, sample in eligible}
    kinds = {one.id: (one.product, *_kind(one)) for one in benchmark.samples() if one.id in needed}
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for item, sample in eligible:
        key = (item.task, *kinds[sample])
        strata[key].append(item.id)
    return spread(strata.values(), count, seed)


def _kind(sample: BenchmarkSample) -> tuple[str, str]:
    if sample.label == "good":
        return "good", ""
    share = sum(one.area_share for one in sample.instances)
    size = "small" if share <= SMALL else "large" if share >= LARGE else "medium"
    return " ".join(sorted({one.type for one in sample.instances})), size


def _others(benchmark: Benchmark, rated: Collection[str], seed: int) -> list[BenchmarkSample]:
    """Defective samples that are not rated, one of each type of each product, in an order of chance."""
    first: dict[tuple[str, str], tuple[str, BenchmarkSample]] = {}
    for one in benchmark.samples():
        if one.instances and one.masks_known and one.id not in rated:
            kind, mark = (one.product, one.instances[0].type), drawn(seed, one.id)
            if kind not in first or mark < first[kind][0]:
                first[kind] = (mark, one)
    return [one for _, one in sorted(first.values(), key=lambda each: each[0])]
