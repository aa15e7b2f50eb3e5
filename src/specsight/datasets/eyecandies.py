"""Eyecandies: rendered sweets under six lights, with depth, normals and one mask per kind (Bonfiglioli et al. 2022).

One sample per rendered object. Of its six pictures the one under all four camera lights (`image_4`) is the picture; the
others, under single lights, are its signals `light_0` and so on. Depth is stored in metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from specsight.datasets.contract import DatasetListing, ProductTreeReader, register
from specsight.datasets.files import identifier, pictures_in, product_name
from specsight.datasets.mask_values import marks_in
from specsight.errors import SpecsightError
from specsight.images import METRES
from specsight.records import Defect, Label, Sample
from specsight.storage import parse_yaml, read_text

_SPLITS = {"train": "train", "val": "validation", "test_public": "test", "test_private": "test_private"}
_KINDS = ("bumps", "colors", "dents", "normals")
_LIGHT = "4"


@register
class Eyecandies(ProductTreeReader):
    """`<Product>/<split>/data/<id>_<item>.<ext>` (a Pipelime underfolder); ids differ in width between splits."""

    name = "eyecandies"
    title = "Eyecandies (rendered, with depth and normals)"

    def is_product(self, folder: Path) -> bool:
        """Whether `train/data` and the data of another split are there."""
        return (folder / "train" / "data").is_dir() and any(
            (folder / split / "data").is_dir() for split in ("val", "test_public")
        )

    def read_product(self, folder: Path) -> DatasetListing:
        """One sample an object, under all lights, with depth, normals and a mask for each kind of defect."""
        product, listing = product_name(folder), DatasetListing(self.name, folder, [], [])
        lists: list[Path] = []
        for name, split in _SPLITS.items():
            items = _items(folder / name / "data")
            masks = {p for parts in items.values() for item, p in parts.items() if item.endswith("mask")}
            marks = marks_in(sorted(masks), f"masks of {product}, {split}")
            for parts in items.values():
                lights = _other_lights(parts)
                lists.append(parts["info_depth"])
                image = parts.get(f"image_{_LIGHT}")
                if image is None:
                    listing.not_used.update(dict.fromkeys(lights.values(), "pictures under single lights"))
                    listing.unused_masks.extend(p for item, p in parts.items() if item.endswith("mask"))
                    continue
                # All of them are read; those of other kinds are empty.
                lists += (p for item, p in parts.items() if item.endswith("mask"))
                defects = _defects(parts, marks)
                label: Label = "defective" if defects else "good"
                if name == "test_private" and "mask" not in parts:
                    label = "unknown"
                listing.samples.append(
                    Sample(
                        id=identifier(product, image, folder).removesuffix(f"_image_{_LIGHT}"),
                        image=image,
                        product=product,
                        split=split,
                        label=label,
                        defects=defects,
                        depth=parts.get("depth"),
                        depth_range=_depth_range(parts),
                        depth_unit_mm=METRES,
                        signals=lights,
                        normals=parts.get("normals"),
                        conditions={"light": _LIGHT},
                    )
                )
        return replace(listing, lists=tuple(lists))


def _items(folder: Path) -> dict[str, dict[str, Path]]:
    """{id: {item: file}} of one split."""
    found: dict[str, dict[str, Path]] = {}
    for path in pictures_in(folder):
        number, _, item = path.stem.partition("_")
        found.setdefault(number, {})[item] = path
    for number, parts in found.items():
        parts["info_depth"] = folder / f"{number}_info_depth.yaml"
    return found


def _other_lights(parts: Mapping[str, Path]) -> dict[str, Path]:
    """Pictures of the object under other lights, as signals."""
    return {
        item.replace("image", "light"): path
        for item, path in parts.items()
        if item.startswith("image_") and item != f"image_{_LIGHT}"
    }


def _defects(parts: Mapping[str, Path], marks: Mapping[Path, bool]) -> tuple[Defect, ...]:
    """One per kind whose mask is not empty; the overall mask counts only where no kind has one."""
    kinds = [(k, parts[f"{k}_mask"]) for k in _KINDS if f"{k}_mask" in parts]
    defects = tuple(Defect(type=k, mask=mask) for k, mask in kinds if marks[mask])
    if not defects and "mask" in parts and marks[parts["mask"]]:
        return (Defect(type="anomaly", mask=parts["mask"]),)
    return defects


def _depth_range(parts: Mapping[str, Path]) -> tuple[float, float] | None:
    path = parts["info_depth"]
    if "depth" not in parts:
        return None
    try:
        limits = parse_yaml(read_text(path))["normalization"]
        return float(limits["min"]), float(limits["max"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SpecsightError(
            f"'{path}' does not give normalization.min and .max, without which the depth has no unit: "
            "download it again"
        ) from error
