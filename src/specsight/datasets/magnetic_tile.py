"""Magnetic tile defects: grey pictures of every size, a mask beside each (Huang et al. 2018).

The set has no split of its own, and shows each tile in up to six exposures, so it is split by tile. File names are
`expE_num_N`: N is consecutive within a tile, and E, the exposure, rises. All pictures of a tile are one `Sample.group`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from specsight.datasets.contract import DatasetListing, Products, Reader, register, selected_products
from specsight.datasets.files import identifier, in_turn, pictures_in, subfolders
from specsight.datasets.near_duplicates import connected
from specsight.records import Defect, Sample

_PRODUCT = "magnetic_tile"
_GOOD = "free"
_MASK_ABOVE = 127
"""The masks were saved with soft borders: half way counts."""
_NAME = re.compile(r"exp(\d+)_num_(\d+)")
_SAME_NUMBERS = 50
"""Numbers no farther apart than this are pieces cut from one tile: their exposures alternate."""
_EVERY = 5
"""Every fifth tile without defects is test."""


@register
class MagneticTile(Reader):
    """`MT_<Type>/Imgs/<name>.jpg` with `<name>.png` as its mask; "Free" is good."""

    name = "magnetic_tile"
    title = "magnetic tile defects"

    def detects(self, path: Path) -> bool:
        """Whether there are folders `MT_<Type>/Imgs`."""
        return bool(_kinds(path))

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """One product; every fifth tile without defects and all tiles with a defect are test."""
        selected_products(product, [_PRODUCT])
        listing = DatasetListing(self.name, path, [], [])
        files = {folder: pictures_in(folder) for folder in _kinds(path)}
        photos = [p for found in files.values() for p in found if p.suffix.lower() in (".jpg", ".jpeg")]
        tiles = _tiles(photos)
        defective = {tiles[photo] for photo in photos if _kind(photo) != _GOOD}
        without_defects = sorted(set(tiles.values()) - defective)
        tested = {*defective, *in_turn(without_defects, _EVERY)}
        masks = {
            p.with_suffix(""): p for found in files.values() for p in found if p.suffix.lower() == ".png"
        }
        for image in photos:
            mask = masks.pop(image.with_suffix(""), None)
            kind = _kind(image)
            good = kind == _GOOD
            sample_id = identifier(_PRODUCT, image, path)
            if good and mask is not None:
                listing.good_masks[sample_id] = mask
            listing.samples.append(
                Sample(
                    id=sample_id,
                    image=image,
                    product=_PRODUCT,
                    split="test" if tiles[image] in tested else "train",
                    label="good" if good else "defective",
                    defects=() if good else (Defect(type=kind, mask=mask, mask_above=_MASK_ABOVE),),
                    group=tiles[image],
                )
            )
        listing.unused_masks.extend(masks.values())
        beside = sum(s.label == "good" and s.group in defective for s in listing.samples)
        listing.notes.append(
            f"the set has no split: of {len(set(tiles.values()))} tiles, told apart by their file names, every fifth "
            f"of {len(without_defects)} without defects and all {len(defective)} with defects are test ({beside} good "
            "pictures among these)"
        )
        return listing


def _kinds(path: Path) -> list[Path]:
    return [f / "Imgs" for f in subfolders(path) if f.name.startswith("MT_") and (f / "Imgs").is_dir()]


def _kind(photo: Path) -> str:
    return photo.parent.parent.name.removeprefix("MT_").lower()


def _tiles(photos: Iterable[Path]) -> dict[Path, str]:
    """Photo → its tile, called after the tile's first number.

    Sorted by N, a new tile begins where E does not rise and N jumps. Pieces of one exposure may lie in several folders
    (a sound piece in `MT_Free`, a broken one in `MT_Break`), so the rule is applied within each folder and across all,
    and what either joins is one tile. A photo whose name says nothing is a tile of its own.
    """
    numbered: dict[Path, tuple[int, int]] = {}
    tiles: dict[Path, str] = {}
    for photo in photos:
        match = _NAME.fullmatch(photo.stem)
        if match:
            numbered[photo] = int(match[2]), int(match[1])
        else:
            tiles[photo] = photo.stem
    order = sorted(numbered, key=lambda photo: (numbered[photo], photo))
    by_folder = defaultdict[Path, list[int]](list)
    for i, photo in enumerate(order):
        by_folder[photo.parent].append(i)
    pairs = [
        (a, b)
        for run in (range(len(order)), *by_folder.values())
        for a, b in pairwise(run)
        if numbered[order[b]][1] > numbered[order[a]][1]
        or numbered[order[b]][0] <= numbered[order[a]][0] + _SAME_NUMBERS
    ]
    for photo, label in zip(order, connected(len(order), pairs), strict=True):
        # Of fixed width, so that tiles are sorted as they were taken.
        tiles[photo] = f"{numbered[order[label]][0]:06d}"
    return tiles
