"""What the command line prints of results and names; it computes nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specsight.errors import SpecsightError, did_you_mean, printable
from specsight.registry import Registry

if TYPE_CHECKING:
    from rich.console import RenderableType

    from specsight.runs.folder import RunFolder
    from specsight.runs.predictions import Prediction

REJECTED_LINES = 10
"""Rejected pictures named on the screen; the rest is in the report."""
REGISTRIES = {
    "detectors": "specsight.detectors.contract:detectors",
    "encoders": "specsight.encoders.contract:encoders",
    "datasets": "specsight.datasets.contract:readers",
    "language-models": "specsight.language:language_models",
    "metrics": "specsight.metrics:metrics",
}
"""What can be listed → where its registry is."""
KINDS = {
    "detectors": "methods, for --detector",
    "encoders": "what turns pixels and words into features, for --encoder",
    "datasets": "layouts of folders and lists that are recognised, for --layout",
    "language-models": "what answers in words, in Python",
    "metrics": "the numbers of an evaluation",
}
"""What can be listed → what it is for."""


class ReaderLeft(Exception):
    """Whoever read what is printed, such as `head`, reads no more."""


def say(text: str, err: bool = False) -> None:
    """Print a line, or several; what names of files and other people's words hold of control characters is shown, not
    obeyed."""
    try:
        click.echo(printable(text), err=err)
    except BrokenPipeError as error:  # click would end the process itself, with another code
        raise ReaderLeft from error


def show(content: RenderableType) -> None:
    """Print a table or other content of `rich`; its text is shown as `say` shows it, its styles are obeyed."""
    from rich.console import Console
    from rich.segment import Segment, Segments

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise ReaderLeft

    console = Screen()
    rendered = (
        Segment(printable(part.text), part.style)
        for line in console.render_lines(content, pad=False)
        for part in [*line, Segment.line()]
    )
    console.print(Segments(rendered), end="")


def headline(run: Path) -> None:
    """The numbers of a run with their intervals, and its protocol."""
    from rich import box
    from rich.table import Table

    from specsight.report import tables
    from specsight.runs.folder import RunFolder

    judged = RunFolder(run)
    numbers = judged.metrics()
    table = Table("metric", "value", "interval, about 95 %", box=box.SIMPLE)
    for lines in tables.headline(numbers).values():
        for line in lines:
            table.add_row(line.name, line.value, line.interval)
    show(table)
    for note in numbers.get("notes", []):
        say(note)
    notes(_noticed(judged.predictions()))
    unapplied(judged)
    files(run)
    say(judged.protocol().line)


def curve(folder: Path, pages: list[Path]) -> None:
    """The table of several runs, and where their pages and their chart lie."""
    from rich import box
    from rich.table import Table

    from specsight.metrics import metric_of
    from specsight.report.curve_chart import CHART
    from specsight.runs.curve_table import METRICS, TABLE, read_curve

    rows = Table("detector", "shots", *(metric_of(name).column for name in METRICS), box=box.SIMPLE)
    for point in read_curve(folder):
        values = [point.numbers[name]["value"] for name in METRICS]
        shots = "all" if point.shots is None else str(point.shots)
        rows.add_row(point.detector, shots, *("" if v is None else f"{v:.3f}" for v in values))
    show(rows)
    for page in pages[:1]:
        files(page.parent)
    for page in pages:
        say(f"report: {page}")
    say(f"table: {folder / TABLE}\nchart: {folder / CHART}")


def suite(folder: Path) -> None:
    """The table of a suite, and where it lies."""
    from rich import box
    from rich.table import Table

    from specsight.metrics import metric_of
    from specsight.runs.suite_record import TABLE, SuiteRecord

    record = SuiteRecord.read(folder)
    columns = [metric_of(name).column for name in record.metrics]
    rows = Table("row", *columns, "fit s", "peak MB", box=box.SIMPLE)
    for row in record.rows:
        numbers = ("" if value is None else f"{value:.3f}" for value in row.values.values())
        cost = ("" if value is None else f"{value:.0f}" for value in (row.fit_seconds, row.peak_mb))
        rows.add_row(row.name, *numbers, *cost)
    show(rows)
    for row in record.rows[:1]:
        files(folder / row.folder)
    say(f"table: {folder / TABLE}")


def verdicts(run: Path) -> None:
    """Counts on the screen, rejects and unreadable files by name; all of it stands in the folder too."""
    from specsight.datasets.accounting import Account, said
    from specsight.runs.folder import RunFolder

    judged = RunFolder(run)
    predictions, skipped = judged.predictions(), judged.skipped()
    rejected = [p for p in predictions if p.inspection.verdict == "reject"]
    for prediction in rejected[:REJECTED_LINES]:
        say(f"{prediction.inspection.image}: {prediction.inspection.statement}")
    if len(rejected) > REJECTED_LINES:
        say(f"... and {len(rejected) - REJECTED_LINES} more rejected, see the report")
    for picture in skipped:
        say(f"skipped: {picture.reason}", err=True)
    notes(_noticed(predictions))
    unapplied(judged)
    decided = any(p.inspection.verdict for p in predictions)
    counts = (
        f"{len(rejected)} rejected, {len(predictions) - len(rejected)} accepted" if decided else "no verdicts"
    )
    ignored = Account.from_json(judged.metrics()["account"]).ignored
    rest = f"; {said(ignored)}" if ignored else ""
    say(f"{len(predictions)} judged: {counts}; {len(skipped)} could not be read{rest}")


def account(line: str, notes: Sequence[str]) -> None:
    """What became of all files that were given, and what was inferred of them."""
    for note in notes:
        say(f"note: {note}")
    if line:
        say(line)


def files(run: Path) -> None:
    """What became of all files of a run, and what was inferred of them."""
    from specsight.runs.folder import RunFolder

    protocol = RunFolder(run).protocol()
    account(protocol.account, protocol.notes)


def notes(pictures: Mapping[str, Sequence[str]]) -> None:
    """What was noticed in reading pictures: each note once, with how many pictures it holds for and one of them."""
    for note, paths in pictures.items():
        count = f"{len(paths)} pictures, such as " if len(paths) > 1 else ""
        say(f"note: {note} ({count}'{paths[0]}')", err=True)


def _noticed(predictions: Sequence[Prediction]) -> dict[str, list[str]]:
    """Note → pictures that it holds for."""
    found: dict[str, list[str]] = {}
    for prediction in predictions:
        for note in prediction.inspection.notes:
            found.setdefault(note, []).append(prediction.inspection.image)
    return found


def unapplied(run: RunFolder) -> None:
    """One line that names the clauses of specification and instruction that had no effect, and why."""
    lines = run.protocol().not_applied
    if lines:
        say(f"not applied: {'; '.join(lines)}", err=True)


def kinds() -> None:
    """What can be listed, and how."""
    for what, about in KINDS.items():
        say(f"specsight list {what:16} {about}")
    say("specsight list detectors NAME   needs and parameters of one detector")


def names(what: str) -> None:
    """Everything of one kind that the commands take, with a line about it."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    registry = registry_of(what)
    table = Table(box=box.SIMPLE, show_header=False)
    for name, words in _catalogue(what):
        table.add_row(f"[bold]{escape(name)}[/]", escape(printable(words)))
    for name, reason in registry.broken.items():
        table.add_row(f"[bold red]{escape(name)}[/]", f"broken: {escape(printable(reason))}")
    show(table)


