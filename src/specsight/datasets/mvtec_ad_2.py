"""MVTec AD 2: validation, public and private test splits, several lights per object (Heckler-Kram et al. 2025).

The light is the part of a file name after its number (`012_overexposed.png`); pictures of one number show one object.
"""

from __future__ import annotations

from pathlib import Path

from specsight.datasets.contract import DatasetListing, ProductTreeReader, register
from specsight.datasets.files import Masks, identifier, pictures_in, product_name
from specsight.records import Defect, Label, Sample

_LABELLED = (("train", "good"), ("validation", "good"), ("test_public", "good"), ("test_public", "bad"))
_PRIVATE = ("test_private", "test_private_mixed")


@register
class MVTecAD2(ProductTreeReader):
    """Splits "train", "validation", "test" (the public one), "test_private", "test_private_mixed" (no labels)."""

    name = "mvtec_ad_2"
    title = "MVTec AD 2 (public and private splits, lights as conditions)"

    def is_product(self, folder: Path) -> bool:
        """Whether `train/good` and `test_public` are there."""
        return (folder / "train" / "good").is_dir() and (folder / "test_public").is_dir()

    def read_product(self, folder: Path) -> DatasetListing:
        """Labelled pictures, and those of the private test splits, whose label is unknown."""
        product, listing = product_name(folder), DatasetListing(self.name, folder, [], [])
        masks = Masks(folder / "test_public" / "ground_truth" / "bad", ("_mask",))
        for split, kind in _LABELLED:
            name = "test" if split == "test_public" else split
            for image in pictures_in(folder / split / kind):
                defects = (Defect(type="bad", mask=masks.of(image)),) if kind == "bad" else ()
                label: Label = "defective" if defects else "good"
                listing.samples.append(
                    _sample(product, folder, image, split=name, label=label, defects=defects)
                )
        for split in _PRIVATE:
            for image in pictures_in(folder / split):
                listing.samples.append(_sample(product, folder, image, split=split, label="unknown"))
        listing.unused_masks.extend(masks.unused)
        if any(s.label == "unknown" for s in listing.samples):
            listing.notes.append("the private test splits have no labels: predictions are made, not scored")
        return listing


def _sample(
    product: str, folder: Path, image: Path, *, split: str, label: Label, defects: tuple[Defect, ...] = ()
) -> Sample:
    number, _, light = image.stem.partition("_")
    return Sample(
        id=identifier(product, image, folder),
        image=image,
        product=product,
        split=split,
        label=label,
        defects=defects,
        group=identifier(product, image.with_name(number), folder),
        conditions={"light": light} if light else {},
    )
