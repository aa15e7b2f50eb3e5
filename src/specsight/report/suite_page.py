"""A suite's folder → `report.html`: its table, and the same pictures with the maps of several rows side by side.

The table is written for papers, too: `suite.md` and `suite.tex`.

It shows what the rows' run folders hold and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specsight.metrics import metric_of
from specsight.metrics.blocks import in_blocks
from specsight.metrics.language_control import pairs_name
from specsight.progress import track
from specsight.report import pictures, suite_runs
from specsight.report.export import Table, best_of, cost, with_deviation, with_error, write_exports
from specsight.report.gallery import truth
from specsight.report.instructed import kinds_of_pairs, pairs_of
from specsight.report.page import render, write_page
from specsight.report.renderer import Renderer
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction
from specsight.runs.suite_record import SuiteRecord, SuiteRow
from specsight.storage import confined

NAME = "suite"
PICTURES = 8
"""Pictures in the comparison: one of every type first."""
BEST = pairs_name("", "text")
"""What the row is chosen by whose pairs are shown."""
REFERENCE = "reference"
EXAMPLES = 2
"""Pairs of each kind that are shown of those decided right both ways, and of the others."""
MAPS = 6
"""Rows whose maps are drawn, at most."""
METHODS = "methods"
"""The group of rows that are methods of their own."""


@dataclass(frozen=True)
class Compared:
    """One picture with the maps of several rows, as `data:` addresses by row name."""

    id: str
    truth: str
    original: str
    maps: dict[str, str]


def render_suite(out: Path) -> Path:
    """Write the page of a suite, and those of its runs that have changed since theirs was drawn; returns its path."""
    record = SuiteRecord.read(out)
    for row in record.rows:
        render(confined(out, row.folder), anew=False)
    columns = [
        name for name in record.metrics if any(row.values.get(name) is not None for row in record.rows)
    ]
    compared = _with_maps(record.rows)
    context = {
        "title": f"{record.suite} on {record.product or record.data}",
        "blocks": [
            {
                "title": block.title,
                "meaning": block.meaning,
                "columns": [metric_of(name).column for name in block.names],
                "rows": [_texts(row, block.names) for row in record.rows],
            }
            for block in in_blocks(columns)
        ],
        "rows": [_texts(row, ()) for row in record.rows],
        "failed": record.failed,
        "has_published": any(row.published for row in record.rows),
        "has_training": any(row.training_seconds is not None for row in record.rows),
        "synthetic": suite_runs.synthetic(out, record.rows),
        "by_product": suite_runs.by_product(out, record.rows),
        "curves": suite_runs.curves(out, compared),
        "compared": _compare(out, compared),
        "compared_rows": [row.name for row in compared],
        "examples": _examples(out, record),
    }
    blocks = in_blocks(columns)
    tables = {block.title: _table(record.rows, block.names, block is blocks[0]) for block in blocks}
    write_exports(out, NAME, tables)
    return write_page(RunFolder(out), "suite.html.j2", context)


def _examples(out: Path, record: SuiteRecord) -> dict[str, Any] | None:
    """Pairs of instructions under the row that decided most of them right; None where the suite asked none.

    Of several products those of the first that has pairs of every kind that any has.
    """
    rows = [row for row in record.rows if row.group != REFERENCE and row.values.get(BEST) is not None]
    if not rows:
        return None
    best = max(rows, key=lambda row: row.values[BEST] or 0.0)
    seed = min(record.seeds)
    asked = max(suite_runs.runs_of(out, best).values(), key=lambda one: len(pairs_of(one.instructed(seed))))
    predictions = asked.predictions(seed)
    fits = asked.fits()
    renderer = Renderer(asked, predictions, fits[seed].calibration if seed in fits else None)
    kinds = kinds_of_pairs(asked, renderer, predictions, seed, EXAMPLES)
    return {"row": best.name, "kinds": kinds} if kinds else None


def _texts(row: SuiteRow, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "folder": row.folder,
        "protocol": row.protocol,
        "published": row.published,
        "values": [
            (
                with_deviation(name, row.values[name], row.deviations[name]),
                metric_of(name).interval_text(*row.intervals[name]),
            )
            for name in columns
        ],
        "training": cost(row.training_seconds),
        "fit": cost(row.fit_seconds, 1),
        "picture": cost(row.picture_ms),
        "peak": cost(row.peak_mb),
    }


def _table(rows: Sequence[SuiteRow], columns: Sequence[str], with_costs: bool) -> Table:
    """One of the exported tables."""
    costs = ["Fit, s", "Picture, ms", "Peak, MB"] if with_costs else []
    return Table(
        ["Row", *(metric_of(name).column for name in columns), *costs],
        [
            [
                row.name,
                *(_with_error(row, name) for name in columns),
                *(_costs(row) if with_costs else ()),
            ]
            for row in rows
        ],
        best=best_of(columns, [[row.values.get(name) for name in columns] for row in rows], 1),
    )


def _costs(row: SuiteRow) -> tuple[str, str, str]:
    return cost(row.fit_seconds, 1), cost(row.picture_ms), cost(row.peak_mb)


def _with_error(row: SuiteRow, name: str) -> str:
    return with_error(name, row.values[name], row.deviations[name], *row.intervals[name])


def _with_maps(rows: Sequence[SuiteRow]) -> list[SuiteRow]:
    """Rows whose maps and curves are drawn, in their order: the methods, and others that are marked for it; without
    either the first ones."""
    marked = [row for row in rows if row.shows_map and row.group != METHODS][: MAPS - 1]
    methods = [row for row in rows if row.group == METHODS][len(marked) - MAPS :]
    chosen = [*methods, *marked] or rows[:MAPS]
    return [row for row in rows if row in chosen]


Judged = Mapping[str, tuple[Renderer, Prediction]]
"""By id of the picture."""


def _compare(out: Path, rows: Sequence[SuiteRow]) -> list[Compared]:
    """The same defective pictures under every row; each row on a heat scale of its own, for each product."""
    judged: dict[str, Judged] = {}
    for row in rows:
        found: dict[str, tuple[Renderer, Prediction]] = {}
        for run in suite_runs.runs_of(out, row).values():
            fits = run.fits()
            if not fits:
                return []
            seed = min(fits)
            predictions = run.predictions(seed)
            renderer = Renderer(run, predictions, fits[seed].calibration)
            found |= {p.id: (renderer, p) for p in predictions}
        judged[row.name] = found
    return [_one(id_, judged) for id_ in track(_chosen(list(judged.values())), "Comparing maps")]


def _chosen(judged: Sequence[Judged]) -> list[str]:
    """Ids that every row has judged: the first picture of every type, then more in their order."""
    common = [p for _, p in judged[0].values() if p.defects and all(p.id in other for other in judged)]
    common.sort(key=lambda p: p.id)
    first = list({p.types: p.id for p in reversed(common)}.values())[::-1]
    return list(dict.fromkeys([*first, *(p.id for p in common)]))[:PICTURES]


def _one(id_: str, judged: Mapping[str, Judged]) -> Compared:
    maps: dict[str, str] = {}
    original, words = "", ""
    for name, of_row in judged.items():
        renderer, prediction = of_row[id_]
        panels = renderer.panels(prediction)
        if panels:
            original = original or pictures.data_uri(panels["contours"])
            maps[name] = pictures.data_uri(panels["heat"])
        words = words or truth(prediction)
    return Compared(id_, words, original, maps)
