"""Tables of limits → facts: a row names a type of defect, perhaps a part, and what is accepted.

In: lines of a Markdown table (as PDFs are turned into, too). Out: `Row`s of header and cells, and the facts of a row.
A table may have one column of limits, or one for each part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from specsight.reading.assembly import items_of
from specsight.reading.facts import Fact, defect_like
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
    """The limits in a row, or what it requires, or whether a part is inspected; empty where it asks for nothing.

    Raises NotUnderstood where a column or a cell says something else.
    """
    if len(row.cells) != len(row.header):
        raise NotUnderstood("the row has not as many cells as the header")
    columns: dict[str, list[tuple[str, str]]] = {}
    for header, cell in zip(row.header, row.cells):
        kind = _column(header, names)
        if not kind and len(row.header) == 2 and _column(row.header[0], names) == "defect":
            kind = "limit"
        if not kind:
            raise NotUnderstood(f"the column '{header}' is not understood")
        if kind == "remark" and cell.strip(" -–"):
            raise NotUnderstood(f"the remark '{cell}' is not understood")
        columns.setdefault(kind, []).append((header, cell))
    parts = _parts_of(columns, names)
    if "inspected" in columns:
        return _inspected(columns["inspected"][0][1], parts)
    label = next((cell for kind in ("defect", "label") for _, cell in columns.get(kind, ()) if cell), "")
    if "required" in columns:
        return _required(label, columns["required"][0][1], parts)
    return _limits_of(label, columns, parts, names)


def _parts_of(columns: Mapping[str, Sequence[tuple[str, str]]], names: Names) -> tuple[Name | None, ...]:
    """The parts that a row is about; None for all of them."""
    for _, cell in columns.get("part", ()):
        if cell.casefold() not in (*words_of("every part"), ""):
            return _names_in(cell, names, "parts")
    return (None,)


def _inspected(cell: str, parts: Sequence[Name | None]) -> list[Fact]:
    said = cell.casefold().strip(" .")
    if said not in (*words_of("yes"), *words_of("no")):
        raise NotUnderstood(f"'{cell}' does not say whether the part is inspected")
    if said in words_of("yes"):
        return []
    return [
        Fact("scope-out", part.text, confidence=0.95 * part.confidence) for part in parts if part is not None
    ]


def _required(feature: str, cell: str, parts: Sequence[Name | None]) -> list[Fact]:
    if not feature or cell.casefold().strip(" .") not in words_of("yes"):
        raise NotUnderstood("a row of requirements needs a feature, and yes")
    return [Fact("requirement", part.text if part else None, feature.casefold(), 1.0, 0.9) for part in parts]


def _limits_of(
    label: str, columns: Mapping[str, Sequence[tuple[str, str]]], parts: Sequence[Name | None], names: Names
) -> list[Fact]:
    """A limit for each column of limits, on the row's parts or on the column's own."""
    limits = [(header, cell, tuple(parts)) for header, cell in columns.get("limit", ())]
    for header, cell in columns.get("of part", ()):
        limits.append((header, cell, _names_in(UNIT.sub("", header), names, "parts")))
    if not label or not limits:
        raise NotUnderstood("a row of limits needs a type of defect and a limit")
    defects = _names_in(UNIT.sub("", label).strip(" ()"), names, "names")
    unknown = [one.text for one in defects if not one.known and not defect_like(one)]
    if unknown and names.defects:
        raise NotUnderstood(f"'{unknown[0]}' is no type of defect of the product")
    return [
        _fact(defect, part, limit)
        for header, cell, own in limits
        if cell or len(limits) == 1
        for limit in [_limit(cell, f"{header} {label}", names)]
        for defect in defects
        for part in own
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
    if said <= {""}:
        return "label"
    if said <= words_of("number columns"):
        return "number"
    if said <= words_of("remark columns"):
        return "remark"
    if said & words_of("required columns"):
        return "required"
    if said & words_of("inspected columns"):
        return "inspected"
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
