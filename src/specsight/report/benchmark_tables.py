"""Scores of several models over one benchmark → tables of text: a row for each number, a column for each model.

In: `Scores` by the names that `benchmark.scoring` gives. Out: `Block`s for the page. What no model has is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from specsight.benchmark.scoring.resampling import Figure
from specsight.benchmark.scoring.scores import Scores
from specsight.report.benchmark_lines import DIFFERENCES, Format, Line, Table, tables

DASH = "–"


@dataclass(frozen=True)
class Cell:
    """One number of one model."""

    text: str
    interval: str = ""
    note: str = ""
    """Why there is none, or under which definition it was measured."""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One number of all models."""

    title: str
    count: str
    chance: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Block:
    """Numbers that belong into one table."""

    id: str
    title: str
    meaning: str
    rows: Sequence[Row]

    @property
    def folded(self) -> bool:
        """Whether the page shows it when it is asked for: what is looked up, and not read."""
        return self.id in ("groups", "circular", "letters", "invalid")

    @property
    def has_chance(self) -> bool:
        """Whether guessing has a column."""
        return any(row.chance for row in self.rows)

    @property
    def notes(self) -> list[str]:
        """Under which definitions numbers were measured, or why there are none: each once, with its rows."""
        rows: dict[str, list[str]] = {}
        for row in self.rows:
            for note in dict.fromkeys(cell.note for cell in row.cells if cell.note):
                rows.setdefault(note, []).append(row.title)
        return [f"{', '.join(titles)}: {note}" for note, titles in rows.items()]


def blocks(scores: Mapping[str, Scores], unranked: Sequence[str] = ()) -> list[Block]:
    """All tables, the models in the order of `scores`; `unranked` are never called the best."""
    figures = {name: one.figures for name, one in scores.items()}
    names = {name for one in figures.values() for name in one}
    made = (_block(table, figures, unranked) for table in tables(names))
    return [block for block in made if block.rows]


def difference_block(
    figures: Mapping[str, Mapping[str, Figure]], base: str, unranked: Sequence[str] = ()
) -> Block:
    """How far each model lies above `base`, on the questions that both were asked."""
    meaning = (
        f"In percentage points, on the questions that both were asked; the interval is of the paired differences over "
        f"physical objects. One that holds 0 shows no difference to {base}."
    )
    return _block(Table("differences", f"Compared with {base}", meaning, DIFFERENCES), figures, unranked)


def interval_text(figure: Figure, format: Format) -> str:
    """The ends of the interval over objects, else of Wilson's; empty where there is none."""
    ends = (figure.low, figure.high) if figure.low is not None else figure.wilson
    if ends is None or ends[0] is None or ends[1] is None:
        return ""
    return f"{_text(ends[0], format).removesuffix(' %')} to {_text(ends[1], format)}"


def _block(table: Table, figures: Mapping[str, Mapping[str, Figure]], unranked: Sequence[str]) -> Block:
    known = [line for line in table.lines if any(line.name in one for one in figures.values())]
    rows = [_row(line, figures, unranked) for line in known]
    return Block(table.id, table.title, table.meaning, rows)


def _row(line: Line, figures: Mapping[str, Mapping[str, Figure]], unranked: Sequence[str]) -> Row:
    found = {model: one.get(line.name) for model, one in figures.items()}
    values = {
        model: figure.value
        for model, figure in found.items()
        if figure is not None and figure.value is not None and model not in unranked
    }
    best = None
    if line.better and len(set(values.values())) > 1:
        best = (max if line.better == "higher" else min)(values.values())
    counts = {figure.count for figure in found.values() if figure is not None}
    guess = next(
        (one[f"chance/{line.name}"] for one in figures.values() if f"chance/{line.name}" in one), None
    )
    return Row(
        title=line.title,
        count=_counts(counts),
        chance="" if guess is None or guess.value is None else _text(guess.value, line.format),
        cells=[_cell(figure, line, values.get(model) == best is not None) for model, figure in found.items()],
    )


def _cell(figure: Figure | None, line: Line, best: bool) -> Cell:
    if figure is None:
        return Cell(DASH)
    if figure.value is None:
        return Cell(DASH, note=figure.reason)
    return Cell(_text(figure.value, line.format), interval_text(figure, line.format), figure.variant, best)


def _counts(counts: set[int]) -> str:
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _text(value: float, format: Format) -> str:
    if format == "percent":
        return f"{100 * value:.1f} %"
    if format == "hundred":
        return f"{value:.1f}"
    if format == "points":
        return f"{100 * value:+.1f}".replace("-", "−")
    return f"{value:.3f}".replace("-", "−")
