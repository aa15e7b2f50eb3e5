"""A rater's statements as a table for spreadsheets, and the filled table back into the store, all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from specsight.benchmark.rating.store import Rated, RatingStore, Saving
from specsight.errors import SpecsightError, excerpt
from specsight.storage.tables import cell_text, read_csv, write_csv

SHOWN = ("place", "product", "images", "instruction", "question", "statement")
MOST_PROBLEMS = 10


def write_sheet(store: RatingStore, rater: str, path: Path) -> int:
    """Write a rater's statements with what was rated already; returns how many. It says nothing of models."""
    folder = store.folder
    rated = store.rated(rater)
    rows = []
    for one in folder.of(rater):
        asked = folder.asked(one)
        done = rated.get((rater, one.place), Rated({}))
        shown = (
            one.place,
            asked.product,
            "\n".join(asked.images),
            asked.instruction,
            asked.question,
            one.text,
        )
        rows.append([*shown, *(done.values.get(name) for name in folder.scales), done.comment])
    write_csv(path, [*SHOWN, *folder.scales, "comment"], rows)
    return len(rows)


def read_sheet(store: RatingStore, rater: str, path: Path) -> int:
    """Save what a rater filled in; returns how many ratings are new or changed. Rows without any value are left out.

    Raises SpecsightError, and saves nothing, where a line is damaged or filled in half; the message names the lines.
    """
    places = {one.place for one in store.folder.of(rater)}
    rated = store.rated(rater)
    savings: list[Saving] = []
    problems: list[str] = []
    seen: dict[int, int] = {}
    scales = tuple(store.folder.scales)
    for line, cells in read_csv(path, ("place", *scales, "comment")):
        try:
            saving = _saving(cells, places, scales)
            if saving is None:
                continue
            if (before := seen.setdefault(saving.place, line)) != line:
                raise SpecsightError(f"the statement of line {before} again")
        except SpecsightError as error:
            problems.append(f"line {line}: {error}")
            continue
        if rated.get((rater, saving.place)) != saving.rated:
            savings.append(saving)
    if problems:
        more = len(problems) - MOST_PROBLEMS
        told = "; ".join(problems[:MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise SpecsightError(f"'{path}' was not taken: {told}")
    store.save(rater, savings)
    return len(savings)


def _saving(cells: Mapping[str, str], places: set[int], scales: Sequence[str]) -> Saving | None:
    place = _number("place", cells["place"])
    if place not in places:
        raise SpecsightError(f"there is no statement {cells['place']}")
    values = {name: _number(name, cells[name]) for name in scales if cells[name].strip()}
    comment = cell_text(cells["comment"]).strip()
    if not values and not comment:
        return None
    missing = [name for name in scales if not 1 <= (values.get(name) or 0) <= 5]
    if missing:
        raise SpecsightError(f"{', '.join(missing)}: give numbers from 1 to 5")
    return Saving(place, Rated({name: int(value) for name, value in values.items()}, comment))


def _number(name: str, written: str) -> int:
    text = written.strip().removesuffix(".0").removesuffix(",0")  # as some spreadsheets write whole numbers
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise SpecsightError(f"{name}: '{excerpt(written)}' is no whole number")
    return int(text)
