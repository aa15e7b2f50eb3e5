"""The CSV form of a manifest: one row per picture, or per defect where rows share a picture.

Columns are the fields of a manifest line and of its defects; `defect_text` is a defect's text. Cells of mappings and
lists hold JSON, except that `text` may be plain words (the description), `box` and `depth_range` plain numbers.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from specsight.datasets.contract import GOOD_NAMES
from specsight.errors import SpecsightError

SAMPLE_COLUMNS = (
    "id",
    "image",
    "label",
    "product",
    "split",
    "depth",
    "depth_range",
    "normals",
    "parts",
    "part_names",
    "reference",
    "group",
    "mm_per_px",
    "circular",
    "conditions",
    "text",
    "instructions",
)
DEFECT_COLUMNS = (
    "type",
    "mask",
    "mask_value",
    "mask_above",
    "box",
    "part",
    "size_mm",
    "severity",
    "defect_text",
    "saturation",
    "relative_saturation",
)
_JSON_COLUMNS = frozenset({"part_names", "conditions", "text", "instructions"})
_NUMBERS = frozenset({"box", "depth_range"})


def header(text: str) -> list[str]:
    """Column names of a CSV text."""
    try:
        return [name.strip() for name in next(csv.reader(io.StringIO(text, newline="")), [])]
    except csv.Error:
        return []


def parse(text: str, file: Path, notes: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, manifest object) per picture; columns of other names become conditions, and a note says so."""
    names = header(text)
    others = _other_columns(names, file)
    if others:
        notes.append(f"columns kept as conditions: {', '.join(others)}")
    found: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for number, cells in _cells(text, file):
        if len(cells) > len(names):
            raise SpecsightError(
                f"'{file}' line {number} has {len(cells)} cells for {len(names)} columns: quote commas"
            )
        row = {name: cell for name, cell in zip(names, cells) if cell != ""}
        key = (row.get("id", ""), row.get("image", ""))
        _, line = found.setdefault(key, (number, _sample_fields(row, others, file, number)))
        defect = _defect_fields(row, file, number)
        if defect:
            line.setdefault("defects", []).append(defect)
    yield from found.values()


def _cells(text: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every row that holds something, after the header."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        next(reader, None)
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise SpecsightError(
            f"'{file}' line {reader.line_num} is not CSV ({error}): save it as CSV anew"
        ) from error


def write(objects: Sequence[Mapping[str, Any]]) -> str:
    """CSV text of manifest objects; unused columns are left out."""
    rows = [row for line in objects for row in _rows(line)]
    used = {name for row in rows for name in row} | {"image"}
    # Ends of line as RFC 4180 has them; with them the writer also quotes a lone carriage return inside a cell.
    out = io.StringIO(newline="")
    table = csv.DictWriter(
        out, [c for c in SAMPLE_COLUMNS + DEFECT_COLUMNS if c in used], lineterminator="\r\n"
    )
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def _other_columns(names: Sequence[str], file: Path) -> list[str]:
    columns = {*SAMPLE_COLUMNS, *DEFECT_COLUMNS}
    if "image" not in names:
        raise SpecsightError(f"'{file}' has no column 'image': its columns are {', '.join(names) or 'none'}")
    others = [name for name in names if name and name not in columns]
    for name in others:
        # Stricter than for other names: a column of one's own is fine, only a slip of the keys is not.
        for meant in difflib.get_close_matches(name.lower(), columns, n=1, cutoff=0.8):
            raise SpecsightError(
                f"'{file}' has a column '{name}': did you mean '{meant}'? If not, give it a name less alike"
            )
    return others


def _sample_fields(row: Mapping[str, str], others: Sequence[str], file: Path, number: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        name: _cell(name, row[name], file, number) for name in SAMPLE_COLUMNS if name in row
    }
    conditions = {name: row[name] for name in others if name in row}
    if conditions:
        line["conditions"] = {**line.get("conditions", {}), **conditions}
    if "label" not in line and row.get("type", "").strip().lower() in GOOD_NAMES:
        line["label"] = "good"
    return line


def _defect_fields(row: Mapping[str, str], file: Path, number: int) -> dict[str, Any]:
    """The row's defect; none where the row has no defect column, or only the type "good"."""
    fields = {n.removeprefix("defect_"): _cell(n, row[n], file, number) for n in DEFECT_COLUMNS if n in row}
    if not fields or str(fields.get("type", "")).strip().lower() in GOOD_NAMES:
        return {}
    return {"type": "anomaly", **fields}


def _cell(name: str, text: str, file: Path, number: int) -> Any:
    if name in _NUMBERS:
        return text.replace(",", " ").split()
    if name == "text" and not text.startswith("{"):
        return {"description": text}
    if name in _JSON_COLUMNS:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecsightError(
                f"'{file}' line {number}: {name} is not JSON ({error}): got '{text[:60]}'"
            ) from error
    return text


def _rows(line: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    sample = {name: _written(line[name]) for name in SAMPLE_COLUMNS if name in line}
    for defect in line.get("defects") or [{}]:
        names = ((c, c.removeprefix("defect_")) for c in DEFECT_COLUMNS)
        yield {**sample, **{column: _written(defect[name]) for column, name in names if name in defect}}


def _written(value: object) -> str:
    if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, list):
        return " ".join(str(v) for v in value)
    return str(value)
