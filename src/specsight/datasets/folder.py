"""Any folder of pictures: what the folders' names say is inferred, and told in the notes.

`good/` beside other names: the others are defect types (and what lies above them are products). Only `good/`, or a
folder itself called good: good parts to learn from. No such name anywhere: pictures of unknown label. Masks lie in a
folder called masks or ground_truth, or beside their picture as `<name>_mask.*`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from specsight.datasets.base import (
    GOOD_NAMES,
    DatasetListing,
    Products,
    Reader,
    pick_samples,
    register,
    with_unique_ids,
)
from specsight.datasets.files import every_fifth, examples, pictures_in, product_name, subfolders
from specsight.errors import SpecsightError
from specsight.records import Defect, Label, Sample

MASK_FOLDERS = frozenset({"mask", "masks", "ground_truth", "gt", "annotations"})
DEFECT_NAMES = frozenset({"bad", "ng", "nok", "ko", "defect", "defects", "defective", "anomaly", "anomalous"})
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class _Found:
    """One picture, and what the folders above it say."""

    image: Path
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
        if path.is_file():
            return _is_picture(path)
        return next(_walk(path), None) is not None

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        if path.is_file():
            sample = Sample(id=path.stem, image=path, product=product_name(path.parent))
            return DatasetListing(self.name, path, pick_samples([sample], product), [])
        pictures, masks = _sorted_out(path)
        if not pictures:
            raise SpecsightError(f"'{path}' holds no pictures: check the path")
        found = _look(pictures, path)
        mask_of = _assign(found, masks, path)
        samples = with_unique_ids(pick_samples(_samples(found, mask_of, path), product))
        return DatasetListing(
            layout=self.name,
            root=path,
            samples=samples,
            notes=_notes(found, samples),
            unused_masks=sorted({m for files in masks.values() for m in files} - set(mask_of.values())),
            good_masks={s.id: mask_of[s.image] for s in samples if s.label == "good" and s.image in mask_of},
        )


def _is_picture(path: Path) -> bool:
    from specsight.images import IMAGE_SUFFIXES

    return path.suffix.lower() in IMAGE_SUFFIXES


def _walk(folder: Path) -> Iterator[Path]:
    """All pictures below `folder`, masks included, folder by folder."""
    yield from pictures_in(folder)
    for inner in subfolders(folder):
        yield from _walk(inner)


def _sorted_out(root: Path) -> tuple[list[Path], dict[str, list[Path]]]:
    """(pictures, {stem of the picture a mask belongs to: masks})."""
    files = list(_walk(root))
    stems = {(p.parent, p.stem) for p in files}
    pictures: list[Path] = []
    masks: dict[str, list[Path]] = {}
    for file in files:
        stem = file.stem.removesuffix("_mask")
        folders = {part.lower() for part in file.relative_to(root).parts[:-1]}
        if folders & MASK_FOLDERS or (stem != file.stem and (file.parent, stem) in stems):
            masks.setdefault(stem, []).append(file)
        else:
            pictures.append(file)
    return pictures, masks


def _look(pictures: Sequence[Path], root: Path) -> list[_Found]:
    folders = {p: p.relative_to(root).parts[:-1] for p in pictures}
    kinds = {p: [f for f in parts if f.lower() not in SPLIT_NAMES] for p, parts in folders.items()}
    beside_good = {tuple(parts[:i]) for parts in kinds.values() for i, f in enumerate(parts) if _is_good(f)}
    all_good = not any(kinds.values()) and _is_good(product_name(root))
    found = []
    for image, parts in kinds.items():
        level = next((i for i in range(len(parts)) if tuple(parts[:i]) in beside_good), None)
        kind = parts[level or 0] if parts else ""
        label: Label = "unknown"
        if all_good or any(_is_good(f) for f in parts):
            label = "good"
        elif level is not None or kind.lower() in DEFECT_NAMES:
            label = "defective"
        product = "/".join(parts[: level or 0]) or product_name(root)
        split = next((SPLIT_NAMES[f.lower()] for f in folders[image] if f.lower() in SPLIT_NAMES), None)
        found.append(_Found(image, product, split, kind, label))
    return found


def _is_good(name: str) -> bool:
    return name.lower() in GOOD_NAMES


def _samples(found: Sequence[_Found], mask_of: dict[Path, Path], root: Path) -> list[Sample]:
    train = _training_pictures(found)
    samples = []
    for each in found:
        mask = None if each.label == "good" else mask_of.get(each.image)
        defective = each.label == "defective" or mask is not None
        samples.append(
            Sample(
                id=each.image.relative_to(root).with_suffix("").as_posix(),
                image=each.image,
                product=each.product,
                split=each.split or ("train" if each.image in train else "test"),
                label="defective" if defective else each.label,
                defects=(Defect(type=each.kind or "anomaly", mask=mask),) if defective else (),
            )
        )
    return samples


def _training_pictures(found: Sequence[_Found]) -> set[Path]:
    """Good pictures that are learnt from, where the folders name no split: all, or four of five if there are others."""
    train: set[Path] = set()
    if any(each.split for each in found):
        return train
    for product in {each.product for each in found}:
        mine = [each for each in found if each.product == product]
        good = [each.image for each in mine if each.label == "good"]
        train |= set(good) - (every_fifth(good) if len(good) < len(mine) else set())
    return train


def _assign(found: Sequence[_Found], masks: dict[str, list[Path]], root: Path) -> dict[Path, Path]:
    """Picture → its mask, of those with its stem: the one beside it, else the one in a folder of its type's name, else
    one in a folder of no type's name, where no other picture has that stem."""
    kinds = {each.kind for each in found}
    times = Counter(each.image.stem for each in found)
    mask_of = {}
    for each in found:
        files = {m: set(m.relative_to(root).parts[:-1]) for m in masks.get(each.image.stem, [])}
        beside = [m for m in files if m.parent == each.image.parent]
        alike = [m for m, folders in files.items() if each.kind in folders]
        neutral = [m for m, folders in files.items() if not kinds & folders and times[each.image.stem] == 1]
        for mask in (*beside, *alike, *neutral)[:1]:
            mask_of[each.image] = mask
    return mask_of


def _notes(found: Sequence[_Found], samples: Sequence[Sample]) -> list[str]:
    notes = []
    kinds = sorted({each.kind for each in found if each.label == "defective"})
    good = sum(s.label == "good" for s in samples)
    if kinds:
        notes.append(f"defect types from folder names: {', '.join(kinds)}")
    if not good:
        notes.append(
            f"no good parts: no folder is called {', '.join(sorted(GOOD_NAMES))}; learning needs pictures of good parts"
        )
    elif good < len(samples) and not any(each.split for each in found):
        notes.append("no split in the folder names: every fifth good picture and all others are test")
    without = [s.image for s in samples if s.defects and s.defects[0].mask is None]
    if without:
        notes.append(f"{len(without)} defective picture(s) without a mask: {examples(without)}")
    unknown = [s.image for s in samples if s.label == "unknown"]
    if unknown:
        notes.append(f"{len(unknown)} picture(s) of unknown label: {examples(unknown)}")
    return notes
