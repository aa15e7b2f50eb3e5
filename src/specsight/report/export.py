"""A table of texts → Markdown and LaTeX for papers. Jinja's templates are for pages; two joins need none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from specsight.metrics import metric_of
from specsight.storage import write_text
from specsight.storage.tables import markdown_table, markdown_text

DASH = "–"
_LATEX = {
    "\\": r"\textbackslash{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading; the first `words` columns are words, the others numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    best: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    """(row, column) of the best number of each column, printed in bold."""


def write_exports(out: Path, name: str, tables: Mapping[str, Table]) -> None:
    """Write `name`.md and `name`.tex (needs the package booktabs) into the folder `out`.

    `tables` by title, each under its own; "": the first, which needs none.
    """
    titled = [
        (f"## {markdown_text(title)}\n\n" if title else "") + markdown(t) for title, t in tables.items()
    ]
    write_text(out / f"{name}.md", "\n".join(titled))
    comments = [(f"% {' '.join(title.split())}\n" if title else "") + latex(t) for title, t in tables.items()]
    write_text(out / f"{name}.tex", "\n".join(comments))


def markdown(table: Table, *, marked: bool = False) -> str:
    """As a Markdown table; `marked`: cells hold Markdown already, and are not escaped."""
    written = str if marked else markdown_text
    rows = [
        [f"**{c}**" if (r, i) in table.best else c for i, c in enumerate(map(written, row))]
        for r, row in enumerate(table.rows)
    ]
    return markdown_table([written(cell) for cell in table.header], rows, table.words)


def latex(table: Table) -> str:
    """As a LaTeX `tabular` with the rules of booktabs."""
    columns = "l" * table.words + "r" * (len(table.header) - table.words)
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _latex_row(table.header), r"\midrule"]
    for r, row in enumerate(table.rows):
        cells = map(_latex, row)
        lines.append(
            " & ".join(rf"\textbf{{{c}}}" if (r, i) in table.best else c for i, c in enumerate(cells))
            + r" \\"
        )
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def best_of(
    names: Sequence[str], values: Sequence[Sequence[float | None]], first: int
) -> frozenset[tuple[int, int]]:
    """Places of the best value of each metric in `names`; `values` by row, the metrics' columns begin at `first`.

    Where all rows have the same value, none is the best.
    """
    places = set()
    for column, name in enumerate(names):
        known = [(value, r) for r, row in enumerate(values) if (value := row[column]) is not None]
        numbers = [value for value, _ in known]
        if len(set(numbers)) > 1:
            top = max(numbers) if metric_of(name).direction == "higher" else min(numbers)
            places |= {(r, first + column) for value, r in known if value == top}
    return frozenset(places)


def with_deviation(name: str, value: float | None, deviation: float | None) -> str:
    """The number that the metric `name` has, with its deviation over seeds."""
    if value is None:
        return DASH
    metric = metric_of(name)
    return metric.text(value) if deviation is None else f"{metric.text(value)} ± {metric.text(deviation)}"


def with_error(
    name: str, value: float | None, deviation: float | None, low: float | None, high: float | None
) -> str:
    """As `with_deviation`; under one seed, which has none, with the interval: "29.0 % (21.4 to 37.9 %)"."""
    text = with_deviation(name, value, deviation)
    interval = metric_of(name).interval_text(low, high) if value is not None and deviation is None else ""
    return f"{text} ({interval})" if interval else text


def cost(value: float | None, digits: int = 0) -> str:
    """Seconds, milliseconds or megabytes."""
    return DASH if value is None else f"{value:.{digits}f}"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(_latex, cells)) + r" \\"


def _latex(cell: str) -> str:
    return "".join(_LATEX.get(c, c) for c in " ".join(cell.split()))
