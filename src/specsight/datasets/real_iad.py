"""Real-IAD: five views of every part, listed in JSON, one file per product (Wang et al. 2024).

`realiad_jsons*/<product>.json` lists pictures in `realiad_<size>/<product>/`; the variants `_sv` (top view only) and
`_fuiad_*` (defective parts among the training pictures) are read by giving the path of their folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specsight.datasets.contained_paths import inside
from specsight.datasets.contract import DatasetListing, Products, Reader, register, selected_products
from specsight.datasets.files import identifier, subfolders
from specsight.errors import SpecsightError
from specsight.records import Defect, Sample
from specsight.storage import parse_json, read_text

TYPES = {
    "AK": "pit",
    "BX": "deformation",
    "CH": "abrasion",
    "HS": "scratch",
    "PS": "damage",
    "QS": "missing parts",
    "YW": "foreign objects",
    "ZW": "contamination",
}
_LISTS = "realiad_jsons"
_PART = re.compile(r"([a-zA-Z][a-zA-Z0-9_]*_[0-9]{4}_[A-Z][A-Z_]*[A-Z])_C([0-9])_")
"""A file name's physical part, and the view."""
_SIZES = ("realiad_1024", "realiad_512", "realiad_256", "realiad_raw")


@register
class RealIAD(Reader):
    """`path`: the root, a folder of lists, or one product's list."""

    name = "real_iad"
    title = "Real-IAD (five views, lists in JSON)"

    def detects(self, path: Path) -> bool:
        """Whether `path` is a list of the set, a folder of lists, or holds one."""
        if path.is_file():
            return path.suffix == ".json" and path.parent.name.startswith(_LISTS)
        return path.name.startswith(_LISTS) or any(f.name.startswith(_LISTS) for f in subfolders(path))

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """One sample a picture and view; the largest pictures that are there. Raises SpecsightError without lists."""
        lists = {p.stem: p for p in _lists(path)}
        if not lists:
            raise SpecsightError(
                f"'{path}' holds no Real-IAD lists ({_LISTS}/<product>.json): unpack them there"
            )
        selected = selected_products(product, lists)
        pictures = _pictures(path)
        samples = [sample for name in sorted(selected) for sample in _read_list(lists[name], pictures)]
        notes, own = [f"pictures from '{pictures}'"], tuple(lists.values())
        listing = DatasetListing(self.name, path, samples, notes, lists=own)
        bad = sum(s.split == "train" and s.label == "defective" for s in listing.samples)
        if bad:
            listing.notes.append(f"{bad} training pictures are defective, as this variant of the set intends")
        return listing


def _lists(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    folder = path if path.name.startswith(_LISTS) else path / _LISTS
    nested = folder / folder.name  # some downloads unpack the folder into itself
    return sorted((nested if nested.is_dir() else folder).glob("*.json"))


def _pictures(path: Path) -> Path:
    """The folder of pictures beside the lists: the largest reduced size, originals last."""
    start = path.parent if path.is_file() else path
    for root in (start, *start.parents[:3]):
        for size in _SIZES:
            if (root / size).is_dir():
                return root / size
    raise SpecsightError(f"no pictures beside '{path}': expected a folder {', '.join(_SIZES)}")


def _read_list(path: Path, pictures: Path) -> list[Sample]:
    try:
        content = parse_json(read_text(path))
        meta, splits = content["meta"], {s: content[s] for s in ("train", "test")}
        folder = inside(pictures, str(meta["prefix"]))
        samples = [
            _sample(entry, path.stem, split, folder, str(meta["normal_class"]))
            for split, entries in splits.items()
            for entry in entries
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpecsightError(f"'{path}' is not a Real-IAD list ({error!r}): download it again") from error
    if not folder.is_dir():
        raise SpecsightError(
            f"'{path}' lists pictures in '{folder}', which does not exist: unpack {folder.name}"
        )
    return samples


def _sample(entry: Mapping[str, Any], product: str, split: str, folder: Path, normal: str) -> Sample:
    image, code = inside(folder, entry["image_path"]), str(entry["anomaly_class"])
    mask = inside(folder, entry["mask_path"]) if entry["mask_path"] else None
    part = _PART.search(image.name)
    return Sample(
        id=identifier(product, image, folder),
        image=image,
        product=product,
        split=split,
        label="good" if code == normal else "defective",
        defects=() if code == normal else (Defect(type=TYPES.get(code, code), mask=mask),),
        group=f"{product}/{part[1]}" if part else None,
        conditions={"view": f"C{part[2]}"} if part else {},
    )
