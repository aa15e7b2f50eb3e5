"""What is true of a sample, in the words and fields that questions are made of; read from the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from specsight.benchmark.instances import is_speck
from specsight.benchmark.records import BenchmarkSample, Instance
from specsight.explain.slots import Slots
from specsight.specification import Specification
from specsight.specification.vocabulary import COLUMNS, ROWS

NONE = "none"
"""The answer of a picture without defects."""
OTHER = "other"
"""The answer where the right one is not offered."""
CELLS = tuple(
    " ".join(word for word in (row, column) if word) or "centre" for row in ROWS for column in COLUMNS
)
"""Names of the cells of the 3 × 3 grid, row by row (`specification.vocabulary.place_name`)."""


def defects_of(sample: BenchmarkSample) -> tuple[Instance, ...]:
    """The instances that are asked about: crumbs of masks are none, unless there is nothing else."""
    return tuple(one for one in sample.instances if not is_speck(one)) or sample.instances


def types_of(sample: BenchmarkSample) -> tuple[str, ...]:
    """The types on the picture, in the order of names."""
    return tuple(sorted({instance.type for instance in sample.instances}))


def only_instance(sample: BenchmarkSample) -> Instance | None:
    """The instance of a picture that has one alone, and whose place is known."""
    found = defects_of(sample)
    return found[0] if sample.label == "defective" and sample.masks_known and len(found) == 1 else None


@lru_cache(maxsize=8)
def levels(specification: Specification | None) -> tuple[str, ...]:
    """All names of severity levels, mildest first."""
    if specification is None:
        return ()
    rules = [
        specification.severity,
        *(defect.severity for defect in specification.defects if defect.severity),
    ]
    ranks: dict[str, int] = {}
    for rule in rules:
        for rank, step in enumerate(rule):
            ranks[step.level] = max(rank, ranks.get(step.level, 0))
    return tuple(sorted(ranks, key=lambda level: (ranks[level], level)))


def gravest(sample: BenchmarkSample, order: Sequence[str]) -> str | None:
    """The gravest level on the picture; None where that of an instance is not known."""
    found = [instance.severity for instance in defects_of(sample)]
    if not found or any(level not in order for level in found):
        return None
    return max((level for level in found if level is not None), key=order.index)


def thousandths(values: Sequence[float], sample: BenchmarkSample) -> tuple[int, ...]:
    """x and y in turn, in thousandths of the picture's width and height."""
    sides = (sample.width, sample.height)
    return tuple(min(1000, max(0, round(1000 * value / sides[k % 2]))) for k, value in enumerate(values))


def box_of(instance: Instance, sample: BenchmarkSample) -> tuple[int, int, int, int]:
    """The box in thousandths."""
    x0, y0, x1, y1 = thousandths(instance.box, sample)
    return x0, y0, x1, y1


def slots_of(sample: BenchmarkSample, order: Sequence[str] = ()) -> Slots:
    """Everything that a report about the sample can state; None where it is not known.

    `order`: names of severity levels, mildest first.
    """
    if sample.label == "good":
        return Slots(decision="accept", types=(), cells=(), parts=(), boxes=(), count=0)
    if sample.label != "defective":
        return Slots()
    instances = defects_of(sample)
    if not sample.masks_known or not instances:
        return Slots(decision="reject", types=types_of(sample) or None)
    parts = sorted({instance.part for instance in instances if instance.part is not None})
    lengths = [instance.length_mm for instance in instances if instance.length_mm is not None]
    cells = {cell for instance in instances for cell in instance.cells}
    return Slots(
        decision="reject",
        types=types_of(sample),
        cells=tuple(cell for cell in CELLS if cell in cells),
        parts=tuple(parts) if parts or sample.part_names else None,
        boxes=tuple(box_of(instance, sample) for instance in instances),
        count=len(instances),
        severity=gravest(sample, order),
        length_mm=round(max(lengths), 1) if len(lengths) == len(instances) else None,
    )
