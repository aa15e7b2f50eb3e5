"""`python -m measured parts [--data FOLDER] [--references N] [--reference-seed S]`: how well parts are found.

Tyres: `--data` is a folder of `specsight tyres`, whose part maps are the truth. In each zone N good training pictures
that show every part of it are drawn by the seed, and their part maps turned into polygons (within a pixel), as an
expert would outline them; parts are then found on every test picture. Photographs: parts of the specifications in
`examples/`, outlined on one picture each, against the pictures outlined by hand in `tests/parts/outlined`. Printed is
the intersection over union of each part, its pixels over all pictures added up.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measured.photographs import DATA, SETS, part_maps
from measured.rows import ROOT
from specsight import images
from specsight.datasets import load_dataset
from specsight.detectors import create_detector
from specsight.inspector.part_maps import learn_parts, with_parts
from specsight.parts import outlines_of
from specsight.records import Sample
from specsight.report.export import Table, markdown
from specsight.specification import FurtherReference, Outline, Reference, Specification, load_specification

LEAST_SHARE = 0.005
"""Of a picture that a part covers, to be outlined on it."""
BY_HAND = ROOT / "tests" / "parts" / "outlined"


@dataclass
class Overlap:
    """Pixels by part."""

    common: Counter[str] = field(default_factory=Counter)
    either: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    unmatched: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(
        self, found: NDArray[np.uint8] | None, truth: NDArray[np.uint8], names: Mapping[int, str]
    ) -> None:
        """A picture; one whose parts were not found counts as one without parts."""
        self.pictures += 1
        self.unmatched += found is None
        found = np.zeros_like(truth) if found is None else found
        for value, name in names.items():
            self.common[name] += int(((found == value) & (truth == value)).sum())
            self.either[name] += int(((found == value) | (truth == value)).sum())

    def of_parts(self) -> dict[str, float]:
        """Intersection over union of each part that is anywhere."""
        return {name: self.common[name] / total for name, total in self.either.items() if total}


def main(arguments: list[str]) -> int:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        prog="python -m measured parts", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, help="a folder of 'specsight tyres'; default: the photographs")
    parser.add_argument("--references", type=int, default=1, help="pictures outlined in each zone")
    parser.add_argument("--reference-seed", type=int, default=0, help="by which they are drawn")
    parser.add_argument("--encoder", default="bundled")
    given = parser.parse_args(arguments)
    measured = (
        _tyres(given.data, given.references, given.reference_seed, given.encoder)
        if given.data
        else _photographs(given.encoder)
    )
    rows, means = [], []
    for title, overlap in measured:
        of_parts = overlap.of_parts()
        means.append(float(np.mean(list(of_parts.values()))))
        parts = ", ".join(f"{name} {iou:.3f}" for name, iou in of_parts.items())
        milliseconds = 1000 * float(np.median(overlap.seconds))
        counts = [str(overlap.pictures), str(overlap.unmatched), f"{milliseconds:.0f}"]
        rows.append([title, f"{means[-1]:.3f}", parts, *counts])
        print(*rows[-1], sep="; ", flush=True)
    rows.append(["mean", f"{np.mean(means):.3f}", "", "", "", ""])
    header = ("set", "mean IoU", "IoU by part", "pictures", "not matched", "ms a picture")
    print(markdown(Table(header, rows, words=len(header)), marked=True))
    return 0


def _tyres(data: Path, references: int, seed: int, encoder: str) -> Iterable[tuple[str, Overlap]]:
    words = load_specification(data / "specification.yaml")
    samples = [s for s in load_dataset(data).samples if s.parts is not None]
    for product in sorted({s.product for s in samples}):
        own = [s for s in samples if s.product == product]
        good = [s for s in own if s.split == "train" and s.label == "good"]
        if not good:
            continue
        names = {value: name for s in own for value, name in s.part_names.items()}
        outlined = _drawn(good, names, references, np.random.default_rng(seed))
        tested = [(s, _parts(s)) for s in own if s.split == "test"]
        specification = _with_outlines(words, outlined, names)
        yield product, _measure(specification, good, tested, names, encoder)


def _photographs(encoder: str) -> Iterable[tuple[str, Overlap]]:
    for name, of in SETS.items():
        words = load_specification(of.specification)
        listed = load_dataset(of.data, product=of.product).samples
        good = [s for s in listed if s.split == "train" and s.label == "good"]
        by_hand = {line["picture"] for line in _lines(BY_HAND / f"{name}.jsonl")}
        maps = {picture: truth for picture, truth in part_maps(name, words).items() if picture in by_hand}
        tested = [(Sample(picture, DATA / picture, words.product), truth) for picture, truth in maps.items()]
        names = {number: part.name for number, part in enumerate(words.parts, 1)}
        yield of.title, _measure(words, good, tested, names, encoder)


def _measure(
    specification: Specification,
    good: list[Sample],
    tested: list[tuple[Sample, NDArray[np.uint8]]],
    names: Mapping[int, str],
    encoder: str,
) -> Overlap:
    detector = create_detector("patchcore", encoder=encoder)
    finder = learn_parts(detector, specification, [replace(s, parts=None) for s in good], None)
    overlap = Overlap()
    for sample, truth in tested:
        sample = replace(sample, parts=None)
        picture = images.load_picture(sample)
        (view,) = detector.look([picture])
        start = time.perf_counter()
        _, found = with_parts(finder, detector, sample, picture, view)
        overlap.seconds.append(time.perf_counter() - start)
        overlap.add(found.parts, truth, names)
    return overlap


def _drawn(
    good: list[Sample], names: Mapping[int, str], count: int, generator: np.random.Generator
) -> list[tuple[Sample, NDArray[np.uint8]]]:
    """Good samples that show every part, drawn; where too few do, then those that show all but one, and so on."""
    shown = list[tuple[int, int, Sample, NDArray[np.uint8]]]()
    for sample in (good[k] for k in generator.permutation(len(good))):
        parts = _parts(sample)
        missing = sum((parts == value).mean() < LEAST_SHARE for value in names)
        shown.append((missing, len(shown), sample, parts))
    return [(sample, parts) for _, _, sample, parts in sorted(shown, key=lambda one: one[:2])[:count]]


def _with_outlines(
    words: Specification, outlined: list[tuple[Sample, NDArray[np.uint8]]], names: Mapping[int, str]
) -> Specification:
    """The specification with part maps as outlines. Parts have the numbers of the maps, and later ones lie on top."""
    assert [words.parts[value - 1].name for value in names] == list(names.values())
    first, *others = [_outlines(parts, names) for _, parts in outlined]
    size = outlined[0][1].shape[::-1]
    reference = Reference(picture=str(outlined[0][0].image), size=size)
    further = tuple(
        FurtherReference(picture=str(sample.image), size=parts.shape[::-1], outlines=outlines)
        for (sample, parts), outlines in zip(outlined[1:], others, strict=True)
    )
    parts = tuple(part.model_copy(update={"outline": first.get(part.name, ())}) for part in words.parts)
    return words.model_copy(update={"parts": parts, "reference": reference, "further_references": further})


def _outlines(parts: NDArray[np.uint8], names: Mapping[int, str]) -> dict[str, Outline]:
    drawn = {name: outlines_of(parts == value, tolerance=1, smallest=9) for value, name in names.items()}
    return {name: shapes for name, shapes in drawn.items() if shapes}


def _parts(sample: Sample) -> NDArray[np.uint8]:
    found = images.load_picture(sample).parts
    assert found is not None
    return found


def _lines(file: Path) -> list[dict[str, str]]:
    import json

    return [json.loads(line) for line in file.read_text().splitlines()]
