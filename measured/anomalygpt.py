"""`python -m measured anomalygpt`: a language model that reads a map, on synthetic tyres, with and without good parts.

Each picture is looked at once and judged with every number of good parts. Beside AUROC of pictures and pixels stands
how often "Is anything wrong with the product?" is answered rightly: from the map, from an even map in its place, and
from one that shows the true mask. The second and third say how far the answer follows the map.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measured.command import specsight
from measured.rows import ROOT
from specsight.calibration import ThresholdConfig
from specsight.datasets import load_dataset
from specsight.detectors import View
from specsight.detectors.anomalygpt import AnomalyGpt
from specsight.evaluation.splits import Split, few_shots, split
from specsight.images import Cells, anomaly_mask, load_picture
from specsight.metrics import image_auroc
from specsight.metrics.pixel import pixel_metrics
from specsight.report.export import Table, markdown
from specsight.specification import Specification, load_specification

RESOLUTION = 256
LOW, HIGH = -4.0, 4.0
"""Logits of an even map, and of the true mask on it."""
COLUMNS = ("image AUROC", "pixel AUROC", "yes or no", "even map", "true mask")


def main(arguments: Sequence[str]) -> int:
    """Measure, print a Markdown table, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m measured anomalygpt", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured", help="where tyres lie")
    parser.add_argument("--model", default="winter", help="tyre model")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=11, help="of the pictures; good parts are drawn by 0")
    parser.add_argument("--shots", default="0,4")
    parser.add_argument("--language-model", default="bundled")
    given = parser.parse_args(arguments)
    tyres = given.out / given.model
    if not (tyres / "specification.yaml").is_file():
        made = ("--model", given.model, "--seed", str(given.seed), "--count", str(given.count))
        specsight("tyres", *made, "--out", str(tyres))
    specification = load_specification(tyres / "specification.yaml")
    samples = load_dataset(tyres / "manifest.jsonl").samples
    shots = [int(count) for count in given.shots.split(",")]
    measured = [
        measure(split(own, tyres, needs_good=False), specification, shots, given.language_model)
        for product in sorted({sample.product for sample in samples})
        if (own := [sample for sample in samples if sample.product == product])
    ]
    rows = [
        (str(count), *(f"{value:.3f}" for value in np.mean([one[k] for one in measured], axis=0)))
        for k, count in enumerate(shots)
    ]
    print(markdown(Table(("good parts", *COLUMNS), tuple(rows))))
    return 0


def measure(
    product: Split, specification: Specification, shots: Sequence[int], language_model: str
) -> NDArray[np.float64]:
    """Numbers of one product, a row per number of good parts and a column for each of `COLUMNS`."""
    fitted = []
    for count in shots:
        learned, _ = few_shots(product, count, threshold=ThresholdConfig(), seed=0)
        detector = AnomalyGpt(encoder="bundled", resolution=RESOLUTION, language_model=language_model)
        fitted.append(detector.fit(learned, specification))
    truths = [sample.label == "defective" for sample in product.test]
    found: list[list[Any]] = [[] for _ in shots]
    masks = []
    for sample in product.test:
        picture = load_picture(sample)
        mask = anomaly_mask(sample, picture.rgb.shape[:2])
        masks.append(mask)
        (view,) = fitted[0].look([picture])
        for detector, own in zip(fitted, found):
            own.append(_of_picture(detector, view, mask, specification.product))
    return np.array([_numbers(own, truths, masks) for own in found])


def _of_picture(detector: AnomalyGpt, view: View, mask: NDArray[np.bool_], product: str) -> tuple[Any, ...]:
    """Score, map, and the logit of "Yes" from the map, from an even one and from the mask."""
    judgement, logits = detector.judge(view), detector.map_of(view)
    cells = view.cells[detector.pointer.description.layers[0]]
    true = np.where(_on_cells(mask, cells), np.float32(HIGH), np.float32(LOW))
    shown = (logits, np.full_like(logits, LOW), true)
    yes = [detector.pointer.wrong(detector.asked(view, one), product) for one in shown]
    return judgement.score, judgement.map, *yes


def _on_cells(mask: NDArray[np.bool_], cells: Cells) -> NDArray[np.bool_]:
    """Cells (h, w) of a grid over a whole square picture that a mask touches."""
    rows, columns = np.nonzero(mask)
    found = np.zeros(cells.size, bool)
    found[
        np.minimum(rows * cells.size[0] // mask.shape[0], cells.size[0] - 1),
        np.minimum(columns * cells.size[1] // mask.shape[1], cells.size[1] - 1),
    ] = True
    return found


def _numbers(
    own: Sequence[tuple[Any, ...]], truths: Sequence[bool], masks: Sequence[NDArray[np.bool_]]
) -> list[float]:
    scores, maps, *yes = zip(*own)
    right = [float(np.mean([(odds > 0) == truth for odds, truth in zip(one, truths)])) for one in yes]
    return [
        image_auroc(np.array(truths), np.array(scores)),
        pixel_metrics(maps, masks).auroc,
        *right,
    ]