def detector(name: str) -> None:
    """What one detector is, what it needs, and its parameters with defaults, ranges and meaning."""
    import inspect
    import sys

    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from specsight.detectors import detectors
    from specsight.detectors.parameters import parameters_of

    kind = detectors[name]
    source = (inspect.getdoc(sys.modules[kind.__module__]) or "").partition("\n")[0]
    say(f"{name}: {(kind.__doc__ or '').partition(chr(10))[0]}\n{source}")
    say(f"regime: {kind.regime.value}\nneeds: {kind.needs}")
    table = Table("parameter", "default", "values", "meaning", box=box.SIMPLE)
    for declared in parameters_of(kind).values():
        default = "the method's choice" if declared.default is None else declared.written_default
        table.add_row(f"[bold]{declared.name}[/]", escape(default), declared.values, escape(declared.help))
    show(table)


def registry_of(what: str) -> Registry[Any]:
    """The registry of one of the kinds in `REGISTRIES`; imports its room.

    Raises SpecsightError with a suggestion for anything else.
    """
    if what not in REGISTRIES:
        raise SpecsightError(f"nothing called '{what}' to list: {did_you_mean(what, REGISTRIES)}")
    module, _, name = REGISTRIES[what].partition(":")
    registry: Registry[Any] = getattr(importlib.import_module(module), name)
    return registry


def _catalogue(what: str) -> list[tuple[str, str]]:
    """(name, one line) of everything of one kind."""
    if what == "detectors":
        from specsight.detectors import detectors

        return [
            (
                name,
                f"{(kind.__doc__ or '').strip().partition(chr(10))[0]} Needs: {', '.join(kind.needs.names)}.",
            )
            for name, kind in detectors.items()
        ]
    if what == "datasets":
        from specsight.datasets import readers

        return [(name, reader.title) for name, reader in readers.items()]
    if what == "metrics":
        from specsight.metrics import metrics

        return [
            (
                name,
                f"{metric.description} ({metric.direction} is better{', oracle' if metric.oracle else ''})",
            )
            for name, metric in metrics.items()
        ]
    if what == "language-models":
        from specsight.language import language_models

        return [
            (name, (adapter.__doc__ or "").partition("\n")[0]) for name, adapter in language_models.items()
        ]
    from specsight.encoders import encoder_names

    return list(encoder_names().items())
