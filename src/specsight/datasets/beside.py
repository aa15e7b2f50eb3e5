"""Depth and other signals from a folder of their own, joined to pictures by name.

In: samples, and for each signal one file or a folder. Out: the samples with their files, and what found no partner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.datasets.files import examples
from specsight.errors import SpecsightError
from specsight.images import IMAGE_SUFFIXES
from specsight.records import DEPTH, NORMALS, Sample, wrong_signals

SUFFIXES = IMAGE_SUFFIXES | {".npy"}


@dataclass(frozen=True)
class Joined:
    """Samples with the files beside them."""

    samples: list[Sample]
    notes: tuple[str, ...]


def with_signals(
    samples: Sequence[Sample],
    root: Path,
    beside: Mapping[str, Path],
    depth_unit_mm: float = 1.0,
) -> Joined:
    """The samples, whose pictures lie below `root`, with the signals `beside` them, by name ("depth", "normals", "ir").

    A folder is searched for files that lie in it as the pictures lie below `root`, with another ending; where pictures
    have names of their own, their folders may differ. A file is that of the one picture. Raises SpecsightError for a
    path that is not there, a file for several pictures, a folder in which no picture has a partner, and one with two;
    for names of signals that cannot be (`wrong_signals`), and for a picture that would be its own signal.
    """
    if wrong := wrong_signals(name for name in beside if name not in (DEPTH, NORMALS)):
        raise SpecsightError(wrong)
    joined, notes = list(samples), []
    for name, place in beside.items():
        files = _partners(joined, root if root.is_dir() else root.parent, name, place)
        alone = [sample.image for sample in joined if sample.image not in files]
        if len(alone) == len(joined):
            raise SpecsightError(
                f"no picture has {name} in '{place}': files there must have the names of the pictures"
            )
        if alone:
            notes.append(f"{len(alone)} picture(s) without {name}: {examples(alone)}")
        joined = [_with(sample, name, files.get(sample.image), depth_unit_mm) for sample in joined]
    return Joined(joined, tuple(notes))


def _partners(samples: Sequence[Sample], root: Path, name: str, place: Path) -> dict[Path, Path]:
    """Picture → file of a signal."""
    if place.is_file():
        if len(samples) > 1:
            raise SpecsightError(
                f"'{place}' is one file of {name}, and there are {len(samples)} pictures: give a folder"
            )
        if place.resolve() == samples[0].image.resolve():
            raise SpecsightError(
                f"'{place}' is both a picture and its own {name}: name the file of its {name}"
            )
        return {samples[0].image: place}
    if not place.is_dir():
        raise SpecsightError(f"there is no '{place}' with {name}: check the path")
    by_place: dict[str, list[Path]] = defaultdict(list)
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(place.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            by_place[path.relative_to(place).with_suffix("").as_posix()].append(path)
            by_name[path.stem].append(path)
    stems = [sample.image.stem for sample in samples]
    found: dict[Path, Path] = {}
    for sample in samples:
        image = sample.image
        inside = image.is_relative_to(root)
        own = by_place.get(image.relative_to(root).with_suffix("").as_posix(), []) if inside else []
        if not own and stems.count(image.stem) == 1:
            own = by_name.get(image.stem, [])
        if len(own) > 1:
            raise SpecsightError(
                f"'{image}' has two files of {name}, '{own[0]}' and '{own[1]}': remove or rename one"
            )
        if own:
            if own[0].resolve() == image.resolve():
                raise SpecsightError(
                    f"'{own[0]}' is both a picture and its own {name}: name the folder with {name}; a part without a "
                    "picture is named in a manifest, by its depth alone"
                )
            found[image] = own[0]
    return found


def _with(sample: Sample, name: str, file: Path | None, depth_unit_mm: float) -> Sample:
    if file is None:
        return sample
    if name == DEPTH:
        return replace(sample, depth=file, depth_range=None, depth_unit_mm=depth_unit_mm)
    if name == NORMALS:
        return replace(sample, normals=file)
    return replace(sample, signals={**sample.signals, name: file})
