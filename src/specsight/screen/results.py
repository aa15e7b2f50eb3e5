"""What a run folder holds, on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from specsight.errors import excerpt
from specsight.screen.printing import say, show

if TYPE_CHECKING:
    from specsight.preparation import Framing
    from specsight.runs.folder import RunFolder
    from specsight.runs.predictions import Prediction

REJECTED_LINES = 10
"""Rejected pictures named on the screen; the rest is in the report."""

MOST_LINES = 20
"""Clauses without effect that are named on the screen; the rest is in the report."""


def headline(run: Path) -> None:
    """The numbers of a run with their intervals, and its protocol."""
    from rich import box
    from rich.table import Table

    from specsight.metrics.language_control import BLOCKS
    from specsight.report import tables
    from specsight.runs.folder import RunFolder

    judged = RunFolder(run)
    numbers = judged.metrics()
    table = Table("metric", "value", "interval, about 95 %", box=box.SIMPLE)
    # Those about instructions are many: `instructed` prints the few to take away, the report all of them.
    of_words = {name for block in BLOCKS for name in block.names} | {
        n for n in numbers if n.endswith("_ignored")
    }
    for line in tables.first_lines(numbers):
        if line.key not in of_words:
            table.add_row(line.name, line.value, line.interval)
    show(table)
    for note in numbers.get("notes", []):
        say(note)
    notes(_noticed(judged.predictions()))
    unapplied(judged)
    files(run)
    say(judged.protocol().line)


def instructed(run: Path) -> None:
    """How many matched pairs were decided right both ways, by kind, and one picture that was rejected under one
    instruction and accepted under the other, each rightly; nothing where no pair was asked."""
    from specsight.report.instructed import is_right, pairs_of, varied
    from specsight.runs.folder import RunFolder
    from specsight.storage import confined

    products = RunFolder(run).metrics().get("products", {})
    runs = [RunFolder(confined(run, one["folder"])) for one in products.values()] or [RunFolder(run)]
    kinds = pairs_of([one for asked in runs for one in asked.instructed()])
    if not kinds:
        return
    right = {kind: [pair for pair in pairs if is_right(pair)] for kind, pairs in kinds.items()}
    counts = ", ".join(f"{kind} {len(right[kind])} of {len(pairs)}" for kind, pairs in kinds.items())
    say(
        f"one picture, two instructions, opposite verdicts; right both ways: {counts} (0 if words were ignored)"
    )
    for one in next((varied(pairs)[0] for pairs in right.values() if pairs), ()):
        answer = one.answers["text"]
        verdict = "rejected" if answer.verdict == "reject" else "accepted"
        by = f", because of '{excerpt(answer.deciding.words)}'" if answer.deciding else ""
        say(f"  {one.id}, '{one.text}': {verdict}{by}")


def curve(folder: Path, pages: list[Path]) -> None:
    """The table of several runs, and where their pages and their chart lie."""
    from rich import box
    from rich.table import Table

    from specsight.metrics import metric_of
    from specsight.report.curve_page import CHART
    from specsight.runs.curve_table import METRICS, TABLE, read_curve
    from specsight.runs.folder import PAGE

    points = [point for point in read_curve(folder) if not point.product]
    names = [name for name in METRICS if any(p.numbers[name]["value"] is not None for p in points)]
    rows = Table("detector", "shots", *(metric_of(name).column for name in names), box=box.SIMPLE)
    for point in points:
        shots = "all" if point.shots is None else str(point.shots)
        numbers = ((name, point.numbers[name]) for name in names)
        cells = (_cell(name, one["value"], (one["low"], one["high"])) for name, one in numbers)
        rows.add_row(point.detector, shots, *cells)
    show(rows)
    for page in pages[:1]:
        files(page.parent)
    for page in pages:
        say(f"report: {page}")
    say(f"table: {folder / TABLE}", f"chart: {folder / CHART}", f"comparison: {folder / PAGE}")


SHOWN = ("image_auroc", "aupro_30")
"""Of what the screen says how much is kept under stress; the tables hold more."""


def stress(folder: Path) -> None:
    """What each detector keeps under each stressor, and where the tables lie."""
    from rich import box
    from rich.table import Table

    from specsight.metrics import metric_of
    from specsight.runs.folder import PAGE
    from specsight.runs.stress_record import SUMMARY, TABLE, StressRecord

    record = StressRecord.read(folder)
    stressed = list(dict.fromkeys(point.stressor for point in record.points))
    curves = [curve for curve in record.curves() if not curve.product]
    curves.sort(key=lambda curve: stressed.index(curve.stressor))
    rows = Table(
        "stressor",
        "detector",
        *(f"{metric_of(name).column}: area, drop" for name in SHOWN),
        "good rejected",
        box=box.SIMPLE,
    )
    for curve in curves:
        kept = [f"{_or_dash(curve.areas[name])}, {_percent(curve.drops[name])}" for name in SHOWN]
        rows.add_row(curve.title, curve.detector, *kept, _percent(curve.false_rejects))
    show(rows)
    for title, detector, note in dict.fromkeys((c.title, c.detector, c.note) for c in curves if c.note):
        say(f"{title}: {detector} {note}")
    say(f"every level: {folder / TABLE}", f"what is kept: {folder / SUMMARY}", f"report: {folder / PAGE}")


def suite(folder: Path) -> None:
    """The tables of a suite, and where they lie."""
    from rich import box
    from rich.table import Table

    from specsight.metrics import metric_of
    from specsight.metrics.blocks import in_blocks
    from specsight.runs.suite_record import TABLE, SuiteRecord

    record = SuiteRecord.read(folder)
    for number, block in enumerate(in_blocks(record.metrics)):
        costs = () if number else ("fit s", "peak MB")
        columns = [metric_of(name).column for name in block.names]
        rows = Table("row", *columns, *costs, box=box.SIMPLE, title=block.title or None, title_justify="left")
        for row in record.rows:
            numbers = (_cell(name, row.values[name], row.intervals[name]) for name in block.names)
            cost = ("" if value is None else f"{value:.0f}" for value in (row.fit_seconds, row.peak_mb))
            rows.add_row(row.name, *numbers, *(() if number else cost))
        show(rows)
    for row in record.rows[:1]:
        files(folder / row.folder)
    say(f"table: {folder / TABLE}")


def _cell(name: str, value: float | None, interval: tuple[float | None, float | None]) -> str:
    """A number of a table, with its interval on a second line."""
    from specsight.metrics import metric_of

    if value is None:
        return ""
    metric = metric_of(name)
    return f"{metric.text(value)}\n{metric.interval_text(*interval)}".rstrip()


def verdicts(run: Path) -> None:
    """Counts on the screen, rejects and unreadable files by name; all of it stands in the folder too."""
    from specsight.datasets.accounting import Account, said
    from specsight.explain import operator_notes, rewrites_told
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
    if written := operator_notes(sum(bool(p.inspection.operator_note) for p in predictions)):
        say(f"note: {written}", err=True)
    unapplied(judged)
    if told := rewrites_told(judged.metrics().get("rewrites")):
        say(told)
    if silent := _silent(predictions):
        say(f"note: {silent}", err=True)
    decided = any(p.inspection.verdict for p in predictions)
    others = sum(p.inspection.decision.unlike is not None for p in rejected)
    other = f" ({others} not this product)" if others else ""
    counts = (
        f"{len(rejected)} rejected{other}, {len(predictions) - len(rejected)} accepted"
        if decided
        else "no verdicts"
    )
    ignored = Account.from_json(judged.metrics()["account"]).ignored
    rest = f"; {said(ignored)}" if ignored else ""
    if further := judged.protocol().further_rejects:
        say(f"note: beside what the threshold promises, {further}", err=True)
    say(f"{len(predictions)} judged: {counts}; {len(skipped)} could not be read{rest}")


def _silent(predictions: Sequence[Prediction]) -> str:
    """Why a language model first gave no answer where it was to rewrite a statement; empty where it always did."""
    explained = (one.inspection.explanation for one in predictions)
    asked = (one.rewrite for one in explained if one is not None and one.rewrite is not None)
    checks = (check for one in asked if not one.text for check in one.checks)
    return next((check.evidence for check in checks), "")


def account(line: str, notes: Sequence[str]) -> None:
    """What became of all files that were given, and what was inferred of them."""
    for note in notes:
        say(f"note: {note}")
    if line:
        say(line)


def framing(chosen: Framing, seconds: float | None) -> None:
    """Print at what size and in which tiles pictures are looked at, why, and how long that takes."""
    took = f"; {seconds:.2g} s a picture on this machine" if seconds is not None else ""
    say(f"looks at: {chosen.statement}{took}")
    for reason in chosen.reasons:
        say(f"  {reason}")


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
    """One line for each clause of specification and instruction that had no effect, or not all of it: why, and in how
    many pictures; of more than `MOST_LINES`, how many more there are."""
    lines = run.protocol().not_applied
    for line in lines[:MOST_LINES]:
        say(f"not applied: {line}", err=True)
    if len(lines) > MOST_LINES:
        say(f"not applied: {len(lines) - MOST_LINES:,} more, which the report names", err=True)
    for line in run.protocol().in_part[:MOST_LINES]:
        say(f"applied in part: {line}", err=True)


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
