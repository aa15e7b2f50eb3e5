"""The CSV form of a manifest: one row per picture, or per defect where rows share a picture.

Columns are the fields of a manifest line and of its defects; `defect_text` is a defect's text. Cells of mappings and
lists hold JSON, except that `text` may be plain words (the description), `box` and `depth_range` plain numbers.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specsight.datasets.contract import GOOD_NAMES
from specsight.datasets.manifest_schema import label_of
from specsight.errors import SpecsightError
from specsight.storage import parse_json

SAMPLE_COLUMNS = (
    "id",
    "image",
    "label",
    "product",
    "split",
    "depth",
    "depth_range",
    "depth_unit_mm",
    "normals",
    "signals",
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
_JSON_COLUMNS = frozenset({"part_names", "signals", "conditions", "text", "instructions"})
_LISTS = {"box": 4, "depth_range": 2}
"""Column → how many numbers it holds."""
_NUMBERS = frozenset({"mm_per_px", "depth_unit_mm", "size_mm", "saturation"})
_COLUMNS = frozenset({*SAMPLE_COLUMNS, *DEFECT_COLUMNS})
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """A table of pictures, read."""

    lines: list[tuple[int, dict[str, Any]]]
    """(line number, manifest object) per picture."""
    notes: list[str]


@dataclass(frozen=True)
class _Form:
    """How a spreadsheet wrote the table."""

    delimiter: str
    columns: list[str]
    skipped: int
    """Lines before the rows: the header's, and that of `sep=;`."""


def header(text: str) -> list[str]:
    """Column names of a CSV text, ours in lower case."""
    return _form(text).columns


def parse(text: str, file: Path) -> Table:
    """Every picture of the table. Columns are separated by commas, semicolons or tabs; those of other names become
    conditions, and a note says so. Raises SpecsightError for mistakes, and for rows that contradict each other."""
    form = _form(text)
    others = _other_columns(form.columns, file)
    found: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for number, cells in _cells(text, file, form):
        if len(cells) > len(form.columns):
            raise SpecsightError(
                f"'{file}' line {number} has {len(cells)} cells for {len(form.columns)} columns: quote commas"
            )
        row = {name: cell for name, cell in zip(form.columns, cells) if not _is_empty(name, cell)}
        key = (row.get("id", ""), row.get("image", row.get("depth", "")))
        fields = _sample_fields(row, others, file, number)
        first, line = found.setdefault(key, (number, {}))
        for name, value in fields.items():
            if not _alike(name, line.setdefault(name, value), value):
                raise SpecsightError(
                    f"'{file}' line {number} says {name} '{value}' of '{key[1]}', and line {first} "
                    f"'{line[name]}': correct one of them"
                )
        defect = _defect_fields(row, file, number)
        if defect:
            line.setdefault("defects", []).append(defect)
    notes = [f"columns kept as conditions: {', '.join(others)}"] if others else []
    return Table(list(found.values()), notes)


def _form(text: str) -> _Form:
    """The delimiter with which the header has a column `image`, after `sep=`, with which Excel announces it."""
    lines = text.split("\n", 2)
    said = re.fullmatch(r"\s*\"?sep=(.)\"?\s*", lines[0])
    top = lines[1] if said and len(lines) > 1 else lines[0]
    choices = (said[1],) if said else _DELIMITERS
    headers = {delimiter: _columns(top, delimiter) for delimiter in choices}
    delimiter = next((d for d, names in headers.items() if "image" in names), choices[0])
    return _Form(delimiter, headers[delimiter], 2 if said else 1)


def _is_empty(name: str, cell: str) -> bool:
    """Whether the cell says nothing; pandas writes "nan" or "NaN" into cells without a value, also of names."""
    return cell == "" or (cell in ("nan", "NaN") and name in _NUMBERS | {"label", "type", "mask", "split"})


def _columns(line: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [n.strip().lower() if n.strip().lower() in _COLUMNS else n.strip() for n in names]


def _alike(name: str, first: Any, second: Any) -> bool:
    return bool(label_of(first) == label_of(second)) if name == "label" else bool(first == second)


def _cells(text: str, file: Path, form: _Form) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every row that holds something, after the header."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter)
    try:
        for cells in reader:
            if reader.line_num > form.skipped and any(cells):
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
    if "image" not in names:
        raise SpecsightError(
            f"'{file}' has no column 'image': its columns are {', '.join(names) or 'none'}; "
            "call the one with the pictures 'image'"
        )
    for name in names:
        if name and names.count(name) > 1:
            raise SpecsightError(f"'{file}' has two columns '{name}': give each a name of its own")
    others = [name for name in names if name and name not in _COLUMNS]
    for name in others:
        # Stricter than for other names: a column of one's own is fine, only a slip of the keys is not.
        for meant in difflib.get_close_matches(name.lower(), _COLUMNS, n=1, cutoff=0.8):
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
    if name in _LISTS:
        words = text.split()
        # "0,5 1,5" has decimal commas, "0, 1" commas between numbers.
        return (
            [word.replace(",", ".") for word in words]
            if len(words) == _LISTS[name] and not any(word.endswith(",") for word in words)
            else text.replace(",", " ").split()
        )
    if name in _NUMBERS:
        return re.sub(r"^\s*([+-]?\d*),(\d+)\s*$", r"\1.\2", text)
    if name == "text" and not text.startswith("{"):
        return {"description": text}
    if name in _JSON_COLUMNS:
        try:
            return parse_json(text)
        except ValueError as error:
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
