"""MVTec AD and the sets that share its tree: `train/<good>`, `test/<type>`, `ground_truth/<type>`.

MPDD has other products, BTAD other names ("ok", "ko", masks with another ending), the 1-class tree of VisA one type
"bad". Layouts: Bergmann et al. 2019 (MVTec AD); Jezek et al. 2021 (MPDD); Mishra et al. 2021 (BTAD); Zou et al. 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from specsight.datasets.contract import GOOD_NAMES, DatasetListing, ProductTreeReader, register
from specsight.datasets.files import Masks, examples, identifier, pictures_in, product_name, subfolders
from specsight.datasets.mask_places import TRUTH_NAMES, plain
from specsight.records import Defect, Sample


class TrainTestTree(ProductTreeReader):
    """`<product>/{train,test}/<type>/*` with masks in `<product>/ground_truth/<type>/*`."""

    good: ClassVar[str] = "good"
    mask_endings: ClassVar[tuple[str, ...]] = ("_mask", "")

    def is_product(self, folder: Path) -> bool:
        """Whether the tree is MVTec AD's and no relative's with more in it."""
        return has_tree(folder, self.good) and not (is_loco_tree(folder) or is_depth_tree(folder))

    def read_product(self, folder: Path) -> DatasetListing:
        """One sample a picture; types are the folders below `test`, masks lie in `ground_truth/<type>`."""
        product, listing = product_name(folder), DatasetListing(self.name, folder, [], [])
        truth = {f.name: Masks(f, self.mask_endings) for f in subfolders(truth_folder(folder))}
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
        return listing


@register
class MVTecAD(TrainTestTree):
    """Any products in MVTec's tree that are not all known to come from one of its relatives."""

    name = "mvtec_ad"
    title = "MVTec AD (and your own data in its tree)"

    def claims(self, folders: Sequence[Path]) -> bool:
        """Whether these are neither MPDD's products nor VisA's."""
        return not (are_mpdd(folders) or are_visa(folders))


@register
class MPDD(TrainTestTree):
    """Painted metal parts; the tree is MVTec's, so the product names tell."""

    name = "mpdd"
    title = "MPDD, metal parts (tree of MVTec AD)"

    def claims(self, folders: Sequence[Path]) -> bool:
        """Whether these are MPDD's products."""
        return are_mpdd(folders)


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

    def claims(self, folders: Sequence[Path]) -> bool:
        """Whether these are VisA's, in the tree of its 1-class preparation."""
        return are_visa(folders)


def truth_folder(product: Path) -> Path:
    """The folder of masks beside `train` and `test`: `ground_truth`, or what others call it (`groundtruth`, `gt`)."""
    by_name = {plain(folder.name): folder for folder in reversed(subfolders(product))}
    return next((by_name[name] for name in TRUTH_NAMES if name in by_name), product / "ground_truth")


def has_tree(folder: Path, good: str = "good") -> bool:
    """Whether `folder` holds `train/<good>` and `test`."""
    return (folder / "train" / good).is_dir() and (folder / "test").is_dir()


MPDD_PRODUCTS = frozenset(
    {"bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes"}
)


def are_mpdd(folders: Sequence[Path]) -> bool:
    """Whether every product has a name of MPDD."""
    return all(product_name(folder) in MPDD_PRODUCTS for folder in folders)


def are_visa(folders: Sequence[Path]) -> bool:
    """Whether every product has one type, "bad", and masks without `_mask` in their names."""
    for folder in folders:
        masks = pictures_in(folder / "ground_truth" / "bad")
        kinds = {f.name for f in subfolders(folder / "ground_truth")}
        if kinds != {"bad"} or not masks or masks[0].stem.endswith("_mask"):
            return False
    return True


def is_loco_tree(folder: Path) -> bool:
    """MVTec LOCO: two kinds of anomaly, and a list of defects."""
    kinds = ("logical_anomalies", "structural_anomalies")
    return (folder / "defects_config.json").is_file() or any((folder / "test" / k).is_dir() for k in kinds)


def is_depth_tree(folder: Path) -> bool:
    """MVTec 3D-AD: colours and point clouds in folders of their own."""
    return (folder / "train" / "good" / "xyz").is_dir() or (folder / "train" / "good" / "rgb").is_dir()
