"""DeepPCB: tested boards beside their aligned golden template, defects as boxes (Tang et al. 2019).

A template is a good picture, and the `reference` of the board tested against it. The set has no good test pictures:
every fifth template (by name; copies of one count once) is, the others are training pictures.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from specsight.datasets.contract import DatasetListing, Products, Reader, pick, register, united
from specsight.datasets.files import identifier, in_turn, pictures_in, product_name, subfolders
from specsight.errors import SpecsightError
from specsight.records import Defect, Sample

TYPES = {1: "open", 2: "short", 3: "mousebite", 4: "spur", 5: "spurious copper", 6: "pin-hole"}
_EVERY = 5
_GROUP = re.compile(r"group(\d+)")


@register
class DeepPCB(Reader):
    """`groupN/N/<id>_{temp,test}.jpg` and `groupN/N_not/<id>.txt`; one product per group of boards."""

    name = "deep_pcb"
    title = "DeepPCB (boards with golden templates, boxes)"

    def detects(self, path: Path) -> bool:
        """Whether there are pairs of folders `groupN/N` and `groupN/N_not`."""
        return bool(_groups(path))

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """Tested boards with their boxes, and templates as good pictures; each group is a product."""
        listing = united(self.name, path, map(_read_group, pick(_groups(path), product)))
        listing.notes.append(
            "the set has no good test pictures: every fifth template is; the other templates are training "
            "pictures, and every tested board has its own template as reference"
        )
        return listing


def _groups(path: Path) -> list[Path]:
    if _is_group(path):
        return [path]
    inner = path / "PCBData"
    return [f for f in subfolders(inner if inner.is_dir() else path) if _is_group(f)]


def _is_group(folder: Path) -> bool:
    match = _GROUP.fullmatch(product_name(folder))
    return match is not None and (folder / match[1]).is_dir() and (folder / f"{match[1]}_not").is_dir()


def _read_group(folder: Path) -> DatasetListing:
    product, listing = product_name(folder), DatasetListing(DeepPCB.name, folder, [], [], test_every=_EVERY)
    number = product.removeprefix("group")
    files = {p.stem: p for p in pictures_in(folder / number)}
    templates = [p for stem, p in files.items() if stem.endswith("_temp")]
    lists: list[Path] = []
    held_out = in_turn(sorted(templates), _EVERY)
    for image in files.values():
        stem, _, role = image.stem.rpartition("_")
        sample_id = identifier(product, image, folder)
        if role == "temp":
            split = "test" if image in held_out else "train"
            listing.samples.append(Sample(sample_id, image, product, split, label="good"))
        elif role == "test":
            boxes = folder / f"{number}_not" / f"{stem}.txt"
            defects = _read_boxes(boxes) if boxes.is_file() else ()
            lists.append(boxes)
            if not defects:
                listing.notes.append(f"'{image}' has no boxes: its label is unknown")
            listing.samples.append(
                Sample(
                    id=sample_id,
                    image=image,
                    product=product,
                    label="defective" if defects else "unknown",
                    defects=defects,
                    reference=files.get(f"{stem}_temp"),
                )
            )
    return replace(listing, lists=tuple(lists))


def _read_boxes(path: Path) -> tuple[Defect, ...]:
    """Lines `x1 y1 x2 y2 type`, separated by blanks or commas."""
    defects = []
    for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            x0, y0, x1, y1, kind = (int(word) for word in line.replace(",", " ").split())
            defects.append(Defect(type=TYPES[kind], box=(x0, y0, x1, y1)))
        except (ValueError, KeyError) as error:
            raise SpecsightError(
                f"'{path}' line {number} is '{line.strip()[:60]}': expected x1 y1 x2 y2 and a type from 1 to 6"
            ) from error
    return tuple(defects)
