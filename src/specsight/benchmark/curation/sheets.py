"""One person's decisions as a table for spreadsheets, and the filled table back into the store, all of it or nothing.

A row is an item. A person writes accept, edit or reject into `action`, and changes the words of an item where they
stand. `revision` says which decision a row was made on: those that somebody else changed meanwhile are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from specsight.benchmark.curation.decisions import Edit, Saved, applied, decided_on, edit_of
from specsight.benchmark.curation.entries import Entry
from specsight.benchmark.curation.store import Conflict, CurationStore, Saving
from specsight.benchmark.persons import check_code
from specsight.benchmark.records import Item
from specsight.errors import SpecsightError, excerpt
from specsight.storage.tables import cell, cell_text, read_csv, write_csv

SHOWN = ("id", "task", "category", "images", "provenance")
ANSWERED = ("answer", "instruction")
DECIDED = ("action", "reason", "severity", "revision")
MOST_PROBLEMS = 10
"""Damaged lines that a message names."""


def write_sheet(store: CurationStore, curator: str, path: Path) -> int:
    """Write the items that a person may decide about, with that person's decisions; returns how many.

    Where two persons decide about an item, the sheet says nothing of the other one's decision.
    """
    check_code(curator)
    count = 0

    def rows() -> Iterator[list[object]]:
        nonlocal count
        for entry in store.entries():
            seat = _seat(entry, curator)
            if seat is not None:
                count += 1
                yield _row(store, entry, entry.at(seat), entry.revision(seat))

    write_csv(path, _columns(store), rows())
    return count


def read_sheet(store: CurationStore, curator: str, path: Path) -> int:
    """Save what a person filled in; returns how many decisions are new or changed.

    Raises SpecsightError, and saves nothing, where a line is damaged, makes no sense, or rests on a decision that was
    changed meanwhile; the message names the lines.
    """
    check_code(curator)
    savings: dict[int, Saving] = {}
    problems: list[str] = []
    seen: dict[str, int] = {}
    for line, cells in read_csv(path, _columns(store)):
        try:
            if (before := seen.setdefault(cells["id"], line)) != line:
                raise SpecsightError(f"the item of line {before} again")
            saving = _saving(store, curator, cells)
        except SpecsightError as error:
            problems.append(f"line {line}: {error}")
            continue
        if saving is not None:
            savings[line] = saving
    problems += _conflicts(store, curator, savings)
    if problems:
        more = len(problems) - MOST_PROBLEMS
        told = "; ".join(problems[:MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise SpecsightError(f"'{path}' was not taken: {told}")
    try:
        store.save_all(curator, list(savings.values()))
    except Conflict as error:
        raise SpecsightError(f"'{path}' was not taken: {error}: export the sheet anew") from error
    return len(savings)


def _columns(store: CurationStore) -> list[str]:
    return [*SHOWN, "question", *store.options, *ANSWERED, *DECIDED]


def _seat(entry: Entry, curator: str) -> int | None:
    """None, too, where nothing can be changed any more."""
    return None if entry.at(0) is not None else entry.seat_of(curator)


def _row(store: CurationStore, entry: Entry, saved: Saved | None, revision: int) -> list[object]:
    item = store.item(entry.number)
    decision = saved.decision if saved else None
    item = applied(item, decision) if decision else item
    return [
        item.id,
        item.task,
        item.category,
        "\n".join(item.images),
        "; ".join(f"{p.source} {p.by}".strip() for p in item.provenance),
        item.question,
        *(item.options.get(letter) for letter in store.options),
        item.answer,
        item.instruction,
        *((decision.action, decision.reason, decision.severity) if decision else (None, None, None)),
        revision,
    ]


def _saving(store: CurationStore, curator: str, cells: Mapping[str, str]) -> Saving | None:
    """What a row says; None where it says nothing new. Raises SpecsightError."""
    number = store.number_of(cells["id"])
    if number is None:
        number = store.number_of(cell_text(cells["id"]))
    if number is None:
        raise SpecsightError(f"there is no item '{excerpt(cells['id'])}'")
    entry, item = store.entry(number), store.item(number)
    seat = _seat(entry, curator)
    action = cells["action"].strip().lower()
    if seat is None:
        if not action:
            return None
        raise SpecsightError("others have decided about this item meanwhile: take the line out")
    saved = entry.at(seat)
    if not action:
        if saved is not None:
            raise SpecsightError("the action is empty: a decision is changed, not taken back")
        if _edit(item, None, cells) is not None:
            raise SpecsightError("its words were changed: write edit into 'action'")
        return None
    decision = decided_on(
        item,
        saved.decision if saved else None,
        action,
        _edit(item, saved, cells),
        cell_text(cells["reason"]),
        cell_text(cells["severity"]).strip(),
    )
    if saved is not None and saved.decision == decision:
        return None
    revision = cells["revision"].strip()
    if not revision.isascii() or not revision.isdigit():
        raise SpecsightError(f"revision '{excerpt(revision)}' is no number: leave it as it was exported")
    return Saving(number, decision, int(revision))


def _edit(item: Item, saved: Saved | None, cells: Mapping[str, str]) -> Edit | None:
    """What the words of a row change about the item."""
    now = applied(item, saved.decision) if saved else item

    def written(name: str, *exported: str | None) -> str:
        """Text that stands in the cell as it was exported is that text, apostrophes and all."""
        stands = cells[name].replace("\r\n", "\n")
        return next(
            (text for text in exported if str(cell(text or "")) == stands and text), cell_text(stands)
        )

    options = {
        letter: text
        for letter in cells
        if len(letter) == 1
        and (text := written(letter, item.options.get(letter), now.options.get(letter))) != ""
    }
    return edit_of(
        item,
        question=written("question", item.question, now.question),
        options=options,
        answer=written("answer", item.answer, now.answer),
        instruction=written("instruction", item.instruction, now.instruction),
    )


def _conflicts(store: CurationStore, curator: str, savings: Mapping[int, Saving]) -> list[str]:
    problems = []
    for line, saving in savings.items():
        entry = store.entry(saving.number)
        seat = entry.seat_of(curator)
        if seat is not None and entry.revision(seat) != saving.revision:
            there = entry.at(seat)
            who = f"by {there.curator}, revision {there.revision}" if there else "never"
            problems.append(
                f"line {line}: made on revision {saving.revision}, and decided {who}: export the sheet anew"
            )
    return problems
