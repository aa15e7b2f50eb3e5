"""The manifest: a data set of your own as one list, JSONL or CSV, read and written.

JSONL holds one object per sample. CSV holds one row per picture, or one row per defect where rows share a picture; its
columns are the same names. `manifest_schema.Line` says what is allowed; an error names file and line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.datasets import manifest_csv
from specsight.datasets.contract import (
    DatasetListing,
    Products,
    Reader,
    pick_samples,
    register,
    with_unique_ids,
)
from specsight.datasets.files import product_name
from specsight.datasets.list_text import list_text
from specsight.datasets.visa import SPLIT_COLUMNS
from specsight.errors import SpecsightError, did_you_mean
from specsight.records import Sample
from specsight.storage import parse_json, write_text

if TYPE_CHECKING:
    from specsight.datasets.manifest_schema import Line

FILES = ("manifest.jsonl", "manifest.csv")
_SUFFIXES = (".jsonl", ".csv")


@register
class Manifest(Reader):
    """`path`: a folder with `manifest.jsonl` or `manifest.csv`, or such a file under any name."""

    name = "manifest"
    title = "manifest, JSONL or CSV (your own list; can be written too)"

    def detects(self, path: Path) -> bool:
        """Whether `path` is a list with our columns, or a folder that holds one."""
        if path.is_file():
            ending = path.suffix.lower()
            return ending == ".jsonl" or (ending == ".csv" and _is_ours(path))
        return any((path / name).is_file() for name in FILES)

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """One sample a line. Raises SpecsightError that names the file and the line of a mistake."""
        file = path if path.is_file() else _file_in(path)
        text, notes = list_text(file)
        if file.suffix.lower() == ".csv":
            table = manifest_csv.parse(text, file)
            lines, notes = table.lines, [*notes, *table.notes]
        else:
            lines = _jsonl_lines(text, file)
        samples = [_sample(line, file, number) for number, line in lines]
        if not samples:
            raise SpecsightError(f"'{file}' lists no picture: write one line for each")
        return DatasetListing(
            self.name, path, with_unique_ids(pick_samples(samples, product)), notes, lists=(file,)
        )


def write_manifest(samples: Sequence[Sample], path: str | Path) -> Path:
    """Write samples to `path` (.jsonl or .csv); their files must lie inside its folder. Reading it gives them back."""
    path = Path(path)
    if path.suffix not in _SUFFIXES:
        raise SpecsightError(f"'{path}' ends in '{path.suffix}': a manifest ends in .jsonl or .csv")
    objects = [_object(sample, path.parent) for sample in samples]
    if path.suffix == ".csv":
        write_text(path, manifest_csv.write(objects))
    else:
        write_text(path, "".join(json.dumps(o, ensure_ascii=False, allow_nan=False) + "\n" for o in objects))
    return path


def _object(sample: Sample, folder: Path) -> dict[str, Any]:
    from pydantic import ValidationError

    from specsight.datasets.manifest_schema import Line

    try:
        return Line.from_sample(sample, folder).to_json()
    except ValidationError as error:
        raise SpecsightError(
            f"sample '{sample.id}' cannot be written: {_first(error.errors(), Line)}"
        ) from error


def _is_ours(file: Path) -> bool:
    """A table of pictures, but not one of VisA's split lists."""
    columns = manifest_csv.header(list_text(file)[0])
    return "image" in columns and columns != SPLIT_COLUMNS


def _file_in(folder: Path) -> Path:
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise SpecsightError(f"'{folder}' holds no {' or '.join(FILES)}: write one, or name the file itself")


def _sample(line: Mapping[str, Any], file: Path, number: int) -> Sample:
    from pydantic import ValidationError

    from specsight.datasets.manifest_schema import Line

    try:
        return Line.model_validate(line).to_sample(file.parent, product_name(file.parent))
    except ValidationError as error:
        raise SpecsightError(f"'{file}' line {number}: {_first(error.errors(), Line)}") from error
    except (SpecsightError, ValueError) as error:
        raise SpecsightError(f"'{file}' line {number}: {error}") from error


def _first(errors: Sequence[Any], line: type[Line]) -> str:
    """The first complaint of the schema, in one sentence."""
    error = errors[0]
    place = ".".join(str(step) for step in error["loc"])
    if error["type"] == "extra_forbidden":
        from specsight.datasets.manifest_schema import DefectLine

        fields = line.model_fields if len(error["loc"]) == 1 else DefectLine.model_fields
        return f"there is no field '{place}': {did_you_mean(str(error['loc'][-1]), fields)}"
    given = "" if error["type"] == "missing" else f", got '{str(error['input'])[:60]}'"
    return f"{place}: {error['msg'][:1].lower()}{error['msg'][1:]}{given}"


def _jsonl_lines(text: str, file: Path) -> list[tuple[int, dict[str, Any]]]:
    """(line number, object) of every line that holds something."""
    lines = []
    # Not str.splitlines: JSON strings may hold line separators that are no line ends here (U+2028).
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            content = parse_json(line)
        except ValueError as error:
            raise SpecsightError(
                f"'{file}' line {number} is not JSON ({error}): one object per line"
            ) from error
        if not isinstance(content, dict):
            raise SpecsightError(f"'{file}' line {number} is not a JSON object: write {{\"image\": ...}}")
        lines.append((number, content))
    return lines
