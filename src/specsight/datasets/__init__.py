"""Folders on disk → `Sample`s: one module per layout, one for any folder, one for your own list.

`load_dataset` finds the layout by itself and says in its notes what it inferred; `readers` finds the readers' modules.
`check_dataset` lives in `datasets.check`, because it brings the libraries that open pictures along.
"""

from specsight.datasets.contract import DatasetListing, Products, Reader, pick_samples, readers
from specsight.datasets.detection import detect_layout, load_dataset
from specsight.datasets.manifest import write_manifest
from specsight.datasets.meta_json import write_meta_json

__all__ = [
    "DatasetListing",
    "Products",
    "Reader",
    "detect_layout",
    "load_dataset",
    "pick_samples",
    "readers",
    "write_manifest",
    "write_meta_json",
]
