"""A listing of samples → benchmark samples, one at a time, in the order of ids, each with everything known about it.

In: what a reader of a layout found, the product's specification, an ontology. Out: `BenchmarkSample`s as an iterator,
or as a file that goes on where a killed run ended. A sample whose files cannot be read is left out and reported; it
never ends the run. Few samples are held at a time, whatever their number.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.benchmark.files import line_of, read_lines
from specsight.benchmark.instances import Planes, TypeNames, instances_of
from specsight.benchmark.records import BenchmarkSample, Instructed, Record, Split
from specsight.datasets import DatasetListing
from specsight.datasets.contained_paths import relative_path
from specsight.datasets.parallel import map_in_threads
from specsight.errors import SpecsightError
from specsight.images.colours import Colours
from specsight.records import Sample
from specsight.runs.licences import licence_of
from specsight.specification import Specification
from specsight.storage import sha256
from specsight.version import __version__

UNKNOWN_LICENCE = "unknown"


class LeftOut(Record):
    """A sample that could not be read."""

    id: str
    reason: str


@dataclass(frozen=True)
class Membership:
    """Where a sample belongs (`splits.make_splits`)."""

    split: Split
    group: str


@dataclass(frozen=True)
class _Known:
    """What is the same for all samples of a run."""

    data: Path
    source: str
    licences: Mapping[str, str]
    specification: Specification | None
    types: TypeNames | None
    members: Mapping[str, Membership]


def data_folder(listing: DatasetListing) -> Path:
    """The folder that paths of a benchmark made of this listing are relative to."""
    return listing.root.parent if listing.root.is_file() else listing.root


def ingest(
    listing: DatasetListing,
    specification: Specification | None = None,
    ontology: TypeNames | None = None,
    *,
    members: Mapping[str, Membership] | None = None,
    licence: str | None = None,
    left_out: Callable[[LeftOut], None],
    start: int = 0,
) -> Iterator[BenchmarkSample]:
    """The samples of a listing as samples of a benchmark, in the order of their ids.

    Parameters
    ----------
    listing : what a reader found; pictures and masks are read here, a few at a time in threads.
    specification : gives scale, severity and superclasses where the set does not.
    ontology : gives canonical types and superclasses; without one the set's own names stand.
    members : id → split and group; a sample that is not in it keeps the split of the set and its group, or is a group
        of its own.
    licence : of all samples; None: that of the public set, where the listing is one.
    left_out : is called with each sample that cannot be read, and why.
    start : number of samples, in that order, that are skipped.

    Raises SpecsightError where two samples share an id, or a file lies outside the data folder.
    """
    samples = _in_order(listing)[start:]
    products = {s.product for s in listing.samples}
    data = data_folder(listing)
    known = _Known(
        data=data,
        source=f"{listing.layout}: {data.resolve().name}",
        licences={p: licence or licence_of(listing.layout, {p}) or UNKNOWN_LICENCE for p in products},
        specification=specification,
        types=ontology,
        members=members or {},
    )
    for made in map_in_threads(partial(_ingested, known=known), samples, "Reading samples"):
        if isinstance(made, LeftOut):
            left_out(made)
        else:
            yield made


def ingest_to_file(
    path: Path,
    listing: DatasetListing,
    specification: Specification | None = None,
    ontology: TypeNames | None = None,
    *,
    members: Mapping[str, Membership] | None = None,
    licence: str | None = None,
) -> list[LeftOut]:
    """Write the samples to `path` (`samples.jsonl`), going on where a run over the same files was killed.

    Beside it, until it is whole, lies what has been read; it is used again where listing, files (by size and time),
    specification, ontology and members are the same. Returns the samples that were left out. Raises SpecsightError
    where none could be read, and as `ingest`.
    """
    mark = _fingerprint(listing, specification, ontology, members or {}, licence)
    partial_file = path.with_name(f"{path.name}.{mark}.partial")
    failed_file = path.with_name(f"{path.name}.{mark}.left-out.partial")
    for other in path.parent.glob(f"{path.name}.*.partial"):
        if other not in (partial_file, failed_file):
            other.unlink()
    done = _whole_lines(partial_file) + _whole_lines(failed_file)
    with partial_file.open("ab") as samples, failed_file.open("ab") as failed:

        def leave_out(one: LeftOut) -> None:
            _append(failed, one)

        made = ingest(
            listing,
            specification,
            ontology,
            members=members,
            licence=licence,
            left_out=leave_out,
            start=done,
        )
        for sample in made:
            _append(samples, sample)
        os.fsync(samples.fileno())
    missing = list(read_lines(failed_file, LeftOut))
    if listing.samples and len(missing) == len(listing.samples):
        partial_file.unlink()
        failed_file.unlink()
        raise SpecsightError(f"no sample of '{listing.root}' could be read; the first: {missing[0].reason}")
    partial_file.replace(path)
    failed_file.unlink()
    return missing


def difference_hash(rgb: NDArray[np.uint8]) -> str:
    """Difference hash of 64 bits of a picture (H, W, 3), as 16 hex digits: whether each of 9 × 8 mean grey levels is
    darker than the one to its right. Pictures that look alike differ in few bits."""
    import cv2

    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.asarray(grey)[:, :-1] < np.asarray(grey)[:, 1:]
    return np.packbits(bits).tobytes().hex()


def _in_order(listing: DatasetListing) -> list[Sample]:
    samples = sorted(listing.samples, key=lambda s: s.id)
    for first, second in pairwise(samples):
        if first.id == second.id:
            raise SpecsightError(
                f"'{first.image}' and '{second.image}' both have the id '{first.id}': give each its own"
            )
    return samples


def _ingested(sample: Sample, known: _Known) -> BenchmarkSample | LeftOut:
    try:
        return _sample(sample, known)
    except (SpecsightError, OSError) as error:
        return LeftOut(id=sample.id, reason=str(error))


def _sample(sample: Sample, known: _Known) -> BenchmarkSample:
    colours = images.read_colours(sample.image, sample.bits)
    size = (colours.rgb.shape[0], colours.rgb.shape[1])
    instances = instances_of(sample, _planes(sample, colours), known.specification, known.types)
    member = known.members.get(sample.id) or Membership(set_split(sample), sample.group or sample.id)
    scale = sample.mm_per_px or (known.specification.scale(size[1]) if known.specification else None)
    files = _files(sample, known.data)
    return BenchmarkSample(
        id=sample.id,
        source=known.source,
        licence=known.licences[sample.product],
        product=sample.product,
        split=member.split,
        label=sample.label,
        group=member.group,
        sha256=sha256(sample.image),
        width=size[1],
        height=size[0],
        part_names=dict(sample.part_names),
        mm_per_px=scale,
        circular=sample.circular,
        conditions=dict(sample.conditions),
        text=dict(sample.text),
        instances=instances,
        masks_known=sample.label == "good" or bool(instances),
        instructions=tuple(Instructed.model_validate(asdict(one)) for one in sample.instructions),
        dhash=difference_hash(colours.rgb),
        **files,
    )


def set_split(sample: Sample) -> Split:
    """The split that a sample's set puts it into; further test splits ("test_private") are test."""
    if sample.split == "train":
        return "train"
    return "validation" if sample.split == "validation" else "test"


