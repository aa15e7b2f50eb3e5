"""VisA as published: split lists in CSV, multi-valued masks (Zou et al. 2022, CC BY 4.0).

A mask's values are the object's defect types, so a picture with three types gives three defects that share a file.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.datasets.contained_paths import inside
from specsight.datasets.contract import DatasetListing, Products, Reader, pick, register, selected_products
from specsight.datasets.files import (
    Masks,
    examples,
    identifier,
    in_turn,
    pictures_in,
    product_name,
    subfolders,
)
from specsight.datasets.mask_values import labels_in, without_labels_note
from specsight.datasets.visa_types import type_name
from specsight.errors import SpecsightError
from specsight.records import Defect, Sample

SPLIT_COLUMNS = ["object", "split", "label", "image", "mask"]
_LABELS = "image_anno.csv"
_EVERY = 10
"""Every tenth good part is test where there is no split list."""
_DEFAULT_SPLIT = Path("split_csv", "1cls.csv")


@dataclass(frozen=True)
class _Entry:
    """One picture as a split list (or the folders) tell it."""

    folder: Path
    """Of the object."""
    image: Path
    split: str
    defective: bool
    mask: Path | None


@register
class VisA(Reader):
    """`path`: the root (its `split_csv/1cls.csv` counts), one object's folder, or one of the split files."""

    name = "visa"
    title = "VisA as published (multi-valued masks, split lists)"

    def detects(self, path: Path) -> bool:
        """Whether `path` is a split list, an object's folder, or holds one."""
        if path.is_file():
            return path.suffix.lower() == ".csv" and _header(path) == SPLIT_COLUMNS
        return _is_object(path) or any(_is_object(f) for f in subfolders(path))

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """One sample an entry of the split list, 1cls.csv where `path` is none; types as masks or labels tell them."""
        listing = DatasetListing(self.name, path, [], [])
        if _is_object(path) and (path.parent / _DEFAULT_SPLIT).is_file():
            selected_products(product, [product_name(path)])
            split_list, product = path.parent / _DEFAULT_SPLIT, product_name(path)
        else:
            split_list = path if path.is_file() else path / _DEFAULT_SPLIT
        if split_list.is_file():
            entries = _from_split(split_list, product)
            listing.notes.append(
                f"split from '{split_list}': give the path of another list for another split"
            )
        else:
            folders = [path] if _is_object(path) else [f for f in subfolders(path) if _is_object(f)]
            entries = [entry for folder in pick(folders, product) for entry in _from_folders(folder)]
            listing.notes.append("no split list: every tenth good part and all defective pictures are test")
        masks = [e.mask for e in entries if e.mask is not None]
        labels = labels_in(masks, "masks of VisA")
        listing.notes.extend(without_labels_note(masks, labels, "VisA"))
        listing.samples.extend(_samples(entries, labels))
        listing.unused_masks.extend(_unused_masks(entries))
        lists = (*_tables(split_list.parent), *(f for e in entries for f in _tables(e.folder)))
        without = [e.image for e in entries if e.defective and e.mask is None]
        if without:
            listing.notes.append(f"{len(without)} defective picture(s) without a mask: {examples(without)}")
        every = 0 if split_list.is_file() else _EVERY
        return replace(listing, lists=tuple(dict.fromkeys(lists)), test_every=every)


def _tables(folder: Path) -> list[Path]:
    """The set's own lists: split lists, labels of an object's pictures."""
    return sorted(folder.glob("*.csv")) if folder.name == _DEFAULT_SPLIT.parent.name else [folder / _LABELS]


def _is_object(folder: Path) -> bool:
    return (folder / "Data" / "Images" / "Normal").is_dir()


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _from_split(path: Path, product: Products) -> list[_Entry]:
    root = path.parent.parent
    rows = _rows(path, SPLIT_COLUMNS)
    selected = selected_products(product, [row["object"] for row in rows])
    entries = []
    for row in rows:
        if row["object"] not in selected:
            continue
        mask = inside(root, row["mask"]) if row["mask"] else None
        entries.append(
            _Entry(
                folder=inside(root, row["object"]),
                image=inside(root, row["image"]),
                split=row["split"],
                defective=row["label"] != "normal",
                mask=mask if mask and mask.is_file() else None,
            )
        )
    return entries


def _from_folders(folder: Path) -> list[_Entry]:
    good = pictures_in(folder / "Data" / "Images" / "Normal")
    masks = Masks(folder / "Data" / "Masks" / "Anomaly", ("",))
    held_out = in_turn(good, _EVERY)
    entries = [_Entry(folder, p, "test" if p in held_out else "train", False, None) for p in good]
    bad = pictures_in(folder / "Data" / "Images" / "Anomaly")
    return entries + [_Entry(folder, p, "test", True, masks.of(p)) for p in bad]


def _samples(entries: Sequence[_Entry], values: Mapping[Path, list[int]]) -> list[Sample]:
    labels = {folder: _annotations(folder) for folder in {e.folder for e in entries if e.defective}}
    return [
        Sample(
            id=identifier(e.folder.name, e.image, e.folder),
            image=e.image,
            product=product_name(e.folder),
            split=e.split,
            label="defective" if e.defective else "good",
            defects=_defects(e, values, labels[e.folder]) if e.defective else (),
        )
        for e in entries
    ]


def _defects(
    entry: _Entry, values: Mapping[Path, list[int]], labels: Mapping[str, list[str]]
) -> tuple[Defect, ...]:
    """One defect per value of the mask; without a mask that holds values, one per type that the label names."""
    product = product_name(entry.folder)
    named = labels.get(entry.image.name, [])
    present = values[entry.mask] if entry.mask is not None else []
    if not present:
        return tuple(Defect(type=name, mask=entry.mask) for name in named or ["anomaly"])
    alone = named[0] if len(named) == len(present) == 1 else None
    return tuple(
        Defect(type=type_name(product, v) or alone or f"defect_{v}", mask=entry.mask, mask_value=v)
        for v in present
    )


def _annotations(folder: Path) -> dict[str, list[str]]:
    """Picture name → the types its label lists, from `image_anno.csv` where that exists."""
    path = folder / _LABELS
    if not path.is_file():
        return {}
    rows = _rows(path, ["image", "label"])
    return {
        Path(row["image"]).name: [name.strip().lower() for name in row["label"].split(",") if name.strip()]
        for row in rows
        if row["label"] != "normal"
    }


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a CSV file that has at least `columns`; missing cells are empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, restval="")
            if not set(columns) <= set(table.fieldnames or ()):
                raise SpecsightError(
                    f"'{path}' lacks columns: expected {', '.join(columns)}; download it again"
                )
            return list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SpecsightError(f"'{path}' is not a readable table ({error}): download it again") from error


def _unused_masks(entries: Sequence[_Entry]) -> list[Path]:
    """Masks in the objects' folders whose picture is nowhere, whatever the split list leaves out."""
    unused = []
    for folder in sorted({e.folder for e in entries}):
        masks = Masks(folder / "Data" / "Masks" / "Anomaly", ("",))
        for image in pictures_in(folder / "Data" / "Images" / "Anomaly"):
            masks.of(image)
        unused += masks.unused
    return unused
