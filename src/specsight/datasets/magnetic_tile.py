"""Magnetic tile defects: grey pictures of every size, a mask beside each (Huang et al. 2018).

The set has no split of its own: every fifth good picture (by name) and all defective ones are test.
"""

from __future__ import annotations

from pathlib import Path

from specsight.datasets.contract import DatasetListing, Products, Reader, register, selected_products
from specsight.datasets.files import every_fifth, identifier, pictures_in, subfolders
from specsight.records import Defect, Sample

_PRODUCT = "magnetic_tile"
_MASK_ABOVE = 127
"""The masks were saved with soft borders: half way counts."""


@register
class MagneticTile(Reader):
    """`MT_<Type>/Imgs/<name>.jpg` with `<name>.png` as its mask; "Free" is good."""

    name = "magnetic_tile"
    title = "magnetic tile defects"

    def detects(self, path: Path) -> bool:
        """Whether there are folders `MT_<Type>/Imgs`."""
        return bool(_kinds(path))

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """One product; of the good pictures every fifth is test."""
        selected_products(product, [_PRODUCT])
        listing = DatasetListing(self.name, path, [], [])
        for folder in _kinds(path):
            kind = folder.parent.name.removeprefix("MT_").lower()
            files = pictures_in(folder)
            photos = [p for p in files if p.suffix.lower() in (".jpg", ".jpeg")]
            masks = {p.stem: p for p in files if p.suffix.lower() == ".png"}
            held_out = every_fifth(photos)
            for image in photos:
                mask = masks.pop(image.stem, None)
                good = kind == "free"
                defect = Defect(type=kind, mask=mask, mask_above=_MASK_ABOVE)
                sample_id = identifier(_PRODUCT, image, path)
                if good and mask is not None:
                    listing.good_masks[sample_id] = mask
                listing.samples.append(
                    Sample(
                        id=sample_id,
                        image=image,
                        product=_PRODUCT,
                        split="test" if not good or image in held_out else "train",
                        label="good" if good else "defective",
                        defects=() if good else (defect,),
                    )
                )
            listing.unused_masks.extend(masks.values())
        listing.notes.append("the set has no split: every fifth good picture and all defective ones are test")
        return listing


def _kinds(path: Path) -> list[Path]:
    return [f / "Imgs" for f in subfolders(path) if f.name.startswith("MT_") and (f / "Imgs").is_dir()]
