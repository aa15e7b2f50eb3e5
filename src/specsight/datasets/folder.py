"""Any folder of pictures: what the folders' names say is inferred and stated in the notes.

`good/` beside other names: the others are defect types (and what lies above them are products). Only `good/`, or a
folder itself called good: good parts to learn from. No such name anywhere: pictures of unknown label. Masks lie in a
folder called masks or the like, or beside their picture as `<name>_mask.*` (`mask_places`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from specsight.datasets.accounting import MASKS
from specsight.datasets.contract import (
    GOOD_NAMES,
    SPLIT_NAMES,
    DatasetListing,
    Products,
    Reader,
    pick_samples,
    register,
    with_unique_ids,
)
from specsight.datasets.files import (
    examples,
    has_pictures,
    in_turn,
    pictures_in,
    product_name,
    stem_of,
    subfolders,
)
from specsight.datasets.foreign_folders import THUMBNAILS
from specsight.datasets.mask_places import picture_stem, sort_files
from specsight.datasets.unused_files import instead_of_pictures
from specsight.errors import SpecsightError
from specsight.records import Defect, Label, Sample

DEFECT_NAMES = frozenset({"bad", "ng", "nok", "ko", "defect", "defects", "defective", "anomaly", "anomalous"})
_EVERY = 5
"""Every fifth good part is test where the folders name no split."""
GENERIC_NAMES = frozenset(
    {"images", "image", "imgs", "img", "pictures", "photos", "rgb", "data", "jpegimages", "pngimages"}
)
"""Folder names that say nothing of what is wrong with a part."""


@dataclass(frozen=True)
class _Place:
    """A folder with pictures in it, and what its path says of them."""

    pictures: tuple[Path, ...]
    within: str
    """Path below the root, with forward slashes; "" for the root itself."""
    product: str
    split: str | None
    kind: str
    """The folder name beside which "good" stands elsewhere: a type, a word for good, or "" for none."""
    label: Label


@register
class AnyFolder(Reader):
    """The reader for folders in no known layout; also takes a single picture."""

    name = "folder"
    title = "any folder (good/ + other names, only good/, or just pictures)"

    def detects(self, path: Path) -> bool:
        """Whether `path` is a picture, or any folder below it holds one."""
        if path.is_file():
            return _is_picture(path)
        return any(has_pictures(folder) for folder in _walk(path))

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """Labels, splits and masks as the names of folders tell them; what was inferred stands in the notes."""
        if path.is_file():
            sample = Sample(id=path.stem, image=path, product=product_name(path.parent))
            return DatasetListing(self.name, path, pick_samples([sample], product), [])
        found = sort_files({folder: pictures_in(folder) for folder in _walk(path)}, path)
        if not found.pictures:
            masks = (m for files in found.masks.values() for m in files)
            raise SpecsightError(f"'{path}' holds no pictures: {instead_of_pictures(path, masks)}")
        places = _places(found.pictures, path)
        mask_of = _mask_by_picture(places, found.masks, path)
        samples = with_unique_ids(pick_samples(_samples(places, mask_of), product))
        spare = {m for files in found.masks.values() for m in files} - set(mask_of.values())
        stems = {stem_of(image) for place in places for image in place.pictures}
        return DatasetListing(
            layout=self.name,
            root=path,
            samples=samples,
            notes=_notes(places, samples),
            unused_masks=sorted(m for m in spare if picture_stem(m) not in stems),
            good_masks={s.id: mask_of[s.image] for s in samples if s.label == "good" and s.image in mask_of},
            test_every=0 if any(place.split for place in places) else _EVERY,
            not_used={**dict.fromkeys(spare, MASKS), **dict.fromkeys(found.thumbnails, THUMBNAILS)},
        )


def _is_picture(path: Path) -> bool:
    from specsight.images import IMAGE_SUFFIXES

    return path.suffix.lower() in IMAGE_SUFFIXES


def _walk(root: Path) -> Iterator[Path]:
    """`root` and all folders below it, each once: links that lead back to a folder above are not followed again."""
    waiting, visited = [root], set()
    while waiting:
        folder = waiting.pop()
        about = folder.stat()
        if (about.st_dev, about.st_ino) not in visited:
            visited.add((about.st_dev, about.st_ino))
            yield folder
            waiting += reversed(subfolders(folder))


def _places(pictures: Mapping[Path, Sequence[Path]], root: Path) -> list[_Place]:
    """The folders of `pictures` (folder → its pictures), each with what its path says of them."""
    folders = {folder: folder.relative_to(root).parts for folder in pictures}
    kinds = {
        folder: tuple(f for f in parts if f.lower() not in SPLIT_NAMES) for folder, parts in folders.items()
    }
    beside_good = {parts[:i] for parts in kinds.values() for i, f in enumerate(parts) if _is_good(f)}
    all_good = not any(kinds.values()) and _is_good(product_name(root))
    places = []
    for folder, parts in kinds.items():
        level = next((i for i in range(len(parts)) if parts[:i] in beside_good), None)
        kind = parts[level or 0] if parts else ""
        label: Label = "unknown"
        if all_good or any(_is_good(f) for f in parts):
            label = "good"
        elif level is not None or kind.lower() in DEFECT_NAMES:
            label = "defective"
        places.append(
            _Place(
                pictures=tuple(pictures[folder]),
                within="/".join(folders[folder]),
                product="/".join(parts[: level or 0]) or product_name(root),
                split=next(
                    (SPLIT_NAMES[f.lower()] for f in folders[folder] if f.lower() in SPLIT_NAMES), None
                ),
                kind=kind,
                label=label,
            )
        )
    return places


def _is_good(name: str) -> bool:
    return name.lower() in GOOD_NAMES


def _samples(places: Sequence[_Place], mask_of: Mapping[Path, Path]) -> list[Sample]:
    train = _training_pictures(places)
    samples = []
    for place in places:
        prefix = f"{place.within}/" if place.within else ""
        for image in place.pictures:
            mask = None if place.label == "good" else mask_of.get(image)
            defective = place.label == "defective" or mask is not None
            samples.append(
                Sample(
                    id=prefix + image.stem,
                    image=image,
                    product=place.product,
                    split=place.split or ("train" if image in train else "test"),
                    label="defective" if defective else place.label,
                    defects=(Defect(type=_type_in(place), mask=mask),) if defective else (),
                )
            )
    return samples


def _type_in(place: _Place) -> str:
    """The type of the defects in a folder: its name, unless that says nothing of them."""
    return "anomaly" if not place.kind or place.kind.lower() in GENERIC_NAMES else place.kind


def _training_pictures(places: Sequence[_Place]) -> set[Path]:
    """Good pictures that are learnt from, where the folders name no split: all, or four of five (by name) if there are
    others."""
    train: set[Path] = set()
    if any(place.split for place in places):
        return train
    for product in {place.product for place in places}:
        of_product = [place for place in places if place.product == product]
        good = [image for place in of_product if place.label == "good" for image in place.pictures]
        alone = all(place.label == "good" for place in of_product)
        train |= set(good) - (set() if alone else in_turn(sorted(good), _EVERY))
    return train


def _mask_by_picture(
    places: Sequence[_Place], masks: Mapping[str, Sequence[Path]], root: Path
) -> dict[Path, Path]:
    """Picture → its mask, of those with its stem: the one beside it, else the one in a folder of its type's name, else
    one in a folder of no type's name, where no other picture has that stem."""
    if not masks:
        return {}
    kinds = {place.kind for place in places}
    times = Counter(stem_of(image) for place in places for image in place.pictures)
    mask_of = {}
    for image, kind in ((image, place.kind) for place in places for image in place.pictures):
        files = {m: set(m.relative_to(root).parts[:-1]) for m in masks.get(stem_of(image), [])}
        beside = [m for m in files if m.parent == image.parent]
        alike = [m for m, folders in files.items() if kind in folders]
        neutral = [m for m, folders in files.items() if not kinds & folders and times[stem_of(image)] == 1]
        for mask in (*beside, *alike, *neutral)[:1]:
            mask_of[image] = mask
    return mask_of


def _notes(places: Sequence[_Place], samples: Sequence[Sample]) -> list[str]:
    notes = []
    kinds = sorted({place.kind for place in places if place.label == "defective"})
    good = sum(s.label == "good" for s in samples)
    if kinds:
        notes.append(f"defect types from folder names: {', '.join(kinds)}")
    if not good:
        notes.append(
            f"no good parts: no folder is called {', '.join(sorted(GOOD_NAMES))}; learning needs pictures of good parts"
        )
    elif good < len(samples) and not any(place.split for place in places):
        notes.append("no split in the folder names: every fifth good part and all other pictures are test")
    without = [s.image for s in samples if s.defects and s.defects[0].mask is None]
    if without:
        notes.append(f"{len(without)} defective picture(s) without a mask: {examples(without)}")
    unknown = [s.image for s in samples if s.label == "unknown"]
    if unknown:
        notes.append(f"{len(unknown)} picture(s) of unknown label: {examples(unknown)}")
    return notes
