"""Which statements are rated by whom, in which order: the same items for every model, spread over products, types of
defect and sizes; each rater in an order of their own, a tenth of them twice.

In: a benchmark and runs over it. Out: a rating folder. Every choice depends on the seed and names alone.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specsight.benchmark.answering.running import read_run
from specsight.benchmark.answers import ANSWERS, Answer
from specsight.benchmark.files import ITEMS, Benchmark, read_lines, write_lines
from specsight.benchmark.persons import check_code
from specsight.benchmark.rating.anchors import anchors_of
from specsight.benchmark.rating.folder import GUIDE, KEY, RATING, Rating, RatingFolder, Statement
from specsight.benchmark.rating.scales import SCALES
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.errors import SpecsightError
from specsight.storage.files import path_from, sha256, write_json, write_text
from specsight.storage.tables import markdown_table, markdown_text

SMALL, LARGE = 0.005, 0.05
"""Shares of the picture that defects cover, up to which they are small, and from which on they are large."""
TWICE = 0.1
"""Of a rater's statements."""


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
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SpecsightError(f"'{out}' is there already: give the rating a folder of its own")
    models = _models(benchmark, runs)
    eligible, left_out = _eligible(benchmark, list(models.values()), config.tasks)
    chosen = _spread(benchmark, eligible, math.ceil(config.statements / len(models)), config.seed)
    texts = {name: _texts(run, chosen) for name, run in models.items()}
    pairs = [(item, model) for item in chosen for model in models]
    statements = [one for rater in config.raters for one in _order(rater, pairs, texts, config.seed)]
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
    out.mkdir(parents=True, exist_ok=True)
    write_lines(out / KEY, statements)
    write_text(out / GUIDE, guide(rating))
    write_json(out / RATING, rating.model_dump(mode="json"))
    return RatingFolder(out, benchmark.given_data)


def guide(rating: Rating) -> str:
    """The scales and the anchors, in Markdown."""
    scales = markdown_table(
        ["scale", "asks", "1", "3", "5"], [[s.title, s.asks, s.one, s.three, s.five] for s in SCALES.values()]
    )
    anchors = markdown_table(
        ["picture", "statement", *(s.title for s in SCALES.values()), "why"],
        [
            [
                markdown_text(one.image),
                markdown_text(one.text),
                *(str(one.ratings[name]) for name in SCALES),
                markdown_text(one.why),
            ]
            for one in rating.anchors
        ],
    )
    return (
        "# Rating what was said about pictures\n\nRate each statement from 1 to 5 on every scale, by what you see on "
        f"the picture. Higher is better on all of them.\n\n{scales}\nThese examples show what is meant:\n\n{anchors}"
    )


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


def _spread(benchmark: Benchmark, eligible: Sequence[tuple[Item, str]], count: int, seed: int) -> list[str]:
    """`count` ids, one from each stratum (product, types, size) in turn."""
    needed = {sample for _, sample in eligible}
    kinds = {one.id: (one.product, *_kind(one)) for one in benchmark.samples() if one.id in needed}
    strata: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for item, sample in eligible:
        strata[item.task, kinds[sample]].append(item.id)
    queues = [sorted(ids, key=lambda one: _draw(seed, one)) for ids in strata.values()]
    queues.sort(key=lambda ids: _draw(seed, ids[0]))
    rounds = max(map(len, queues))
    turns = [ids[k] for k in range(rounds) for ids in queues if k < len(ids)]
    return turns[:count]


def _kind(sample: BenchmarkSample) -> tuple[str, str]:
    if sample.label == "good":
        return "good", ""
    share = sum(one.area_share for one in sample.instances)
    size = "small" if share <= SMALL else "large" if share >= LARGE else "medium"
    return " ".join(sorted({one.type for one in sample.instances})), size


def _order(
    rater: str, pairs: Sequence[tuple[str, str]], texts: Mapping[str, Mapping[str, str]], seed: int
) -> list[Statement]:
    """All pairs in a rater's own order; some of the first half come again in the second."""
    generator = np.random.default_rng(int(_draw(seed, f"order {rater}"), 16))
    first = [pairs[k] for k in generator.permutation(len(pairs))]
    half = math.ceil(len(first) / 2)
    repeated = [first[k] for k in generator.permutation(half)[: math.ceil(TWICE * len(first))]]
    later = [(pair, False) for pair in first[half:]] + [(pair, True) for pair in repeated]
    order = [(pair, False) for pair in first[:half]] + [later[k] for k in generator.permutation(len(later))]
    return [
        Statement(rater=rater, place=place, item=item, model=model, text=texts[model][item], again=again)
        for place, ((item, model), again) in enumerate(order, 1)
    ]


def _others(benchmark: Benchmark, rated: Collection[str], seed: int) -> list[BenchmarkSample]:
    """Defective samples that are not rated, one of each type of each product, in an order of chance."""
    drawn: dict[tuple[str, str], tuple[str, BenchmarkSample]] = {}
    for one in benchmark.samples():
        if one.instances and one.masks_known and one.id not in rated:
            kind, mark = (one.product, one.instances[0].type), _draw(seed, one.id)
            if kind not in drawn or mark < drawn[kind][0]:
                drawn[kind] = (mark, one)
    return [one for _, one in sorted(drawn.values(), key=lambda each: each[0])]


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
