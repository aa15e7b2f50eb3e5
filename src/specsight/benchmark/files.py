"""A benchmark on disk: one folder that describes itself. Lines are read one at a time, whatever their number.

    benchmark.json       `Manifest`: name, version, what it was built from and how, counts, digests of the files below
    samples.jsonl        one `BenchmarkSample` per line, in the order of ids
    items.jsonl          one `Item` per line, in the order of samples and tasks
    descriptions.jsonl   one `Description` per line and product
    specification.yaml   the product's words
    ontology.yaml        types of defect, with what is known of them: of these products, of general ones
    splits.json          splits, few-shot lists, held-out domains
    card.json datasheet.md CHANGELOG.md

Pictures stay where they are: paths are relative to the data folder, which `--data` names anew on another machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from specsight.benchmark.records import BenchmarkSample, Description, Item, Record
from specsight.errors import SpecsightError
from specsight.storage.files import confined, sha256, write_json
from specsight.storage.reading import parse_json, read_text

MANIFEST = "benchmark.json"
SAMPLES = "samples.jsonl"
ITEMS = "items.jsonl"
DESCRIPTIONS = "descriptions.jsonl"
SPECIFICATION = "specification.yaml"
ONTOLOGY = "ontology.yaml"
SPLITS = "splits.json"
CARD = "card.json"
DATASHEET = "datasheet.md"
CHANGELOG = "CHANGELOG.md"
CHANGELOG_TITLE = "# Changes\n"
FORMAT = 1
LONGEST_LINE = 16 * 2**20
"""Bytes of one line: run lengths of a picture's masks are far shorter."""

R = TypeVar("R", bound=Record)


class Manifest(Record):
    """What a benchmark says of itself."""

    format: Annotated[int, Field(ge=1)] = FORMAT
    name: str
    title: str = ""
    version: str
    """Of its content: major.minor.patch; a release of curated items raises it."""
    made_by: str
    """Version of this package."""
    data: str
    """The data folder, relative to the benchmark's where that is possible."""
    layout: str
    build: Mapping[str, Any]
    """Everything that the content depends on besides the data: seed, tasks, splits, options."""
    products: tuple[str, ...]
    licences: tuple[str, ...]
    synthetic: bool = False
    counts: Mapping[str, int]
    """"samples", "items", and "items/TASK" for every task."""
    files: Mapping[str, str] = Field(default_factory=dict)
    """Name → SHA-256 of every file above that is there."""
    forced: tuple[str, ...] = ()
    """Checks that failed when it was released all the same, with the note that was given."""


@dataclass
class Benchmark:
    """A benchmark that lies in `folder`. `data`: where its pictures are; None: where its manifest says."""

    folder: Path
    given_data: Path | None = None
    _offsets: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def manifest(self) -> Manifest:
        """Raises SpecsightError where the folder holds no benchmark, or one of another format."""
        path = self.folder / MANIFEST
        if not path.is_file():
            raise SpecsightError(
                f"'{self.folder}' is no benchmark: it has no {MANIFEST}; make one with: specsight benchmark build"
            )
        return _read(Manifest, read_text(path), str(path))

    @cached_property
    def data(self) -> Path:
        """The folder that the paths of samples and items are relative to."""
        data = self.given_data or self.folder / self.manifest.data
        if not data.is_dir():
            raise SpecsightError(
                f"the pictures of '{self.folder}' are not in '{data}': name their folder with --data"
            )
        return data

    def picture(self, relative: str) -> Path:
        """The file that a sample or an item names; it cannot lie outside of the data folder. Raises SpecsightError."""
        return confined(self.data, relative)

    def samples(self) -> Iterator[BenchmarkSample]:
        """All samples, one at a time."""
        return read_lines(self.folder / SAMPLES, BenchmarkSample)

    def items(self) -> Iterator[Item]:
        """All items, one at a time."""
        return read_lines(self.folder / ITEMS, Item)

    def descriptions(self) -> Iterator[Description]:
        """Of each product."""
        return read_lines(self.folder / DESCRIPTIONS, Description)

    def sample(self, id_: str) -> BenchmarkSample:
        """One sample, found by its place in the file. Raises SpecsightError where there is none."""
        path = self.folder / SAMPLES
        if not self._offsets:
            self._offsets = {one.id: offset for offset, one in read_lines_at(path, BenchmarkSample)}
        if id_ not in self._offsets:
            raise SpecsightError(f"'{path}' has no sample '{id_}'")
        return read_line(path, self._offsets[id_], BenchmarkSample)

    def by_sample(self) -> Iterator[tuple[BenchmarkSample, list[Item]]]:
        """Each sample with its items, which stand together in the file; samples without items come too.

        Items that stand elsewhere come at the end, with their sample once more. Raises SpecsightError for an item of a
        sample that is not there.
        """
        items = self.items()
        following = next(items, None)
        for sample in self.samples():
            own = list[Item]()
            while following is not None and following.sample == sample.id:
                own.append(following)
                following = next(items, None)
            yield sample, own
        while following is not None:
            yield self.sample(following.sample), [following]
            following = next(items, None)


def read_lines(path: Path, model: type[R]) -> Iterator[R]:
    """The records of a JSON Lines file, one at a time. Raises SpecsightError that names file and line."""
    for _, record in read_lines_at(path, model):
        yield record


def read_lines_at(path: Path, model: type[R]) -> Iterator[tuple[int, R]]:
    """As `read_lines`, each with the byte at which its line begins, by which `read_line` finds it again."""
    try:
        with path.open("rb") as file:
            number = offset = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                if line.strip():
                    yield offset, _read(model, line, f"'{path}', line {number}")
                offset += len(line)
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror or error}") from error


def read_line(path: Path, offset: int, model: type[R]) -> R:
    """The record whose line begins at a byte. Raises SpecsightError where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return _read(model, file.readline(LONGEST_LINE), f"'{path}', byte {offset}")
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror or error}") from error


def line_of(record: Record) -> str:
    """One record as one line; equal records give equal bytes."""
    return record.model_dump_json(exclude_defaults=True) + "\n"


def cut_torn_line(path: Path) -> None:
    """Remove what stands behind the last end of a line, as a killed writer leaves it."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65536)
            file.seek(start)
            place = file.read(end - start).rfind(b"\n")
            if place >= 0:
                file.truncate(start + place + 1)
                return
            end = start
        file.truncate(0)


def write_lines(path: Path, records: Iterable[Record]) -> int:
    """Write records as JSON Lines, whole or not at all; returns how many. Nothing but one line is held in memory."""
    from specsight.storage.files import cannot_write

    partial, count = path.with_name(f"{path.name}.partial"), 0
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            for record in records:
                file.write(line_of(record))
                count += 1
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write a manifest with the digests of the files beside it; returns it."""
    names = (SAMPLES, ITEMS, DESCRIPTIONS, SPECIFICATION, ONTOLOGY, SPLITS, CARD, DATASHEET, CHANGELOG)
    digests = {name: sha256(folder / name) for name in names if (folder / name).is_file()}
    sealed = manifest.model_copy(update={"files": digests})
    write_json(folder / MANIFEST, sealed.model_dump(mode="json"))
    return sealed


def _parsed(line: str | bytes, where: str) -> Any:
    try:
        return parse_json(line)
    except ValueError as error:
        raise SpecsightError(f"{where} is no JSON: {error}") from error


def _read(model: type[R], line: str | bytes, where: str) -> R:
    value = _parsed(line, where)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SpecsightError(f"{where}: {place + ': ' if place else ''}{first['msg']}") from error
