"""Tables of limits → facts: a row names a type of defect, perhaps a part, and what is accepted.

In: lines of a Markdown table (as PDFs are turned into, too). Out: `Row`s of header and cells, and the facts of a row.
A table may have one column of limits, or one for each part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from specsight.reading.assembly import items_of
from specsight.reading.facts import Fact
from specsight.reading.frames import frames_of
from specsight.reading.items import Item, Name, NotUnderstood
from specsight.reading.lexicon import words_of
from specsight.reading.limits import ABOVE
from specsight.reading.names import Names
from specsight.reading.normal import stems
from specsight.reading.tokens import tokenise

UNIT = re.compile(
    r"[(\[]\s*(mm|cm|μm|um|in|inch|inches|\")\s*[)\]]|\b(?:in|/)\s+(mm|cm|μm|um|inches|millimetres)\b|\b(mm|cm|μm)\b"
)
NUMBER = re.compile(r"(?:[≤<]=?\s*|max\.?\s*|up to\s*)?\d+(?:[.,]\d+)?(?:\s*/\s*\d+)?")


@dataclass(frozen=True)
class Row:
    """One row of a table under the header of its columns."""

    header: tuple[str, ...]
    cells: tuple[str, ...]


def table_length(lines: Sequence[str], start: int) -> int:
    """How many lines from `start` are a Markdown table, its header and rule included; 0: there is none."""
    end = start
    while end < len(lines) and "|" in lines[end]:
        end += 1
    ruled = end - start > 2 and re.fullmatch(r"[\s|:+-]*-[\s|:+-]*", lines[start + 1]) is not None
    return end - start if ruled else 0


def row_cells(line: str) -> tuple[str, ...]:
    """The cells of a line of a table."""
    return tuple(cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|"))


def facts_of_row(row: Row, names: Names) -> list[Fact]:
    """The limits in a row. Raises NotUnderstood where a column or a cell says something else."""
    defects: tuple[Name, ...] = ()
    parts: tuple[Name | None, ...] = (None,)
    limits: list[tuple[str, str, tuple[Name | None, ...] | None]] = []
    if len(row.cells) != len(row.header):
        raise NotUnderstood("the row has not as many cells as the header")
    for header, cell in zip(row.header, row.cells):
        kind = _column(header, names)
        if kind == "number":
            continue
        if kind == "defect":
            defects = _names_in(cell, names, "names")
        elif kind == "part":
            parts = (
                (None,)
                if cell.casefold() in (*words_of("every part"), "")
                else _names_in(cell, names, "parts")
            )
        elif kind == "limit":
            limits.append((header, cell, None))
        elif kind == "of part":
            limits.append((header, cell, _names_in(UNIT.sub("", header), names, "parts")))
        else:
            raise NotUnderstood(f"the column '{header}' is not understood")
    if not defects or not limits:
        raise NotUnderstood("a row of limits needs a type of defect and a limit")
    return [
        _fact(defect, part, limit)
        for header, cell, own in limits
        if cell or len(limits) == 1
        for limit in [_limit(cell, header, names)]
        for defect in defects
        for part in own or parts
    ]


def _fact(defect: Name, part: Name | None, limit: float | None) -> Fact:
    confidence = 0.95 * defect.confidence * (part.confidence if part else 1.0)
    return Fact(
        "ignore" if limit is None else "tolerance",
        part.text if part else None,
        defect.text,
        limit,
        confidence,
    )


def _column(header: str, names: Names) -> str:
    words = stems(UNIT.sub(" ", header.casefold().replace("(", " ").replace(")", " "))) or ("",)
    said = set(words)
    if said <= words_of("number columns") | {""}:
        return "number"
    if said & words_of("limit columns"):
        return "limit"
    if said & words_of("part columns"):
        return "part"
    if said & words_of("defect columns"):
        return "defect"
    return "of part" if words in names.known.get("part", {}) else ""


def _names_in(cell: str, names: Names, kind: str) -> tuple[Name, ...]:
    sentence = tokenise(cell, names)
    for tokens in sentence.readings:
        items = items_of(tokens, sentence, bool(names.parts))
        if len(items) != 1:
            continue
        item = items[0]
        if item.kind == kind or (kind == "parts" and item.kind == "place"):
            return item.names
        if item.kind == "lacking" or (kind == "parts" and item.kind == "names"):
            if names.parts:
                raise NotUnderstood(f"the product has no part '{cell}'")
            return (Name(cell.casefold(), False, 0.75),)
    raise NotUnderstood(f"'{cell}' is no name")


def _limit(cell: str, header: str, names: Names) -> float | None:
    """Millimetres that a cell accepts; None: any size."""
    said = cell.casefold().strip(" .")
    if said in words_of("no size"):
        return 0.0
    if said in words_of("every size"):
        return None
    unit = UNIT.search(header.casefold())
    if NUMBER.fullmatch(said):
        if not unit:
            raise NotUnderstood(f"'{cell}' has no unit")
        said = f"{said} {next(filter(None, unit.groups()))}"
    sentence = tokenise(said, names)
    items: list[Item] = (
        items_of(sentence.readings[0], sentence, bool(names.parts)) if sentence.readings else []
    )
    measured = [item for item in items if item.kind not in ("pred", "be")]
    accepted = all(item.value in ("accept", "limit") for item in items if item.kind == "pred")
    if len(measured) != 1 or measured[0].limit is None or not accepted or not frames_of(items):
        raise NotUnderstood(f"'{cell}' is no limit")
    if measured[0].limit.side == ABOVE:
        raise NotUnderstood(f"'{cell}' says from where on, not up to where")
    return measured[0].limit.mm
