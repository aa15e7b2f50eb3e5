"""The clauses of an instruction as a table, and what keeps them from being applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specsight.errors import excerpt
from specsight.screen.printing import say, show

if TYPE_CHECKING:
    from specsight.specification import Instruction, Specification


def clauses(instruction: Instruction, specification: Specification | None) -> None:
    """Print the clauses of an instruction, one a line, and what a person should know of them."""
    from rich.table import Table
    from rich.text import Text

    from specsight.reading import as_objects
    from specsight.specification import contradictions

    table = Table(box=None, pad_edge=False)
    for name in ("kind", "part", "defect or feature", "limit", "sure", "sentence"):
        table.add_column(name, justify="right" if name in ("limit", "sure") else "left")
    found = as_objects(instruction)
    for one in found:
        limit = "" if one["limit_mm"] is None else f"{one['limit_mm']:g} mm"
        count = f"{one['count']} × " if "count" in one else ""
        cells = (one["kind"], one["part"] or "", f"{count}{one['defect'] or ''}", limit)
        sure = "" if one["kind"] == "unread" else f"{one['confidence']:.0%}"
        style = "yellow" if one["kind"] == "unread" else ""
        table.add_row(*(Text(cell, style=style) for cell in (*cells, sure, excerpt(one["sentence"]))))
    show(table)
    for one in found:
        if "reason" in one:
            say(f"unread: '{excerpt(one['sentence'])}': {excerpt(one['reason'])}")
    for line in contradictions(instruction, specification):
        say(f"contradiction: {line}; the full inspection is judged")
    limited = any(one["limit_mm"] for one in found)
    if limited and specification is not None and specification.mm_per_px is None:
        say("no scale: the specification has no mm_per_px, and limits need it in the manifest or there")
