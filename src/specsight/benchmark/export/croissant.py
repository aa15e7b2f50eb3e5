"""The card alone, with the lines that it describes: Croissant 1.1 (see `benchmark.card`)."""

from __future__ import annotations

from pathlib import Path

from specsight.benchmark.card import validate
from specsight.benchmark.export.contract import Exported, exporters
from specsight.benchmark.files import CARD, DATASHEET, ITEMS, SAMPLES, Benchmark
from specsight.errors import SpecsightError
from specsight.storage.files import copy_file


@exporters.register("croissant")
def write_croissant(benchmark: Benchmark, out: Path, exported: Exported) -> None:
    """`card.json` with samples and items beside it, validated once more where it lies."""
    for name in (SAMPLES, ITEMS, CARD, DATASHEET):
        if not (benchmark.folder / name).is_file():
            raise SpecsightError(f"'{benchmark.folder}' has no {name}: build it again")
        copy_file(benchmark.folder / name, out / name)
    validate(out / CARD)
    exported.count = benchmark.manifest.counts.get("items", 0)
