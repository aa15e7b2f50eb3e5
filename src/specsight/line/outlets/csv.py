"""Records as a table for spreadsheets: one row per part, appended; no cell runs as a formula."""

from __future__ import annotations

from specsight.errors import SpecsightError
from specsight.line.outlets.appending import AppendedFile
from specsight.line.outlets.contract import Outlet, outlets
from specsight.line.records import JudgedPart
from specsight.storage import csv_text, given_path

COLUMNS = (
    "id", "number", "line", "part", "received", "judged", "result", "score", "threshold", "findings", "clause",
    "statement", "model", "version", "words", "picture", "error",
)  # fmt: skip
"""Of the table. `result`: accept, reject, undecided or unreadable."""


@outlets.register("csv")
class CsvTable(Outlet):
    """A row of a table for each part, appended to a file: csv:today.csv"""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        path = given_path(self.target, "--to csv:")
        if path.suffix.lower() != ".csv":
            raise SpecsightError(f"--to {address}: give a file that ends in .csv")
        self._file = AppendedFile(path, _row(COLUMNS), lambda line: line.partition(",")[0])

    def open(self) -> None:
        """Open the table, and cut off half a row that a kill has left."""
        self._file.open()

    def send(self, part: JudgedPart) -> None:
        """Append a row, to the disk."""
        values = {**part.to_json(), "result": part.word}
        # A row is a line, so that half a one can be told from a whole one.
        cells = [" ".join(v.split()) if isinstance(v, str) else v for v in map(values.__getitem__, COLUMNS)]
        self._file.append(_row(cells), part.id)

    def close(self) -> None:
        """Close the table."""
        self._file.close()


def _row(cells: tuple[object, ...] | list[object]) -> str:
    return csv_text(cells, ()).removesuffix("\n")
