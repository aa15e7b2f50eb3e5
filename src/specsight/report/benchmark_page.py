"""A benchmark and several models' answers → one self-contained page that compares them.

In: the benchmark's folder and the folders of runs. Out: the page, and `scores.json` beside the answers of each run.
Texts of items and models are untrusted: the template escapes them, and the page forbids every script but its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from specsight.benchmark.files import Benchmark
from specsight.benchmark.scoring.comparing import differences
from specsight.benchmark.scoring.reading import Answered, Origins, read_run
from specsight.benchmark.scoring.reports import Truths
from specsight.benchmark.scoring.scores import RESAMPLES, Scores, score, write_scores
from specsight.errors import SpecsightError
from specsight.progress import track
from specsight.report.benchmark_examples import examples
from specsight.report.benchmark_tables import blocks, difference_block
from specsight.report.page import write_page_at

ORACLE = "oracle"
"""The answerer that is handed the truth: shown, and never called the best."""
BASES = ("blind", "majority", "random")
"""What others are compared with, the first that there is."""


def render_benchmark(
    benchmark: Benchmark, folders: Sequence[Path], out: Path, *, resamples: int = RESAMPLES
) -> Mapping[str, Scores]:
    """Score the runs in `folders`, write the page `out`, and return the scores by the names that the page uses.

    Raises SpecsightError where there is no run, or one of another benchmark.
    """
    if not folders:
        raise SpecsightError("no run was named: make one with: specsight benchmark run")
    origins, truths = Origins.read(benchmark.samples()), Truths.of(benchmark)
    runs = _named([read_run(benchmark, folder, origins) for folder in folders])
    scores: dict[str, Scores] = {}
    for name, run in track(runs.items(), "Scoring", len(runs)):
        scores[name] = score(run, truths, resamples)
        write_scores(run.folder, scores[name])
    ranked = [name for name, run in runs.items() if run.run.model != ORACLE] or list(runs)
    unranked = [name for name in runs if name not in ranked]
    tables = blocks(scores, unranked)
    base = _base(runs)
    if len(runs) > 1:
        compared = {
            name: differences(run, runs[base], resamples) for name, run in runs.items() if name != base
        }
        tables.insert(1, difference_block(compared, base, unranked))
    focus = max(ranked, key=lambda name: _accuracy(scores[name]))
    context = _context(benchmark, runs, scores)
    context |= {"blocks": tables, "base": base, "focus": focus}
    context["tasks"] = examples(benchmark, runs, focus)
    write_page_at(out, "benchmark.html.j2", context)
    return scores


def _context(
    benchmark: Benchmark, runs: Mapping[str, Answered], scores: Mapping[str, Scores]
) -> dict[str, Any]:
    manifest = benchmark.manifest
    first = next(iter(runs.values()))
    return {
        "title": manifest.title or manifest.name,
        "manifest": manifest,
        "objects": len(first.objects),
        "models": list(runs),
        "unfinished": {name: one for name, one in scores.items() if one.asked < one.total},
        "errors": {name: list(one.errors.items())[:5] for name, one in scores.items() if one.errors},
        "protocols": {
            name: {"asked": scores[name].asked, "fingerprint": run.run.fingerprint, **run.run.protocol}
            for name, run in runs.items()
        },
        "costs": {name: one.costs for name, one in scores.items()},
        "resamples": next(iter(scores.values())).resamples,
    }


def _named(runs: Sequence[Answered]) -> dict[str, Answered]:
    """Runs by their model; where two have the same, by the folder too."""
    models = [run.run.model for run in runs]
    names = [
        f"{model} ({run.folder.name})" if models.count(model) > 1 else model
        for model, run in zip(models, runs)
    ]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SpecsightError(
            f"two runs are called '{twice}': name each run once, in folders of their own names"
        )
    return dict(zip(names, runs))


def _base(runs: Mapping[str, Answered]) -> str:
    kinds = {run.run.model.partition(":")[0]: name for name, run in reversed(list(runs.items()))}
    return next((kinds[kind] for kind in BASES if kind in kinds), next(iter(runs)))


def _accuracy(scores: Scores) -> float:
    figure = scores.figures.get("accuracy")
    return figure.value if figure is not None and figure.value is not None else -1.0
