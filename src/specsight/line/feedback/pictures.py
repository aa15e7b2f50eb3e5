"""Stored parts → a folder of pictures with a list (manifest) of what they show, to be learned from as any other."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specsight.datasets.manifest import write_manifest
from specsight.errors import SpecsightError
from specsight.images.tiff import MAGIC
from specsight.inspector.pictures import NPY, read_picture
from specsight.line.feedback.confirming import Reviewed
from specsight.line.kept_maps import decode_kept
from specsight.line.records import JudgedPart
from specsight.line.regions import mask_of
from specsight.line.requests import request_of
from specsight.line.store import LineStore
from specsight.records import DEPTH, NORMALS, Defect, Sample

MANIFEST = "manifest.jsonl"
NOT_KEPT = "the picture is kept no longer"
UNTYPED = "nobody said which defect it is"
UNPLACED = "no finding says where the defect lies, and nobody drew it"


@dataclass
class Written:
    """Pictures that were written, and why others were not."""

    parts: list[Reviewed] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, why: str) -> None:
        """Count a part that is of no use."""
        self.left_out[why] = self.left_out.get(why, 0) + 1


def write_good(store: LineStore, parts: Sequence[Reviewed], folder: Path, product: str) -> Written:
    """Write the pictures of good parts and their list; pictures of one part, by its name, are one group."""
    written = Written()
    for one in parts:
        sample = _sample(store, one.part, folder, product)
        if sample is None:
            written.leave_out(NOT_KEPT)
            continue
        written.parts.append(one)
        written.samples.append(Sample(**{**vars(sample), "label": "good", "split": "train"}))
    if written.samples:
        write_manifest(written.samples, folder / MANIFEST)
    return written


def write_defects(store: LineStore, parts: Sequence[Reviewed], folder: Path, product: str) -> Written:
    """Write the pictures of confirmed defects, and as masks what persons drew, or else the places where the findings of
    their inspections lie.

    A defect that was missed has no finding: it is left out unless somebody drew it. So is one without a type.
    """
    written = Written()
    for one in parts:
        assert one.confirmation is not None
        type_ = one.confirmation.type
        if not type_:
            written.leave_out(UNTYPED)
        elif not one.part.findings and one.review.region is None:
            written.leave_out(UNPLACED)
        elif (sample := _sample(store, one.part, folder, product)) is None:
            written.leave_out(NOT_KEPT)
        else:
            mask = _mask(store, one, folder, sample)
            written.parts.append(one)
            written.samples.append(
                Sample(**{**vars(sample), "label": "defective", "defects": (Defect(type_, mask),)})
            )
    return written


def _sample(store: LineStore, part: JudgedPart, folder: Path, product: str) -> Sample | None:
    """The files of a part, written under their digests; None where they are kept no longer."""
    given = request_of(store, part)
    if given is None:
        return None
    beside = given.signals if given.depth is None else {**given.signals, DEPTH: given.depth}
    digests = {**part.signals, DEPTH: part.depth}
    files = {name: _written(folder / name, digests[name], content) for name, content in beside.items()}
    return Sample(
        part.id,
        _written(folder / "pictures", part.picture, given.picture),
        product,
        "train",
        group=part.part or None,
        depth=files.pop(DEPTH, None),
        normals=files.pop(NORMALS, None),
        signals=files,
    )


def _written(folder: Path, digest: str, content: bytes) -> Path:
    path = folder / f"{digest}{_ending(content)}"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _ending(content: bytes) -> str:
    """What files of this kind end in: the list of pictures that can be read goes by it, and the reader of arrays."""
    if content.startswith(NPY):
        return ".npy"
    if content.startswith(MAGIC):
        return ".tiff"  # of kinds that Pillow does not know as well
    try:
        with Image.open(io.BytesIO(content)) as image:
            return f".{(image.format or 'png').lower()}"
    except (OSError, ValueError):
        return ".png"


def _mask(store: LineStore, one: Reviewed, folder: Path, sample: Sample) -> Path:
    """What a person drew around; otherwise where the findings lie."""
    size = read_picture(sample.image, "")[1].size
    region = one.review.region
    marked = _found(store, one.part, size) if region is None else mask_of(region, size)
    path = folder / "masks" / f"{one.part.id}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(marked.astype(np.uint8) * 255).save(path)
    return path


def _found(store: LineStore, part: JudgedPart, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where the map is above its threshold within the boxes of findings; the boxes, where the map is kept no longer."""
    inspection = part.answer()
    boxes = np.zeros(size, bool)
    for finding in inspection.findings:
        x0, y0, x1, y1 = finding.box
        boxes[y0:y1, x0:x1] = True
    kept = store.content(part.map) if part.map else None
    marked = boxes
    if kept is not None and inspection.map_threshold is not None:
        above = boxes & (decode_kept(kept, size) >= inspection.map_threshold)
        marked = above if above.any() else boxes
    if not marked.any():
        raise SpecsightError(f"the findings of inspection '{part.id}' lie outside its picture")
    return marked
