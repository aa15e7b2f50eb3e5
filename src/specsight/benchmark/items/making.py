"""All tasks, and the two passes over samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from specsight.benchmark.items.analysis import Analysis
from specsight.benchmark.items.anomaly import Anomaly
from specsight.benchmark.items.asking import Asker, Candidate
from specsight.benchmark.items.comparison import Comparison
from specsight.benchmark.items.compliance import Compliance
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.contradiction import Contradiction
from specsight.benchmark.items.counting import Count
from specsight.benchmark.items.cross_modal import CrossModal
from specsight.benchmark.items.description import Description
from specsight.benchmark.items.location import Location
from specsight.benchmark.items.part_scope import PartScope
from specsight.benchmark.items.product import Object
from specsight.benchmark.items.report import Report
from specsight.benchmark.items.scenarios import Component, PanelPlaces, PanelTypes, Prompted, is_panel
from specsight.benchmark.items.severity import Severity
from specsight.benchmark.items.structure import Structure
from specsight.benchmark.items.tolerance import Tolerance
from specsight.benchmark.items.types import Type
from specsight.benchmark.records import BenchmarkSample, Item

ASKERS: tuple[Asker, ...] = (
    Anomaly(),
    Type(),
    Location(),
    Count(),
    Severity(),
    Description(),
    Analysis(),
    Object(),
    Structure(),
    PartScope(),
    Tolerance(),
    Compliance(),
    Contradiction(),
    Comparison(),
    Report(),
    CrossModal(),
    Prompted(),
    Component(),
)
PANEL_ASKERS: tuple[Asker, ...] = (PanelPlaces(), PanelTypes())


def survey(samples: Iterable[BenchmarkSample], context: Context) -> Context:
    """The first pass: count in `context` which answers occur, and keep references. Returns the context.

    The order of samples makes no difference. Memory is bounded by the number of different answers.
    """
    for sample in samples:
        if sample.label == "unknown":
            continue
        if sample.id in context.few_shot.get(sample.product, (sample.id,)):
            context.census.keep_reference(sample, context.seed)
        for asker in _askers(sample):
            for candidate in asker.candidates(sample, context):
                if isinstance(candidate, Candidate):
                    context.census.count(asker.pool(candidate), candidate.right, asker.told_apart(candidate))
    return context


def make_items(sample: BenchmarkSample, context: Context) -> list[Item]:
    """The second pass: the items of one sample, in the order of tasks.

    Pictures that are neither good nor defective have none. What a task does not ask is noted with its reason in
    `context.not_made`. Raises KeyError for a sample that was not surveyed.
    """
    if sample.label == "unknown":
        return []
    items: list[Item] = []
    numbers: Counter[str] = Counter()
    for asker in _askers(sample):
        for item in asker.items(sample, context):
            items.append(item.model_copy(update={"id": f"{sample.id}/{item.task}/{numbers[item.task]}"}))
            numbers[item.task] += 1
            context.made[sample.product, item.task] += 1
    return items


def _askers(sample: BenchmarkSample) -> tuple[Asker, ...]:
    return PANEL_ASKERS if is_panel(sample) else ASKERS
