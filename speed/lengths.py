"""How long findings are against the defects that they lie on: synthetic tyres, and MVTec AD's bottle where it lies.

The level at which a region ends (`findings.EDGE`) was chosen on touring tyres (docs/evaluation.md).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
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
HELD_OUT = 59
COUNT = 480
SEED = 31
BOTTLE = Path("../shared/data/mvtec_ad/bottle")
LOW, HIGH = 0.9, 1.1


def run() -> list[Row]:
    """One row a set and detector, with the bundled encoder."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="specsight-lengths-") as folder:
        sets: list[tuple[str, Path, Path]] = []
        for model in ("touring", "winter"):
            made = generate(Path(folder, model), count=COUNT, seed=SEED, model=model)
            sets.append((f"synthetic {model}", made.folder, made.specification))
        if BOTTLE.is_dir():
            sets.append(("bottle", BOTTLE, Path("examples/bottle.yaml")))
        for name, data, specification in sets:
            for detector in DETECTORS:
                rows.append(_row(f"{name}, {detector}", _ratios(data, specification, detector)))
    return rows


def _row(what: str, ratios: NDArray[np.float64]) -> Row:
    aim = f"median {LOW:g} to {HIGH:g}"
    if not len(ratios):
        return Row(what, "no finding on one defect alone", aim)
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    measured = f"n {len(ratios)}, median {middle:.2f} (quartiles {low:.2f} to {high:.2f})"
    return Row(what, measured, aim, met=bool(LOW <= middle <= HIGH))


def _ratios(data: Path, specification: Path, detector: str) -> NDArray[np.float64]:
    samples = load_dataset(data).samples
    good = [s for s in samples if s.split == "train" and s.label == "good"]
    inspector = Inspector.fit(
        good, detector=detector, specification=specification, holdout=HELD_OUT, resolution=RESOLUTION
    )
    if inspector.calibration is None:
        return np.empty(0)
    return np.array(
        [
            ratio
            for sample in samples
            if sample.label == "defective"
            for ratio in _of_picture(sample, inspector, inspector.calibration)
        ]
    )


def _of_picture(sample: Sample, inspector: Inspector, calibration: Calibration) -> Iterator[float]:
    """Ratios of the regions that lie on one defect, which no other region touches."""
    map_ = inspector.detector.judge(inspector.look(sample).view).map
    labels = findings.regions(map_, calibration, sample.circular)
    masks = images.defect_masks(sample, map_.shape)
    for mask in masks:
        touching = np.unique(labels[mask])
        touching = touching[touching > 0]
        if len(touching) != 1:
            continue
        region = labels == touching[0]
        if sum(bool((other & region).any()) for other in masks) == 1:
            yield images.longest_extent(region) / images.longest_extent(mask)
