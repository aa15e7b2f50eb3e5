"""MVTec 3D-AD: colours and an organised point cloud per part (Bergmann et al. 2022).

Depth is the z channel of `xyz/*.tiff`, stored in metres; (0, 0, 0) is unknown.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from specsight.datasets.contract import DatasetListing, ProductTreeReader, register
from specsight.datasets.files import Masks, examples, identifier, pictures_in, product_name, subfolders
from specsight.datasets.mvtec_ad import is_depth_tree
from specsight.images import METRES
from specsight.records import Defect, Sample


@register
class MVTec3D(ProductTreeReader):
    """`<product>/{train,validation,test}/<type>/{rgb,xyz,gt}`."""

    name = "mvtec_3d"
    title = "MVTec 3D-AD (colours and point clouds)"

    def is_product(self, folder: Path) -> bool:
        """Whether `train/good` holds `rgb` and `xyz`."""
        return is_depth_tree(folder)

    def read_product(self, folder: Path) -> DatasetListing:
        """One sample a picture, its depth the z of the point cloud; a note names pictures without one."""
        product, listing = product_name(folder), DatasetListing(self.name, folder, [], [])
        flat: list[Path] = []
        for split in ("train", "validation", "test"):
            for kind in subfolders(folder / split):
                masks = Masks(kind / "gt", ("",))
                clouds = {p.stem: p for p in pictures_in(kind / "xyz")}
                for image in pictures_in(kind / "rgb"):
                    mask = masks.of(image)
                    flat += [] if image.stem in clouds else [image]
                    good = kind.name == "good"
                    sample_id = identifier(product, image, folder)
                    if good and mask is not None:
                        listing.good_masks[sample_id] = mask
                    listing.samples.append(
                        Sample(
                            id=sample_id,
                            image=image,
                            product=product,
                            split=split,
                            label="good" if good else "defective",
                            defects=() if good else (Defect(type=kind.name, mask=mask),),
                            depth=clouds.get(image.stem),
                            depth_unit_mm=METRES,
                        )
                    )
                listing.unused_masks.extend(masks.unused)
        if flat:
            listing.notes.append(f"{product}: {len(flat)} picture(s) without a point cloud: {examples(flat)}")
        return replace(listing, lists=tuple(sorted((folder / "calibration").glob("*.json"))))
