"""A listing of samples → benchmark samples, one at a time, in the order of ids, each with everything known about it.

In: what a reader of a layout found, the product's specification, an ontology. Out: `BenchmarkSample`s (as a file that
goes on where a killed run ended: `ingest_file`). A sample whose files cannot be read is left out and reported; it never
ends the run. Few samples are held at a time, whatever their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from specsight import images
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

UNKNOWN_LICENCE = "unknown"


class PartMaps(Protocol):
    """What finds part maps where a set draws none (`outlined_parts.OutlinedParts`)."""

    fingerprint: str

    def find(
        self, rgb: NDArray[np.uint8], circular: bool = False
    ) -> tuple[NDArray[np.uint8], Mapping[int, str]] | None:
        """The part map (H, W) of a picture and the names of its values; None where there is none."""


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
    parts: PartMaps | None


def data_folder(listing: DatasetListing) -> Path:
    """The folder that paths of a benchmark made of this listing are relative to."""
    return listing.root.parent if listing.root.is_file() else listing.root


def ingest(
    listing: DatasetListing,
    specification: Specification | None = None,
    ontology: TypeNames | None = None,
    *,
    members: Mapping[str, Membership] | None = None,
    parts: PartMaps | None = None,
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
    parts : finds the parts of pictures that bring no part map; a part that an instance comes near without lying on it
        has the share 0.
    licence : of all samples; None: that of the public set, where the listing is one.
    left_out : is called with each sample that cannot be read, and why.
    start : number of samples, in that order, that are skipped.

    Raises SpecsightError where two samples share an id, or a file lies outside the data folder.
    """
    samples = in_order(listing)[start:]
    products = {s.product for s in listing.samples}
    data = data_folder(listing)
    known = _Known(
        data=data,
        source=f"{listing.layout}: {data.resolve().name}",
        licences={p: licence or licence_of(listing.layout, {p}) or UNKNOWN_LICENCE for p in products},
        specification=specification,
        types=ontology,
        members=members or {},
        parts=parts,
    )
    for made in map_in_threads(partial(_ingested, known=known), samples, "Reading samples"):
        if isinstance(made, LeftOut):
            left_out(made)
        else:
            yield made


def difference_hash(rgb: NDArray[np.uint8]) -> str:
    """Difference hash of 64 bits of a picture (H, W, 3), as 16 hex digits: whether each of 9 × 8 mean grey levels is
    darker than the one to its right. Pictures that look alike differ in few bits."""
    import cv2

    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.asarray(grey)[:, :-1] < np.asarray(grey)[:, 1:]
    return np.packbits(bits).tobytes().hex()


def in_order(listing: DatasetListing) -> list[Sample]:
    """The samples by id. Raises SpecsightError where two share one."""
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
    planes = _planes(sample, colours, known.parts)
    instances = instances_of(sample, planes, known.specification, known.types)
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
        part_names=dict(planes.part_names),
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


def _planes(sample: Sample, colours: Colours, finder: PartMaps | None) -> Planes:
    size = (colours.rgb.shape[0], colours.rgb.shape[1])
    parts, names = images.parts_of(sample, size, colours.orientation), sample.part_names
    depth = images.depth_of(sample, size, colours.orientation)
    if parts is not None or finder is None:
        return Planes(size, parts, names, depth)
    found = finder.find(colours.rgb, sample.circular)
    return Planes(size, None, {}, depth) if found is None else Planes(size, *found, depth, parts_found=True)


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
