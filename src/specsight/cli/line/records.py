"""`line export`, `verify`, `retain`, `delete`, `trail`, `backup`, `restore`: what is done with a line's records."""

from __future__ import annotations

import getpass
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import DATABASE, PATH, line_loading
from specsight.cli.records import records_at
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.line.auditing.deleting import Gone
    from specsight.line.records import JudgedPart
    from specsight.line.store import LineStore

MODELS = click.option("--models", type=PATH, help="The line's folder of models.")
AT_ONCE = 1000


@click.command()
@click.argument("inspection")
@click.option("--out", "-o", type=PATH, required=True, help="A file that ends in .pdf or .html.")
@MODELS
@DATABASE
def export(inspection: str, out: Path, models: Path | None, db: str) -> None:
    """Write the sheet of one part: picture, map, verdict, clauses, statement, model, persons, hashes and trail.

    INSPECTION is the id of a record (specsight line trail lists them). The export is noted on the trail.
    """
    from specsight.line.auditing.exporting import KINDS, exported
    from specsight.storage import write_bytes

    kind = out.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise SpecsightError(f"--out {out}: a sheet is a .pdf or an .html file")
    with records_at(db) as store:
        content = exported(store, inspection, kind, getpass.getuser(), "auditor", models)
        write_bytes(out, content)
    screen.say(f"{out}: SHA-256 {hashlib.sha256(content).hexdigest()}")


