"""Records as JSON lines: one object a line, appended."""

from __future__ import annotations

import json

from specsight.line.outlets.appending import AppendedFile
from specsight.line.outlets.contract import Outlet, outlets
from specsight.line.records import JudgedPart
from specsight.storage import given_path


def id_of(line: str) -> str:
    """The id in a line; "" in one that is no record."""
    try:
        return str(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError):
        return ""


@outlets.register("jsonl")
class JsonLines(Outlet):
    """The whole record of each part as a line of JSON, appended to a file: jsonl:results.jsonl"""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._file = AppendedFile(given_path(self.target, "--to jsonl:"), "", id_of)

    def open(self) -> None:
        """Open the file, and cut off half a line that a kill has left."""
        self._file.open()

    def send(self, part: JudgedPart) -> None:
        """Append the record, to the disk."""
        line = json.dumps(part.to_json(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        self._file.append(line, part.id)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
