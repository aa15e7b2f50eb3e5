"""Run folders → Markdown tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from measured.rows import Measurement
from specsight.metrics import metric_of
from specsight.report.export import Table, markdown

NUMBERS = {
    "image_auroc": "image AUROC",
    "pixel_auroc": "pixel AUROC",
    "aupro_30": "AUPRO@0.3",
    "detection_rate": "defective rejected",
    "false_reject_rate": "good rejected",
}
"""Columns of the tables of detectors."""
TYPED = "type_accuracy_detected"


def detectors_table(measurements: Sequence[Measurement], out: Path) -> str:
    """One row per product, and the mean where there are several; measurements without a run are left out."""
    typed = any(e.group == "words" for e in measurements)
    columns = [*NUMBERS.values(), *(["type named when detected"] if typed else [])]
    rows = []
    keys = [*NUMBERS, *([TYPED] if typed else [])]
    for measurement in measurements:
        for product, numbers in products_of(out / measurement.name):
            title = f"{measurement.title}{', ' + product if product else ''}"
            cells = [_number(numbers.get(key)) for key in keys]
            rows.append([title, f"`{measurement.detector}`", f"`{measurement.encoder}`", *cells])
    return table(["set", "detector", "encoder", *columns], rows)


def types_table(measurements: Sequence[Measurement], out: Path) -> str:
    """Image and pixel AUROC of every defect type, a column for each detector."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    pictures: dict[tuple[str, str], str] = {}
    for measurement in measurements:
        for path in sorted((out / measurement.name).glob("**/per_type.csv")):
            product = (
                _short(path.parent.name) if path.parent.name != measurement.name else measurement.of.name
            )
            for line in csv.DictReader(path.read_text().splitlines()):
                if line["type"] != "good":
                    key = (product, line["type"])
                    pictures[key] = line["support"]
                    found.setdefault(key, {})[measurement.detector] = (
                        f"{_rounded(line['image_auroc'])}, {_rounded(line['pixel_auroc'])}"
                    )
    detectors = list(dict.fromkeys(measurement.detector for measurement in measurements))
    heads = [f"`{detector}`: image, pixel AUROC" for detector in detectors]
    rows = [
        [*key, pictures[key], *(numbers.get(detector, "") for detector in detectors)]
        for key, numbers in found.items()
    ]
    return table(["set", "type", "pictures", *heads], rows)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """All columns aligned as words: numbers carry their intervals."""
    return markdown(Table(header, rows, words=len(header)), marked=True)


def products_of(run: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """Each product's numbers in a run folder, by its short name, and the mean where there are several."""
    path = run / "metrics.json"
    if not path.is_file():
        return
    numbers = json.loads(path.read_text())
    products = {_short(name): own for name, own in sorted(numbers.get("products", {}).items())}
    if len(products) < 2:
        yield "", next(iter(products.values()), numbers)
        return
    yield from products.items()
    yield "mean", numbers


def _short(product: str) -> str:
    """ "tyre winter bead" → "bead"; also the folder of that product."""
    words = product.replace("-", " ").split()
    return words[2] if words[:2] == ["tyre", "winter"] else product


def text_of(name: str, entry: Mapping[str, Any] | None, signed: bool = False) -> str:
    """A number as its metric writes it, with its interval; empty where there is none. `signed`: with a plus, too."""
    if not entry or entry.get("value") is None:
        return ""
    metric = metric_of(name)
    sign = "+" if signed and entry["value"] > 0 else ""
    interval = metric.interval_text(entry.get("low"), entry.get("high"))
    return f"{sign}{metric.text(entry['value'])}{f' ({interval})' if interval else ''}"


def _number(entry: dict[str, Any] | None) -> str:
    if not entry or entry.get("value") is None:
        return ""
    if entry.get("low") is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"


def _rounded(text: str) -> str:
    return f"{float(text):.3f}" if text else ""
