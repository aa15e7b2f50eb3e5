"""How long findings are against the defects that they lie on: synthetic tyres, and MVTec AD's bottle where it lies.

Each set is measured twice on the same maps: with the point spread that the model measured, and as for a model that
knows none. The shares in `findings` and `point_spread` were chosen on touring seed 41 (docs/evaluation.md).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight import findings, images
from specsight.calibration import Calibration
from specsight.datasets import load_dataset
from specsight.inspector import Inspector
from specsight.records import Sample
from specsight.synthetic.tyres import generate
from speed.rows import Row

TITLE = "length of findings / length of the defects they lie on"
DETECTORS = ("patchcore", "phrases")
RESOLUTION = 256
LEARNED, HELD_OUT = 120, 59
TYRES = (("touring", 41, 1000), ("touring", 42, 1000), ("winter", 31, 700))
"""Model, seed and number of pictures, of which a quarter shows defects."""
BOTTLE = Path("../shared/data/mvtec_ad/bottle")
CLASSES = (0, 16, 32, 64, np.inf)
"""Limits of the classes of defects by length, in pixels."""
LOW, HIGH = 0.9, 1.1
OFF = 1.25
"""A length is wrong where it is this many times too long or too short."""


@dataclass(frozen=True)
class Length:
    """Of one finding that lies on one defect which no other finding touches: longest extents in pixels."""

    defect: float
    finding: float
    overlap: float
    """Intersection over union."""


def run() -> list[Row]:
    """Rows of every set and detector, with the bundled encoder."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="specsight-lengths-") as folder:
        sets: list[tuple[str, Path, Path]] = []
        for model, seed, count in TYRES:
            made = generate(Path(folder, f"{model}-{seed}"), count=count, seed=seed, model=model)
            sets.append((f"synthetic {model} {seed}", made.folder, made.specification))
        if BOTTLE.is_dir():
            sets.append(("bottle", BOTTLE, Path("examples/bottle.yaml")))
        for name, data, specification in sets:
            for detector in DETECTORS:
                rows += rows_of(f"{name}, {detector}", data, specification, detector)
    return rows


def rows_of(what: str, data: Path, specification: Path, detector: str) -> list[Row]:
    """Two rows of one set and detector: without the point spread, and with it."""
    samples = load_dataset(data).samples
    good = [s for s in samples if s.split == "train" and s.label == "good"][: LEARNED + HELD_OUT]
    inspector = Inspector.fit(
        good, detector=detector, specification=specification, holdout=HELD_OUT, resolution=RESOLUTION
    )
    known = inspector.calibration
    if known is None or known.point_spread is None:
        return [Row(what, "the point spread could not be measured", f"median {LOW:g} to {HIGH:g}")]
    unknown = replace(known, point_spread=None)
    before, after = list[Length](), list[Length]()
    for sample in samples:
        if sample.label == "defective":
            map_ = inspector.detector.judge(inspector.look(sample).view).map
            before += _of_picture(sample, map_, unknown)
            after += _of_picture(sample, map_, known)
    return [_row(f"{what}, before", before), _row(f"{what}, {_spread(known)}", after)]


def _spread(calibration: Calibration) -> str:
    spread = calibration.point_spread
    return f"width {RESOLUTION * spread.width:.1f} px, edge {spread.edge:.2f}" if spread else ""


def _row(what: str, lengths: Sequence[Length]) -> Row:
    aim = f"median {LOW:g} to {HIGH:g}"
    if not lengths:
        return Row(what, "no finding on one defect alone", aim)
    true = np.array([one.defect for one in lengths])
    ratios = np.array([one.finding for one in lengths]) / true
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    classes = ", ".join(
        f"{np.median(ratios[chosen]):.2f} from {start:g} px (n {chosen.sum()})"
        for start, end in pairwise(CLASSES)
        if (chosen := (true >= start) & (true < end)).any()
    )
    wrong = np.mean(np.maximum(ratios, 1 / ratios) > OFF)
    overlap = np.mean([one.overlap for one in lengths])
    measured = f"n {len(ratios)}, median {middle:.2f} (quartiles {low:.2f} to {high:.2f}); {classes}; "
    measured += f"wrong by a quarter {100 * wrong:.0f} %, IoU {overlap:.2f}"
    return Row(what, measured, aim, met=bool(LOW <= middle <= HIGH))


def _of_picture(sample: Sample, map_: NDArray[np.float32], calibration: Calibration) -> Iterator[Length]:
    labels = findings.regions(map_, calibration, sample.circular)
    masks = images.defect_masks(sample, map_.shape)
    for mask in masks:
        touching = np.unique(labels[mask])
        touching = touching[touching > 0]
        if len(touching) != 1:
            continue
        region = labels == touching[0]
        if sum(bool((other & region).any()) for other in masks) == 1:
            overlap = float((region & mask).sum() / (region | mask).sum())
            yield Length(images.longest_extent(mask), images.longest_extent(region), overlap)