def _planes(sample: Sample, colours: Colours) -> Planes:
    size = (colours.rgb.shape[0], colours.rgb.shape[1])
    return Planes(
        size,
        images.parts_of(sample, size, colours.orientation),
        sample.part_names,
        images.depth_of(sample, size, colours.orientation),
    )


def _files(sample: Sample, data: Path) -> dict[str, Any]:
    """Every file of a sample, relative to the data folder. Raises SpecsightError for one outside of it."""
    masks = dict.fromkeys(defect.mask for defect in sample.defects if defect.mask is not None)
    optional = ("depth", "normals", "parts", "reference")
    files: dict[str, Any] = {"image": _relative(sample.image, data)}
    files["masks"] = tuple(_relative(mask, data) for mask in masks)
    for name in optional:
        file = getattr(sample, name)
        files[name] = None if file is None else _relative(file, data)
    return files


def _relative(file: Path, data: Path) -> str:
    try:
        return relative_path(file, data)
    except SpecsightError as error:
        raise SpecsightError(
            f"'{file}' is not in '{data}', the folder of the data: build from a folder that holds all of its files"
        ) from error


def _fingerprint(
    listing: DatasetListing,
    specification: Specification | None,
    ontology: TypeNames | None,
    members: Mapping[str, Membership],
    licence: str | None,
) -> str:
    """16 hex digits of everything that the samples depend on; files count by size and time."""
    digest = hashlib.sha256()
    words = specification.model_dump_json() if specification else ""
    digest.update(json.dumps([__version__, listing.layout, words, licence]).encode())
    named = sorted({(s.product, d.type) for s in listing.samples for d in s.defects})
    for product, raw in named if ontology else ():
        entry = ontology.find(raw, product) if ontology else None
        digest.update(repr((raw, entry and (entry.name, entry.superclass))).encode())
    for sample in _in_order(listing):
        files = [
            sample.image,
            sample.depth,
            sample.parts,
            sample.reference,
            *(d.mask for d in sample.defects),
        ]
        about = [(file.stat().st_mtime_ns, file.stat().st_size) for file in files if file and file.is_file()]
        digest.update(repr((sample, members.get(sample.id), about)).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:16]


def _whole_lines(path: Path) -> int:
    """How many whole lines a file has; a last one that is cut short is removed."""
    if not path.is_file():
        return 0
    count = whole = 0
    with path.open("r+b") as file:
        for line in file:
            if line.endswith(b"\n"):
                count += 1
                whole += len(line)
        file.truncate(whole)
    return count


def _append(file: Any, record: Record) -> None:
    """Add a line; what was written before a kill is in the system's hands, and a torn line is cut off."""
    file.write(line_of(record).encode("utf-8", "backslashreplace"))
    file.flush()
