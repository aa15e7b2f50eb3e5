"""MVTec AD and the sets that share its tree: `train/<good>`, `test/<type>`, `ground_truth/<type>`.

MPDD has other products, BTAD other names ("ok", "ko", masks with another ending), the 1-class tree of VisA one type
"bad". Layouts: Bergmann et al. 2019 (MVTec AD); Jezek et al. 2021 (MPDD); Mishra et al. 2021 (BTAD); Zou et al. 2022.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from specsight.datasets.base import GOOD_NAMES, DatasetListing, ProductTreeReader, register
from specsight.datasets.files import Masks, examples, identifier, pictures_in, product_name, subfolders
from specsight.records import Defect, Sample


class TrainTestTree(ProductTreeReader):
    """`<product>/{train,test}/<type>/*` with masks in `<product>/ground_truth/<type>/*`."""

    good: ClassVar[str] = "good"
    mask_endings: ClassVar[tuple[str, ...]] = ("_mask", "")

    def is_product(self, folder: Path) -> bool:
        return has_tree(folder, self.good)

    def read_product(self, folder: Path, listing: DatasetListing) -> None:
        product = product_name(folder)
        truth = {f.name: Masks(f, self.mask_endings) for f in subfolders(folder / "ground_truth")}
        without: list[Path] = []
        for split in ("train", "test"):
            for kind in subfolders(folder / split):
                for image in pictures_in(kind):
                    sample_id = identifier(product, image, folder)
                    mask = truth[kind.name].of(image) if kind.name in truth else None
                    good = kind.name.lower() in GOOD_NAMES
                    if good and mask is not None:
                        listing.good_masks[sample_id] = mask
                    without += [image] if mask is None and not good else []
                    listing.samples.append(
                        Sample(
                            id=sample_id,
                            image=image,
                            product=product,
                            split=split,
                            label="good" if good else "defective",
                            defects=() if good else (Defect(type=kind.name, mask=mask),),
                        )
                    )
        listing.unused_masks.extend(m for masks in truth.values() for m in masks.unused)
        if without:
            listing.notes.append(
                f"{product}: {len(without)} defective picture(s) without a mask: {examples(without)}"
            )


@register
class MVTecAD(TrainTestTree):
    """Any product in MVTec's tree that is not known to come from one of its relatives."""

    name = "mvtec_ad"
    title = "MVTec AD (and your own data in its tree)"

    def is_product(self, folder: Path) -> bool:
        if not has_tree(folder) or product_name(folder) in MPDD_PRODUCTS or is_visa_tree(folder):
            return False
        return not (is_loco_tree(folder) or is_depth_tree(folder))


MPDD_PRODUCTS = frozenset(
    {"bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes"}
)


@register
class MPDD(TrainTestTree):
    """Painted metal parts; the tree is MVTec's, so the product names tell."""

    name = "mpdd"
    title = "MPDD, metal parts (tree of MVTec AD)"

    def is_product(self, folder: Path) -> bool:
        return product_name(folder) in MPDD_PRODUCTS and has_tree(folder)


@register
class BTAD(TrainTestTree):
    """Masks have their picture's stem, and now and then another ending (.bmp beside .png)."""

    name = "btad"
    title = "BTAD, beanTech industrial products"
    good = "ok"
    mask_endings = ("",)


@register
class VisATree(TrainTestTree):
    """The reorganised VisA: one type "bad", masks named like their pictures."""

    name = "visa_1cls"
    title = "VisA as a 1-class tree (VisA_pytorch/1cls)"
    mask_endings = ("",)

    def is_product(self, folder: Path) -> bool:
        return has_tree(folder) and is_visa_tree(folder)


def has_tree(folder: Path, good: str = "good") -> bool:
    """Whether `folder` holds `train/<good>` and `test`."""
    return (folder / "train" / good).is_dir() and (folder / "test").is_dir()


def is_visa_tree(folder: Path) -> bool:
    """One defect folder "bad" whose masks have no `_mask` in their names."""
    if {f.name for f in subfolders(folder / "ground_truth")} != {"bad"}:
        return False
    masks = pictures_in(folder / "ground_truth" / "bad")
    return bool(masks) and not masks[0].stem.endswith("_mask")


def is_loco_tree(folder: Path) -> bool:
    """MVTec LOCO: two kinds of anomaly, and a list of defects."""
    kinds = ("logical_anomalies", "structural_anomalies")
    return (folder / "defects_config.json").is_file() or any((folder / "test" / k).is_dir() for k in kinds)


def is_depth_tree(folder: Path) -> bool:
    """MVTec 3D-AD: colours and point clouds in folders of their own."""
    return (folder / "train" / "good" / "xyz").is_dir() or (folder / "train" / "good" / "rgb").is_dir()
