"""What a watched line has put away and written."""

from __future__ import annotations

import json
from pathlib import Path

from specsight.line.records import JudgedPart


def tree(folder: Path) -> list[str]:
    """Files below a folder, without what a watch keeps for itself."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".watch" not in path.parts
    )


def records(file: Path) -> list[JudgedPart]:
    return [JudgedPart.from_json(json.loads(line)) for line in file.read_text().splitlines()]
