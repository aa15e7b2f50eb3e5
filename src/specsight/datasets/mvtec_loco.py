"""MVTec LOCO AD: logical and structural anomalies, one mask file per region (Bergmann et al. 2022).

`defects_config.json` says which pixel value means which defect, and from which area on a region counts as found
(saturation, for sPRO).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.datasets.contract import DatasetListing, ProductTreeReader, register, united
from specsight.datasets.files import examples, identifier, pictures_in, product_name, subfolders
from specsight.datasets.mask_values import labels_in, without_labels_note
from specsight.datasets.mvtec_ad import has_tree, is_loco_tree
from specsight.errors import SpecsightError
from specsight.records import Defect, Sample
from specsight.storage import parse_json, read_text

_KINDS = ("logical_anomalies", "structural_anomalies")


@dataclass(frozen=True)
class _Entry:
    """One line of `defects_config.json`."""

    name: str
    saturation: float | None
    relative: bool


@register
class MVTecLOCO(ProductTreeReader):
    """Types are the defect names of the configuration; whether logical or structural is the condition "anomaly"."""

    name = "mvtec_loco"
    title = "MVTec LOCO AD (logical and structural anomalies)"

    def is_product(self, folder: Path) -> bool:
        """Whether the tree is MVTec AD's with logical anomalies."""
        return has_tree(folder) and is_loco_tree(folder)

    def read_product(self, folder: Path) -> DatasetListing:
        """One sample a picture, one defect a region file, each with its saturation area."""
        product, listing = product_name(folder), DatasetListing(self.name, folder, [], [])
        for split, kind in (("train", "good"), ("validation", "good"), ("test", "good")):
            for image in pictures_in(folder / split / kind):
                listing.samples.append(
                    Sample(identifier(product, image, folder), image, product, split, label="good")
                )
        file = folder / "defects_config.json"
        if not file.is_file():
            listing.notes.append(
                f"'{file}' is missing: types are named by pixel value and regions have no saturation"
            )
        config = _read_config(file) if file.is_file() else {}
        kinds = [self._read_kind(folder, kind, config) for kind in _KINDS]
        return replace(united(self.name, folder, [listing, *kinds]), lists=(file,))

    def _read_kind(self, folder: Path, kind: str, config: dict[int, _Entry]) -> DatasetListing:
        """The defective pictures of one kind."""
        product, listing = product_name(folder), DatasetListing(self.name, folder, [], [])
        images = pictures_in(folder / "test" / kind)
        regions = {f.name: pictures_in(f) for f in subfolders(folder / "ground_truth" / kind)}
        files = [mask for image in images for mask in regions.get(image.stem, [])]
        values = labels_in(files, f"masks of {product}")
        listing.notes.extend(without_labels_note(files, values, f"{product}, {kind}"))
        without: list[Path] = []
        for image in images:
            masks = regions.pop(image.stem, [])
            without += [] if masks else [image]
            plain = kind.removesuffix("_anomalies")
            defects = [
                defect
                for mask in masks
                for defect in [_defect(mask, v, config) for v in values[mask]] or [Defect(plain, mask)]
            ]
            listing.samples.append(
                Sample(
                    id=identifier(product, image, folder),
                    image=image,
                    product=product,
                    split="test",
                    label="defective",
                    defects=tuple(defects) or (Defect(type=plain),),
                    conditions={"anomaly": plain},
                )
            )
        listing.unused_masks.extend(m for masks in regions.values() for m in masks)
        if without:
            listing.notes.append(
                f"{product}: {len(without)} picture(s) of {kind} without regions: {examples(without)}"
            )
        return listing


def _defect(mask: Path, value: int, config: dict[int, _Entry]) -> Defect:
    entry = config.get(value, _Entry(f"defect_{value}", None, False))
    return Defect(
        type=entry.name,
        mask=mask,
        mask_value=value,
        saturation=entry.saturation,
        relative_saturation=entry.relative,
    )


def _read_config(path: Path) -> dict[int, _Entry]:
    try:
        return dict(_entries(parse_json(read_text(path))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpecsightError(
            f"'{path}' is not a list of {{defect_name, pixel_value, saturation_threshold, relative_saturation}} "
            f"({error!r}): download it again"
        ) from error


def _entries(raw: object) -> Iterable[tuple[int, _Entry]]:
    if not isinstance(raw, list):
        raise TypeError("not a list")
    for line in raw:
        value = int(line["pixel_value"])
        name = str(line.get("defect_name", f"defect_{value}"))
        yield value, _Entry(name, float(line["saturation_threshold"]), bool(line["relative_saturation"]))
