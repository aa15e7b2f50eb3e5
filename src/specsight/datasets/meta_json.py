"""The `meta.json` that several published methods exchange: `{split: {product: [{img_path, mask_path, ...}]}}`.

Read here, and written from any samples. It knows one mask and one type per picture, so pictures with several defects
get a united mask, written beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from specsight.datasets.contained_paths import inside, relative_path
from specsight.datasets.contract import (
    DatasetListing,
    Products,
    Reader,
    pick_samples,
    register,
    split_named,
    with_unique_ids,
)
from specsight.datasets.list_text import list_text
from specsight.errors import SpecsightError
from specsight.records import GOOD, Defect, Sample
from specsight.storage import confined, parse_json, write_bytes, write_json

FILE = "meta.json"
UNITED_MASKS = "meta_masks"


@register
class MetaJson(Reader):
    """`path`: the folder that holds `meta.json`, or the file. Types are the "specie_name"s."""

    name = "meta_json"
    title = "meta.json (APRIL-GAN, AnomalyCLIP, MultiADS, ...)"

    def detects(self, path: Path) -> bool:
        """Whether `path` is a meta.json, or a folder that holds one."""
        return path.name == FILE if path.is_file() else (path / FILE).is_file()

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """One sample an entry. Raises SpecsightError for a file that is not in this form."""
        file = path if path.is_file() else path / FILE
        text, notes = list_text(file)
        try:
            content = parse_json(text)
            samples = [
                _sample(entry, file.parent, split, name)
                for split, products in content.items()
                for name, entries in products.items()
                for entry in entries
            ]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise SpecsightError(
                f"'{file}' is not {{split: {{product: [{{img_path, mask_path, specie_name, anomaly}}]}}}} ({error!r}): "
                "write it anew"
            ) from error
        if not samples:
            raise SpecsightError(f"'{file}' lists no picture: write one entry for each")
        return DatasetListing(
            self.name, path, with_unique_ids(pick_samples(samples, product)), notes, lists=(file,)
        )


def write_meta_json(samples: Sequence[Sample], folder: Path) -> Path:
    """Write `folder/meta.json` for samples whose files lie inside `folder`; returns its path.

    Samples of unknown label are left out (the convention has no word for them). A picture with one whole-file mask
    keeps it; otherwise the union of its defects goes to `meta_masks/`, and several types become "a+b".
    """
    content: dict[str, dict[str, list[dict[str, Any]]]] = {"train": {}, "test": {}}
    for sample in samples:
        if sample.label == "unknown":
            continue
        mask = _one_mask(sample, folder)
        content.setdefault(sample.split, {}).setdefault(sample.product, []).append(
            {
                "img_path": relative_path(sample.image, folder),
                "mask_path": relative_path(mask, folder) if mask else "",
                "cls_name": sample.product,
                "specie_name": "+".join(sample.types) or GOOD,
                "anomaly": int(sample.label == "defective"),
            }
        )
    write_json(folder / FILE, content)
    return folder / FILE


def _sample(entry: Mapping[str, Any], root: Path, split: str, product: str) -> Sample:
    """The sample of an entry, in the usual form or that of MultiADS (image_path, Anomaly, defects: type → mask)."""
    image = inside(root, entry["img_path"] if "img_path" in entry else entry["image_path"])
    bad = bool(int(entry["anomaly"] if "anomaly" in entry else entry["Anomaly"]))
    masks = entry["defects"] if "defects" in entry else {str(entry["specie_name"]): entry["mask_path"]}
    defects = (Defect(str(name), inside(root, mask) if mask else None) for name, mask in masks.items())
    return Sample(
        id=image.relative_to(root).with_suffix("").as_posix(),
        image=image,
        product=product,
        split=split_named(split),
        label="defective" if bad else "good",
        defects=tuple(defects) if bad else (),
    )


def _one_mask(sample: Sample, folder: Path) -> Path | None:
    from specsight.images import masks_known

    if sample.label == "good" or not masks_known(sample):
        return None
    first = sample.defects[0]
    if len(sample.defects) == 1 and first.mask and first.mask_value is None and first.mask_above is None:
        return first.mask
    path = confined(folder, Path(UNITED_MASKS, f"{sample.id}.png"))
    write_bytes(path, _united_mask(sample))
    return path


def _united_mask(sample: Sample) -> bytes:
    """PNG of the union of the defects, 0 and 255."""
    import cv2
    import numpy as np

    from specsight.images import anomaly_mask, read_rgb

    height, width = read_rgb(sample.image).shape[:2]
    mask = anomaly_mask(sample, (height, width)).astype(np.uint8) * 255
    return bytes(cv2.imencode(".png", mask)[1])
