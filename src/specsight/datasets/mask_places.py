"""Which files of a folder tree are masks and not pictures: by the names of folders and files, and by content.

A name such as `masks` or `SegmentationClass` says it, unless what lies there are photographs that no other file is
named after. A name such as `labels` may be that of a product: there the files must look like masks and be named after
pictures elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from specsight.datasets.accounting import MASKS
from specsight.datasets.files import stem_of
from specsight.datasets.foreign_folders import THUMBNAILS
from specsight.errors import SpecsightError

TRUTH_NAMES = ("groundtruth", "groundtruths", "gt", "gts", "masks", "mask")
"""What the folder of masks beside `train` and `test` is called, the likeliest first; as `plain` gives it."""
_CERTAIN = frozenset(
    {*TRUTH_NAMES, "segmentationclass", "segmentationobject", "maskimages", "segmentationmasks"}
)
_AMBIGUOUS = frozenset(
    word + plural for word in ("label", "annotation", "ann", "seg", "segmentation") for plural in ("", "s")
)
_THUMBNAILS = frozenset({"thumbnail", "thumbnails", "thumb", "thumbs"})
_ENDING = re.compile(
    r"[_\-. ](mask|masks|gt|groundtruth|ground_truth|label|labels|seg|segmentation)$", re.IGNORECASE
)
_AMBIGUOUS_ENDINGS = frozenset({"label", "labels", "seg", "segmentation"})
_OPENED = 5
"""Files of a folder that are opened to see whether it holds masks."""
_SIDE = 256
"""Rows and columns of a file that are looked at, at most."""
_FEW_VALUES, _SOFT = 8, 16
"""Grey values that a mask has, apart from those near black and white that compression makes."""


@dataclass(frozen=True)
class Sorted:
    """The picture files of a tree, sorted."""

    pictures: Mapping[Path, Sequence[Path]]
    """Folder → its pictures."""
    masks: Mapping[str, Sequence[Path]]
    """Stem of the picture that they belong to → masks."""
    thumbnails: Sequence[Path]


def plain(name: str) -> str:
    """A folder's name in lower case, without blanks and signs."""
    return re.sub(r"[\W_]", "", name.lower())


def picture_stem(file: Path) -> str:
    """The stem of the picture that a mask file is named after: its own, without `_mask`, `-gt` and the like."""
    return _ENDING.sub("", stem_of(file))


def sort_files(files: Mapping[Path, Sequence[Path]], root: Path) -> Sorted:
    """Sort the picture files below `root`, given as folder → files."""
    heads = {folder: _named_as_masks(folder, root) for folder in files}
    ordinary = {folder: members for folder, members in files.items() if heads[folder] is None}
    beside = {file for members in ordinary.values() for file in _beside(members)}
    stems = {stem_of(file) for members in ordinary.values() for file in members if file not in beside}
    groups: dict[Path, list[Path]] = {}
    for folder, head in heads.items():
        if head is not None:
            groups.setdefault(head, []).extend(files[folder])
    purposes = {head: _purpose(head.name, members, stems) for head, members in groups.items()}
    aside = {file: purposes[head] for head, members in groups.items() for file in members if purposes[head]}
    aside |= dict.fromkeys(beside, MASKS)
    pictures = {folder: [f for f in members if f not in aside] for folder, members in files.items()}
    masks: dict[str, list[Path]] = {}
    for file in (f for members in files.values() for f in members if aside.get(f) == MASKS):
        masks.setdefault(picture_stem(file), []).append(file)
    return Sorted(
        {folder: members for folder, members in pictures.items() if members},
        masks,
        [file for file, purpose in aside.items() if purpose == THUMBNAILS],
    )


def _purpose(name: str, files: Sequence[Path], stems: Set[str]) -> str | None:
    """What the files of a folder called `name` are beside pictures with these stems; None: pictures themselves."""
    named_after_pictures = _share_named_after(files, stems) >= 0.5
    if plain(name) in _THUMBNAILS:
        return THUMBNAILS if named_after_pictures else None
    if plain(name) in _AMBIGUOUS:
        return MASKS if named_after_pictures and look_like_masks(files) else None
    return MASKS if named_after_pictures or look_like_masks(files) else None


def look_like_masks(files: Sequence[Path]) -> bool:
    """Whether most of some files, spread over `files`, hold few grey values or little but black and white.

    A file that cannot be read counts as a mask: that is where it lies, and reading it will say what is wrong.
    """
    chosen = files[:: max(1, len(files) // _OPENED)][:_OPENED]
    return sum(map(_looks_like_mask, chosen)) * 2 > len(chosen)


def _looks_like_mask(file: Path) -> bool:
    import numpy as np

    from specsight.images import read_mask

    try:
        values = read_mask(file)
    except SpecsightError:
        return True
    values = values[:: max(1, values.shape[0] // _SIDE), :: max(1, values.shape[1] // _SIDE)]
    low, high = int(values.min()), int(values.max())
    extreme = (values <= low + _SOFT) | (values >= high - _SOFT)
    return len(np.unique(values)) <= _FEW_VALUES or (high - low > 4 * _SOFT and float(extreme.mean()) > 0.98)


def _named_as_masks(folder: Path, root: Path) -> Path | None:
    """The uppermost folder below `root`, down to `folder`, that has the name of a folder of masks or thumbnails."""
    inner = root
    for part in folder.relative_to(root).parts:
        inner = inner / part
        name = plain(part)
        if name in _CERTAIN | _AMBIGUOUS | _THUMBNAILS or {"mask", "masks"} & set(
            re.split(r"[\W_]+", part.lower())
        ):
            return inner
    return None


def _beside(files: Sequence[Path]) -> list[Path]:
    """The masks among the files of one folder: named after another of them, with an ending that says mask."""
    stems = {stem_of(file) for file in files}
    by_ending: dict[str, list[Path]] = {}
    for file in files:
        ending = _ENDING.search(stem_of(file))
        if ending and picture_stem(file) in stems:
            by_ending.setdefault(ending[1].lower(), []).append(file)
    return [
        file
        for ending, members in by_ending.items()
        if ending not in _AMBIGUOUS_ENDINGS or look_like_masks(members)
        for file in members
    ]


def _share_named_after(files: Iterable[Path], stems: Set[str]) -> float:
    named = [stem_of(file) in stems or picture_stem(file) in stems for file in files]
    return sum(named) / len(named) if named else 0.0
