"""The contract of exporters: a benchmark → files of another form, and what that form has no place for.

A module of this package that registers an exporter is found by itself; other distributions declare entry points in
"specsight.benchmark_exporters".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from specsight.benchmark.files import Benchmark
from specsight.registry import Registry
from specsight.storage.files import copy_file
from specsight.storage.folders import whole_folder


@dataclass
class Exported:
    """What came of an export."""

    count: int = 0
    """Items, or pictures where the form knows no items."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Why something has no place in the form → how many."""


Exporter = Callable[[Benchmark, Path, Exported], None]
"""Fills an empty folder with a benchmark, and says what it left out."""

exporters: Registry[Exporter] = Registry(
    "export", "specsight.benchmark.export", group="specsight.benchmark_exporters"
)
"""Name of a form → what writes it."""


def export_benchmark(
    benchmark: Benchmark, to: str, out: Path, *, pictures: bool = False, replace: bool = False
) -> Exported:
    """Write a benchmark in the form `to` into the folder `out`, whole or not at all.

    `pictures`: copy the pictures too, for one's own use: who may hand them on is said by their licences. Raises
    SpecsightError for an unknown form, and where `out` cannot be written or is there and `replace` is not given.
    """
    exporter, exported = exporters[to], Exported()
    with whole_folder(out, replace) as folder:
        exporter(benchmark, folder, exported)
        if pictures:
            for relative in dict.fromkeys(_pictures(benchmark)):
                target = folder / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                copy_file(benchmark.picture(relative), target)
    return exported


def _pictures(benchmark: Benchmark) -> Iterator[str]:
    for sample in benchmark.samples():
        yield sample.image
    for item in benchmark.items():
        yield from item.images
        yield from item.reference_images
