"""The record of lines left out → a page with image AUROC and recovered share by row, tables, and exports.

In: `adaptation.json`. Out: `report.html`, `adaptation.md` and `adaptation.tex`. It shows what they hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from specsight.report import charts
from specsight.report.export import DASH, Table, write_exports
from specsight.report.page import write_page
from specsight.runs.adaptation_record import (
    NORMAL_SOURCE,
    ORACLE,
    SOURCE_ONLY,
    AdaptationRecord,
    Recovered,
)
from specsight.runs.folder import RunFolder

NAME = "adaptation"
ALL = "all shifts"
SIDE = 560
"""Of the charts: eight names stand below them."""
HEADER = ("Row", "Image AUROC", "95 % interval", "Against source only", "95 % interval", "Share of the gap")


def render_adaptation(out: Path) -> Path:
    """Write the page of the suite `adaptation` as far as it has got; returns its path."""
    record = AdaptationRecord.read(out)
    found = {shift: record.recovered(shift) for shift in record.image_auroc}
    if len(found) > 1:
        found = {ALL: record.recovered(), **found}
    tables = {title: Table(HEADER, [texts(row) for row in rows]) for title, rows in found.items()}
    write_exports(out, NAME, tables if len(tables) > 1 else {"": next(iter(tables.values()))})
    context = {
        "title": f"{record.protocol.get('Data', '')}: {record.protocol.get('Left out', '')} left out",
        "record": record,
        "line": " · ".join(f"{what.lower()}: {how}" for what, how in record.protocol.items()),
        "seeds": ", ".join(map(str, record.seeds)),
        "header": HEADER,
        "tables": [{"title": title, "rows": table.rows} for title, table in tables.items()],
        "charts_": [chart for chart in (_aurocs(found), _shares(found)) if chart],
        "series": list(found),
    }
    return write_page(RunFolder(out), "adaptation.html.j2", context)


def texts(row: Recovered) -> tuple[str, ...]:
    """A row of the table."""
    told = row.name in (SOURCE_ONLY, NORMAL_SOURCE, ORACLE) or row.name.startswith("normal-only")
    share = "" if told else "no gap" if row.share is None else f"{row.share:.0%}"
    return (
        row.name,
        f"{row.auroc:.3f}",
        _plus_minus(row.half_width),
        f"{row.gain:+.3f}",
        _plus_minus(row.gain_half_width),
        share,
    )


def _plus_minus(half_width: float | None) -> str:
    return DASH if half_width is None else f"± {half_width:.3f}"


def _adaptations(found: Mapping[str, Sequence[Recovered]]) -> list[str]:
    """The rows between source only and oracle: those whose names are short enough to stand below a chart."""
    names = list(dict.fromkeys(row.name for rows in found.values() for row in rows))
    return [name for name in names if " " not in name and name != ORACLE]


def _aurocs(found: Mapping[str, Sequence[Recovered]]) -> charts.Lines:
    """Image AUROC of source only, adaptations and oracle, one line per shift."""
    places = [SOURCE_ONLY, *_adaptations(found), ORACLE]
    series = {
        title: [
            (places.index(row.name), _number(row.auroc, row.half_width)) for row in rows if row.name in places
        ]
        for title, rows in found.items()
    }
    return charts.lines("Image AUROC", series, places, SIDE, "row")


def _shares(found: Mapping[str, Sequence[Recovered]]) -> charts.Lines | None:
    """The share of the gap that adaptations recover, of shifts with a gap; None: there is none."""
    places = _adaptations(found)
    series = {
        title: [
            (places.index(row.name), _number(row.share, None))
            for row in rows
            if row.name in places and row.share is not None
        ]
        for title, rows in found.items()
    }
    if not any(series.values()):
        return None
    return charts.lines("Share of the gap recovered", series, places, SIDE, "row")


def _number(value: float | None, half_width: float | None) -> dict[str, Any]:
    if value is None or half_width is None:
        return {"value": value}
    return {"value": value, "low": value - half_width, "high": value + half_width}
