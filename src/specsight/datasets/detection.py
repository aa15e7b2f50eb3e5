"""Which layout lies at a path, and its listing: the door to this room."""

from __future__ import annotations

from pathlib import Path

from specsight.datasets.contract import DatasetListing, Products, readers
from specsight.datasets.files import is_file, is_folder
from specsight.errors import SpecsightError

AUTO = "auto"
_LISTED, _FALLBACK = "manifest", "folder"


def load_dataset(path: str | Path, layout: str = AUTO, product: Products = None) -> DatasetListing:
    """The samples at `path`: the root of a data set, one product's folder, or a list file.

    `layout` names a reader (see `specsight list datasets`) or "auto"; `product` picks some of many. The listing's
    notes begin with the layout that was found. Raises SpecsightError where nothing, or more than one layout, fits.
    """
    path = Path(path)
    if not is_file(path) and not is_folder(path):
        raise SpecsightError(f"there is no '{path}': check the path")
    name = detect_layout(path) if layout == AUTO else layout
    listing = readers[name].read(path, product)
    _refuse_repeated_ids(listing)
    if layout == AUTO:
        listing.notes.insert(0, f"layout: {readers[name].title}")
    return listing


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
    what = "is not a picture or a list of pictures" if path.is_file() else "holds no pictures"
    raise SpecsightError(f"'{path}' {what}: give a folder of pictures, a data set or a manifest")


def _refuse_repeated_ids(listing: DatasetListing) -> None:
    """Predictions are kept by id, so two samples of one id would overwrite each other."""
    images: dict[str, Path] = {}
    for sample in listing.samples:
        if sample.id in images:
            raise SpecsightError(
                f"'{listing.root}' has two samples with the id '{sample.id}' ('{images[sample.id]}' and "
                f"'{sample.image}'): give each its own"
            )
        images[sample.id] = sample.image
