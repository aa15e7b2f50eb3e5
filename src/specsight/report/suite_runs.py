"""The runs behind a suite's rows → what its page shows of them: numbers by product, and curves of rows side by side.

In: the folder of a suite and rows of its record. Out: texts for tables and coordinates for charts. Nothing is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from specsight.metrics import metric_of
from specsight.report import charts
from specsight.report.export import with_deviation
from specsight.runs.folder import RunFolder
from specsight.runs.suite_record import SuiteRow
from specsight.storage import confined

BY_PRODUCT = ("image_auroc", "aupro_30")
"""Metrics whose numbers are shown for each product."""
PRO_LIMIT = 0.3
"""False-positive rate up to which the curve of AUPRO@0.3 is drawn."""


def runs_of(out: Path, row: SuiteRow) -> dict[str, RunFolder]:
    """The run of each product of a row, by name; of one product alone that of the row, named ""."""
    run = RunFolder(confined(out, row.folder))
    products = run.metrics().get("products")
    if not products:
        return {"": run}
    return {name: RunFolder(confined(run.path, one["folder"])) for name, one in products.items()}


def synthetic(out: Path, rows: Sequence[SuiteRow]) -> bool:
    """Whether any row was measured on rendered pictures."""
    return any(RunFolder(confined(out, row.folder)).protocol().synthetic for row in rows)


def by_product(out: Path, rows: Sequence[SuiteRow]) -> list[dict[str, Any]]:
    """A table for each of `BY_PRODUCT`: rows by products, (value, interval) in each cell; none for one product."""
    measured = {
        row.name: RunFolder(confined(out, row.folder)).metrics().get("products") or {} for row in rows
    }
    products = list(dict.fromkeys(name for one in measured.values() for name in one))
    if not products:
        return []
    return [
        {
            "title": f"{metric_of(name).column} by product",
            "products": products,
            "rows": [
                (row, [_cell(name, of_row.get(product, {})) for product in products])
                for row, of_row in measured.items()
            ],
        }
        for name in BY_PRODUCT
        if any(name in numbers for of_row in measured.values() for numbers in of_row.values())
    ]


def _cell(name: str, numbers: Mapping[str, Any]) -> tuple[str, str]:
    one = numbers.get(name, {})
    interval = metric_of(name).interval_text(one.get("low"), one.get("high"))
    return with_deviation(name, one.get("value"), one.get("sd")), interval


def curves(out: Path, rows: Sequence[SuiteRow]) -> list[dict[str, Any]]:
    """For each product the ROC and PRO curves of `rows` under the first seed: a title and plots (title, x, y, plot)."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        for product, run in runs_of(out, row).items():
            seeds = run.curves()
            if seeds:
                found.setdefault(product, {})[row.name] = seeds[min(seeds)]
    return [
        {"title": product, "plots": plots}
        for product, of_rows in found.items()
        if (plots := _plots(of_rows, [row.name for row in rows]))
    ]


def _plots(of_rows: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows without a curve keep their place, and with it their colour."""
    kinds = (
        (
            "roc",
            "tpr",
            1.0,
            "ROC over pictures",
            "good pictures above the threshold",
            "defective ones above it",
        ),
        (
            "pro",
            "pro",
            PRO_LIMIT,
            "Overlap with defects",
            "share of good pixels above",
            "mean share of defects",
        ),
    )
    return [
        (title, x, y, charts.plot(series, limit))
        for kind, rising, limit, title, x, y in kinds
        if any(one.get(kind) for one in of_rows.values())
        and (
            series := {
                name: (curve["fpr"], curve[rising])
                if (curve := of_rows.get(name, {}).get(kind))
                else ([], [])
                for name in names
            }
        )
    ]
