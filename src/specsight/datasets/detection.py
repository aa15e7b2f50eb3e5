"""Which layout lies at a path, and its listing: the door to this room."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from specsight.datasets.accounting import STRAY_MASK, Ignored, merged
from specsight.datasets.contract import DatasetListing, Products, Reader, readers, split_named
from specsight.datasets.files import is_file, is_folder
from specsight.datasets.foreign_folders import within_results
from specsight.datasets.unused_files import instead_of_pictures, unused_files
from specsight.errors import SpecsightError
from specsight.records import Sample
from specsight.storage import check_regular

AUTO = "auto"
_LISTED, _FALLBACK = "manifest", "folder"


def load_dataset(path: str | Path, layout: str = AUTO, product: Products = None) -> DatasetListing:
    """The samples at `path`: the root of a data set, one product's folder, or a list file.

    `layout` names a reader (see `specsight list datasets`) or "auto"; `product` picks some of many. The listing's
    notes begin with the layout that was found. Raises SpecsightError where nothing, or more than one layout, fits, and
    for splits of unknown names.
    """
    path = Path(path)
    check_regular(path)
    if not is_file(path) and not is_folder(path):
        raise SpecsightError(f"there is no '{path}': check the path")
    if is_folder(path):
        _refuse_results_and_locked(path)
    name = detect_layout(path) if layout == AUTO else layout
    reader = readers[name]
    listing = reader.read(path, product)
    if not listing.samples:
        raise SpecsightError(
            f"'{path}' holds no picture in the layout of {reader.title}: see docs/datasets.md"
        )
    _refuse_contradictions(listing)
    return replace(
        listing,
        notes=[*([f"layout: {reader.title}"] if layout == AUTO else []), *listing.notes],
        ignored=_ignored(reader, listing, path, product),
    )


def _refuse_results_and_locked(path: Path) -> None:
    if within_results(path):
        raise SpecsightError(
            f"'{path}' holds results of Specsight: give the folder with the pictures themselves"
        )
    try:
        with os.scandir(path):
            pass
    except OSError as error:
        raise SpecsightError(
            f"cannot look into '{path}' ({error.strerror or error}): ask for the right to read it"
        ) from error


def _ignored(reader: Reader, listing: DatasetListing, path: Path, product: Products) -> tuple[Ignored, ...]:
    """The files that no sample uses; of the chosen products alone where each has a folder. A list is all there is."""
    if not is_folder(path):
        return ()
    known = {
        **listing.not_used,
        **dict.fromkeys(listing.unused_masks, STRAY_MASK),
    }
    lists = (*listing.lists, *listing.good_masks.values())
    if product is None:
        return unused_files(path, listing.samples, known, lists)
    folders = [path / name for name in sorted({s.product for s in listing.samples})]
    if all(is_folder(folder) for folder in folders):
        return merged([unused_files(folder, listing.samples, known, lists) for folder in folders])
    every = reader.read(path)
    return unused_files(path, every.samples, known, (*every.lists, *every.good_masks.values()))


def detect_layout(path: Path) -> str:
    """Name of the one layout that fits. A manifest decides where there is one; any folder of pictures comes last."""
    if readers[_LISTED].detects(path):
        return _LISTED
    fitting = [n for n, r in readers.items() if n not in (_LISTED, _FALLBACK) and r.detects(path)]
    if len(fitting) > 1:
        raise SpecsightError(
            f"'{path}' looks like {' and like '.join(fitting)}: say which with --layout, or give one product's folder"
        )
    if fitting:
        return fitting[0]
    if readers[_FALLBACK].detects(path):
        return _FALLBACK
    if path.is_file():
        raise SpecsightError(
            f"'{path}' is not a picture or a list of pictures: give a folder of pictures, a data set or a manifest"
        )
    raise SpecsightError(f"'{path}' holds no pictures: {instead_of_pictures(path)}")


def _refuse_contradictions(listing: DatasetListing) -> None:
    """Ids that stand twice (predictions are kept by id), pictures with two labels, splits that there are not."""
    by_id: dict[str, Sample] = {}
    by_image: dict[Path, Sample] = {}
    for sample in listing.samples:
        split_named(sample.split)
        same = by_id.setdefault(sample.id, sample)
        if same is not sample:
            raise SpecsightError(
                f"'{listing.root}' has two samples with the id '{sample.id}' ('{same.image}' and "
                f"'{sample.image}'): give each its own"
            )
        if sample.label == "unknown":
            continue
        same = by_image.setdefault(sample.image, sample)
        if same.label != sample.label:
            raise SpecsightError(
                f"'{listing.root}' calls '{sample.image}' {same.label} as '{same.id}' and {sample.label} as "
                f"'{sample.id}': correct one of them"
            )