def _digest(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """A digest, or None. An empty one, as of a variable that is not set, would check nothing."""
    if value is not None and not re.fullmatch("[0-9a-f]{64}", value):
        raise SpecsightError(
            f"--expect '{value}': a digest has 64 hexadecimal digits; 'line verify' prints them"
        )
    return value


@click.command()
@click.option("--line", "lines", multiple=True, help="Check this line alone; may be given again.")
@click.option(
    "--expect",
    callback=_digest,
    help="Digest of an entry that was noted elsewhere and must be there: on --line, otherwise in what concerns all "
    "lines, which notes the others daily.",
)
@DATABASE
def verify(lines: tuple[str, ...], expect: str | None, db: str) -> int:
    """Check that nothing was changed or removed: trail, records, reviews, pictures and maps.

    Says for each line in one sentence what it found. Exit code 1: something is not as it was written.
    """
    from specsight.line.auditing.checking import LISTED, check_line, lines_of
    from specsight.line.auditing.checking import verify as check

    if expect and len(lines) > 1:
        raise SpecsightError("--expect takes one --line: every line has a chain of its own")
    where = lines[0] if lines else ""
    with records_at(db) as store:
        for line in lines:
            check_line(store, line)
        found = [
            check(store, line, expect if expect and line == where else "")
            for line in lines or lines_of(store)
        ]
    for one in found:
        screen.say(one.words)
        for fault in one.faults[1:LISTED]:
            screen.say(f"  {fault}")
        if one.head:
            screen.say(f"  last entry: {one.head}")
    return 0 if all(one.whole for one in found) else 1


@click.command()
@click.argument("inspection")
@click.option("--models", type=PATH, required=True, help="The line's folder of models.")
@line_loading
@DATABASE
def rejudge(inspection: str, models: Path, encoder: str | None, device: str, db: str) -> int:
    """Ask the version that judged a part again, with the picture that it judged.

    Nothing is stored. Exit code 1: it says something else now.
    """
    from specsight.line.auditing.rejudging import rejudge as again
    from specsight.line.fleet import Fleet, Loading

    with records_at(db) as store:
        found = again(store, Fleet(models, store, Loading(encoder, device)), inspection)
    screen.say(found.words)
    return 0 if found.reproduced else 1


@click.command()
@click.option("--rules", type=PATH, required=True, help="How long what is kept (YAML).")
@click.option("--dry-run", is_flag=True, help="Say what would go; nothing does.")
@click.option(
    "--shrink", is_flag=True, help="Then give the room back to the disk (SQLite; nobody can write meanwhile)."
)
@DATABASE
def retain(rules: Path, dry_run: bool, shrink: bool, db: str) -> None:
    """Delete pictures and records that are older than the rules say; the trail keeps their digests.

    It works in small steps, and a line that judges goes on. Parts on hold stay.
    """
    from specsight.line.auditing.daily import note
    from specsight.line.auditing.deleting import Gone
    from specsight.line.auditing.retention import apply, give_back, load_rules, size_of

    read, gone = load_rules(rules), Gone()
    with records_at(db) as store:
        for step in apply(store, read, dry_run):
            gone += step
        if not dry_run:
            note(store, read, gone, getpass.getuser())
        _say_gone(gone, dry_run)
        if shrink and not dry_run:
            before = size_of(store)
            screen.say(f"database: {_megabytes(before)} MB, now {_megabytes(give_back(store))} MB")


@click.command()
@click.argument("what")
@click.option("--reason", required=True, help="Why, and who asked for it: it stays on the trail.")
@click.option("--line", "on", help="Parts of that name on this line alone.")
@click.option("--pictures", is_flag=True, help="Pictures, depth and maps alone; records stay.")
@click.option("--dry-run", is_flag=True, help="Say what would go; nothing does.")
@DATABASE
def delete(what: str, reason: str, on: str | None, pictures: bool, dry_run: bool, db: str) -> None:
    """Delete the inspection, or all parts named WHAT, on request: record, pictures, reviews.

    What another part needs stays. The trail keeps digests, who deleted and why.
    """
    from specsight.line.auditing.checking import check_line
    from specsight.line.auditing.deleting import PARTS_AT_ONCE, Gone, Order
    from specsight.line.auditing.deleting import delete as remove

    if not reason.strip():
        raise SpecsightError("--reason: say why, and who asked for it")
    gone = Gone()
    with records_at(db) as store:
        check_line(store, on or "")
        parts = _named(store, what, on)
        if not parts:
            where = f" on line '{on}'" if on else ""
            raise SpecsightError(
                f"no inspection and no part{where} is called '{what}': 'specsight line trail' lists inspections"
            )
        order = Order("content" if pictures else "record", getpass.getuser(), "engineer", reason)
        ids = {one.id for one in parts}
        for start in range(0, len(parts), PARTS_AT_ONCE):
            batch = parts[start : start + PARTS_AT_ONCE]
            gone += remove(store, batch, order, lambda _, part: part.id not in ids, dry_run)
    _say_gone(gone, dry_run, len(parts))


@click.command()
@click.option("--line", "on", help="Of this line alone; '' is what concerns all lines.")
@click.option("--about", help="About this inspection, or this version of a model.")
@click.option(
    "--after", type=click.IntRange(0, 2**63 - 1), default=0, help="Number of the entry to begin after."
)
@click.option("--limit", default=100, show_default=True, help="Entries at most.")
@click.option("--json", "as_json", is_flag=True, help="As lines of JSON.")
@DATABASE
def trail(on: str | None, about: str | None, after: int, limit: int, as_json: bool, db: str) -> None:
    """Who did what to what: entries of the audit trail, the oldest first."""
    from specsight.line.auditing.checking import check_line

    first = after
    with records_at(db) as store:
        check_line(store, on or "")
        while limit > 0 and (found := store.entries(on, about, after, min(limit, AT_ONCE))):
            limit -= len(found)
            after = found[-1].number
            for one in found:
                if as_json:
                    screen.say(json.dumps(one.to_json()))
                    continue
                told = ", ".join(f"{k} {v}" for k, v in one.detail.items() if v not in ("", None, []))
                who = f"{one.person or '-'} ({one.role})"
                screen.say(
                    f"{one.number:7}  {one.at:%Y-%m-%d %H:%M:%S}  {one.line or '-'}  {who}  {one.action}  "
                    f"{one.subject}  {told}"
                )
    if after == first:
        about_it = f" about '{about}'" if about else ""
        screen.say(f"no entry{about_it}{f' after {first}' if first else ''}", err=True)


@click.command()
@click.option("--out", "-o", type=PATH, required=True, help="A new folder.")
@MODELS
@DATABASE
def backup(out: Path, models: Path | None, db: str) -> None:
    """Copy the database, and the models with all versions, into a sealed folder, while the line runs."""
    from specsight.line.auditing.backup import backup as write

    with records_at(db) as store:
        write(store, models, out)
    screen.say(f"{out}: written" + ("" if models else "; without models: give --models to have them, too"))


@click.command()
@click.argument("source", type=PATH)
@MODELS
@DATABASE
def restore(source: Path, models: Path | None, db: str) -> int:
    """Bring a backup back into a new SQLite file or an empty PostgreSQL database, and a new folder of models.

    What was restored is verified. Exit code 1: it is not whole.
    """
    from specsight.line.auditing.backup import restore as bring

    found = bring(source, db, models)
    for one in found:
        screen.say(one.words)
    return 0 if all(one.whole for one in found) else 1


VERBS = (export, verify, rejudge, retain, delete, trail, backup, restore)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"


def _named(store: LineStore, what: str, line: str | None) -> list[JudgedPart]:
    """The inspection with this id, or all parts of this name."""
    from specsight.line.history import Wanted, find

    part = store.part(what)
    if part is not None:
        return [part]
    parts: list[JudgedPart] = []
    after = 0
    while found := find(store, Wanted(line, part=what, after=after), AT_ONCE, oldest_first=True):
        parts += found
        after = found[-1].number
    return parts


def _say_gone(gone: Gone, dry: bool, parts: int | None = None) -> None:
    from specsight.line.counting import counted

    about = "" if parts is None else f"{counted(parts, 'inspection')}: "
    screen.say(f"{about}{'would delete' if dry else 'deleted'} {gone.words}")
