"""All numbers of one run: `scores.json`.

In: a benchmark and a run folder. Out: `Scores`, by the names that `accuracy`, `words_decide`, `scenarios`,
`text_quality` and `grounding` give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from specsight.benchmark.answers import SCORES
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Record
from specsight.benchmark.scoring.accuracy import (
    accuracy,
    boxes,
    circular,
    decisions,
    failures,
    guessing,
    letters,
)
from specsight.benchmark.scoring.breakdown import breakdown
from specsight.benchmark.scoring.counterfactual import counterfactual
from specsight.benchmark.scoring.reading import Answered, Origins, read_run
from specsight.benchmark.scoring.reports import Truths, reports
from specsight.benchmark.scoring.resampling import Figure
from specsight.benchmark.scoring.scenarios import scenarios
from specsight.benchmark.scoring.text_quality import text_quality
from specsight.benchmark.scoring.words_decide import (
    component_scope,
    control,
    guessed_pairs,
    matched_pairs,
    ranked_by,
)
from specsight.storage.files import write_json

RESAMPLES = 1000


class Scores(Record):
    """The numbers of one model over one benchmark."""

    benchmark: str
    version: str
    model: str
    asked: int
    """Questions that were asked."""
    total: int
    """Questions that were to be asked: where it is more, the run has not ended."""
    figures: Mapping[str, Figure]
    errors: Mapping[str, int]
    """Why there was no answer → how often, the most frequent first."""
    costs: Mapping[str, float] = Field(default_factory=dict)
    """"answers", "seconds", "median_seconds", "tokens_read", "tokens_written", "money", as far as they are known."""
    resamples: int


def score_run(
    benchmark: Benchmark, folder: Path, *, resamples: int = RESAMPLES, origins: Origins | None = None
) -> Scores:
    """Score the run in `folder`, write `scores.json` into it, and return the scores.

    `resamples` of the bootstrap over physical objects; 0: Wilson's intervals alone. Raises SpecsightError where the
    folder holds no run over this benchmark.
    """
    scores = score(read_run(benchmark, folder, origins), Truths.of(benchmark), resamples)
    write_scores(folder, scores)
    return scores


def write_scores(folder: Path, scores: Scores) -> None:
    """Write `scores.json` into the folder of a run."""
    write_json(folder / SCORES, scores.model_dump(mode="json", exclude_defaults=True))


def score(run: Answered, truths: Truths, resamples: int = RESAMPLES, *, similarity: bool = True) -> Scores:
    """All numbers of a run that was read; `similarity`: whether answers in words are encoded, which takes longest."""
    statistics = {
        **accuracy(run),
        **decisions(run),
        **failures(run),
        **circular(run),
        **letters(run),
        **boxes(run),
        **matched_pairs(run),
        **component_scope(run),
        **control(run),
        **scenarios(run),
        **counterfactual(run),
        **breakdown(run),
    }
    texts = text_quality(run, similarity)
    grounded, whole = reports(run, truths)
    figures = run.objects.figures({**statistics, **texts.statistics, **grounded}, resamples)
    figures |= {**texts.whole, **whole}
    for name, variant in texts.variants.items():
        figures[name] = figures[name].model_copy(update={"variant": variant})
    for name in figures:
        if name.startswith(("part_auroc", "scope_drop", "control_gap", "scenario_auroc", "change_auroc")):
            figures[name] = figures[name].model_copy(update={"variant": ranked_by(run)})
    counts = Counter(one.error for one in run.asked if one.error is not None)
    return Scores(
        benchmark=run.run.benchmark,
        version=run.run.version,
        model=run.run.model,
        asked=len(run.asked),
        total=run.total,
        figures={**figures, **guessing(run), **guessed_pairs(run)},
        errors=dict(counts.most_common()),
        costs=run.costs.to_json(),
        resamples=resamples,
    )
