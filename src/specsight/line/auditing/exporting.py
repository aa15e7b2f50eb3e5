"""The sheet of a part, handed out: the trail notes who took it, as what, and its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from specsight.line.auditing.evidence import EXPORTED
from specsight.line.auditing.pdf import render
from specsight.line.auditing.sheet import page, sheet_of
from specsight.line.records import Entry, Role
from specsight.line.store import LineStore

KINDS = {"pdf": render, "html": page}


def exported(
    store: LineStore, id_: str, kind: str, person: str, role: Role, models: Path | None = None
) -> bytes:
    """The sheet of a part as "pdf" or "html". Raises SpecsightError where there is no such part."""
    sheet = sheet_of(store, id_, models)
    content = KINDS[kind](sheet)
    part = store.known(id_)
    detail = {"as": kind, "digest": hashlib.sha256(content).hexdigest()}
    store.note(Entry(part.line, person, role, EXPORTED, id_, detail))
    return content
