"""Photographs with the truth about their parts: hand outlines → a data set whose pictures bring matched pairs.

In: one of the sets in `../shared/data`, its specification in `examples/` and the outlines below `tests/parts/outlined`
and `measured/outlined` (one JSON object a line: picture, size, shapes by part). Out: a folder with a manifest.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from speed import SHARED

from measured.rows import ROOT
from specsight.datasets import load_dataset
from specsight.datasets.manifest import write_manifest
from specsight.datasets.parts import split_by_part
from specsight.evaluation.instructions.from_masks import with_pairs
from specsight.parts import drawn
from specsight.records import Sample
from specsight.specification import Shape, Specification, load_specification

DATA = SHARED / "data"
OUTLINED = (ROOT / "tests" / "parts" / "outlined", ROOT / "measured" / "outlined")


@dataclass(frozen=True)
class Photographs:
    """A set of photographs, and how much of it is learned from."""

    name: str
    """Of its specification in `examples/`, and of its outlines."""
    title: str
    data: Path
    learned: int | None = None
    """Good training pictures, drawn by seed, where none of them is outlined; None: all."""
    tested: tuple[int, int] = (10, 24)
    """Good and defective test pictures: outlined ones first, then those with the most pairs, then by seed. Every
    question is asked in a dozen wordings, which takes its time."""
    product: str | None = None
    """One product of a set of several."""
    outlined_only: bool = True
    """Whether pictures without an outline are left out; else they are asked nothing about parts."""

    @property
    def specification(self) -> Path:
        """Its words."""
        return ROOT / "examples" / f"{self.name}.yaml"


SETS = {
    "bottle": Photographs("bottle", "MVTec AD bottle", DATA / "mvtec_ad" / "bottle"),
    "magnetic_tile": Photographs("magnetic_tile", "magnetic tile", DATA / "magnetic_tile", 100),
    "deep_pcb": Photographs(
        "deep_pcb", "DeepPCB group12100", DATA / "deep_pcb", 100, product="group12100", outlined_only=False
    ),
}


def part_maps(name: str, specification: Specification) -> dict[str, NDArray[np.uint8]]:
    """Picture (relative to `../shared/data`) → part map (H, W): the place in the specification's parts, from 1."""
    found = {}
    for folder in OUTLINED:
        file = folder / f"{name}.jsonl"
        for line in file.read_text().splitlines() if file.is_file() else ():
            row = json.loads(line)
            values = np.zeros((row["size"][1], row["size"][0]), np.uint8)
            for number, part in enumerate(specification.parts, 1):
                shapes = [Shape.model_validate(shape) for shape in row["parts"].get(part.name, ())]
                values[drawn(shapes, values.shape)] = number
            found[row["picture"]] = values
    return found


def write_photographs(of: Photographs, folder: Path, seed: int = 0, given_parts: bool = True) -> Path:
    """The set as a manifest below `folder`: good training pictures (those that are outlined, where some are), and those
    test pictures that are outlined.

    Test pictures bring matched pairs made of masks and hand outlines; with `given_parts` all outlined pictures bring
    their part maps as well, else an inspector has to find parts itself. Returns the manifest.
    """
    specification = load_specification(of.specification)
    samples = split_by_part(load_dataset(of.data, product=of.product)).samples
    maps = part_maps(of.name, specification)
    by_id = {s.id: maps[k] for s in samples if (k := s.image.relative_to(DATA).as_posix()) in maps}
    tested = [s for s in samples if s.split == "test" and (s.id in by_id or not of.outlined_only)]
    learned = sorted(
        (s for s in samples if s.split == "train" and s.label == "good"), key=lambda sample: sample.id
    )
    if outlined := [sample for sample in learned if sample.id in by_id]:
        learned = outlined
    elif of.learned is not None:
        order = np.random.default_rng(seed).permutation(len(learned))
        learned = [learned[k] for k in sorted(order[: of.learned])]
    tested = _chosen(with_pairs(tested, specification, by_id, seed), of, by_id, seed)
    if given_parts:
        learned, tested = (
            [_with_parts(s, by_id[s.id], specification, of, folder) if s.id in by_id else s for s in group]
            for group in (learned, tested)
        )
    return write_manifest(_copied([*learned, *tested], of.data, folder), folder / "manifest.jsonl")


def _chosen(samples: Sequence[Sample], of: Photographs, outlined: Container[str], seed: int) -> list[Sample]:
    """As many as are tested: those that are outlined first, then those with more pairs, then by seed."""
    order = np.random.default_rng(seed).permutation(len(samples))
    ranked = sorted(
        (samples[k] for k in order), key=lambda sample: (sample.id not in outlined, -len(sample.instructions))
    )
    wanted = dict(zip(("good", "defective"), of.tested, strict=True))
    return [s for label, count in wanted.items() for s in [s for s in ranked if s.label == label][:count]]


def _with_parts(
    sample: Sample, parts: NDArray[np.uint8], specification: Specification, of: Photographs, folder: Path
) -> Sample:
    file = (folder / "parts" / sample.image.relative_to(of.data)).with_suffix(".png")
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(parts).save(file)
    names = {k: part.name for k, part in enumerate(specification.parts, 1)}
    return replace(sample, parts=file, part_names=names)


def _copied(samples: Sequence[Sample], root: Path, folder: Path) -> list[Sample]:
    """The samples with their pictures and masks inside `folder`, where a manifest needs them."""

    def copied(file: Path) -> Path:
        there = folder / file.relative_to(root)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, there)
        return there

    made = []
    for sample in samples:
        defects = tuple(
            replace(defect, mask=copied(defect.mask) if defect.mask else None) for defect in sample.defects
        )
        # A reference tells where defects in boxes lie; the pairs are made by now.
        made.append(replace(sample, image=copied(sample.image), defects=defects, reference=None))
    return made
