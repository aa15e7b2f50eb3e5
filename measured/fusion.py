"""`python -m measured fusion [--model winter] [--seed S] [--seeds N]`: colours, depth, and ways to join them.

Every method is fitted to the good pictures of a zone of the *synthetic* tyre line and judges its test pictures
(`measured.fusion_sets`); a zone is a product. Printed is the mean over zones and seeds, ± the standard deviation over
them. A seed draws another set of tyres and seeds the methods. Choices were made on the tyre model `sport`. The encoder
sees each picture once for all methods: milliseconds are processor time on one thread, with the encoder's own time
where a method looks at colours.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measured.fusion_sets import fusion_set
from measured.rows import ROOT
from specsight import images, metrics
from specsight.datasets import load_dataset
from specsight.detectors import Detector, create_detector
from specsight.detectors.depth.late_fusion import RULES
from specsight.encoders import load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.evaluation.modality_numbers import ALONE, seen_in
from specsight.records import Picture, Sample
from specsight.report.export import Table, markdown
from specsight.specification import load_specification

RESOLUTION = 256
METHODS: Mapping[str, tuple[str, str]] = {
    "colours alone": ("patchcore", ""),
    "depth alone": ("depth_patchcore", ""),
    "BTF": ("btf", ""),
    "M3DM-like": ("m3dm", ""),
    "CFM": ("cfm", ""),
    **{f"late, {rule}": ("late_fusion", rule) for rule in RULES},
    "fusion": ("fusion", ""),
}
"""Row → detector and its rule."""
HEADER = (
    *(
        "method",
        "image AUROC",
        "pixel AUROC",
        "AUPRO@0.3",
        "image AUROC, depth alone",
        "image AUROC, colours alone",
    ),
    *("without depth: image AUROC", "ms a picture"),
)
Numbers = dict[str, list[float]]


@dataclass
class Zone:
    """What a zone's pictures are, with their truth."""

    learned: list[Sample]
    pictures: list[Picture]
    defective: NDArray[np.bool_]
    where: list[str | None]
    """Modality that a defective picture's defects show in alone."""
    masks: list[NDArray[np.bool_]] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        prog="python -m measured fusion", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--model", default="winter")
    parser.add_argument("--seed", type=int, default=6, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured")
    parser.add_argument("--only", help="rows whose name contains this")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Numbers] = {}
    for seed in range(given.seed, given.seed + given.seeds):
        data = fusion_set(given.out / f"fusion-{given.model}-{seed}", given.model, seed)
        for product, zone in _zones(data).items():
            print(product, f"seed {seed}", flush=True)
            _measure_zone(zone, data, seed, given.only or "", given.out / "fusion-features", found)
            print(markdown(_table(found), marked=True), flush=True)
    return 0


def _zones(data: Path) -> dict[str, Zone]:
    samples = load_dataset(data).samples
    zones = {}
    for product in sorted({sample.product for sample in samples}):
        own = [sample for sample in samples if sample.product == product]
        tested = [sample for sample in own if sample.split == "test"]
        pictures = [images.load_picture(sample) for sample in tested]
        zones[product] = Zone(
            [sample for sample in own if sample.split == "train"],
            pictures,
            np.array([sample.label == "defective" for sample in tested]),
            [seen_in(sample.conditions) for sample in tested],
            [images.anomaly_mask(sample, picture.size) for sample, picture in zip(tested, pictures)],
        )
    return zones


def _measure_zone(
    zone: Zone, data: Path, seed: int, only: str, features: Path, found: dict[str, Numbers]
) -> None:
    encoder = CachedEncoder(load_encoder("bundled"), features)
    encoder_ms = _encoder_ms(encoder, zone.pictures[0])
    fitted: dict[str, Detector] = {}
    for row, (name, rule) in METHODS.items():
        if only not in row:
            continue
        if name not in fitted:
            parameters: dict[str, Any] = {"rule": "ocsvm"} if rule else {}
            detector = create_detector(name, encoder=encoder, resolution=RESOLUTION, seed=seed, **parameters)
            words = load_specification(data / "specification.yaml") if detector.needs.text else None
            fitted[name] = detector.fit(zone.learned, words)
        # The same memories serve every rule: one that also learned the weights of the SVM.
        detector = copy.copy(fitted[name])
        if rule:
            detector.rule = rule  # type: ignore[attr-defined]
        for column, value in _numbers(detector, zone, encoder_ms).items():
            found.setdefault(row, {}).setdefault(column, []).append(value)
        print(row, {column: round(values[-1], 3) for column, values in found[row].items()}, flush=True)


def _numbers(detector: Detector, zone: Zone, encoder_ms: float) -> dict[str, float]:
    detector.look(zone.pictures[:1])
    judgements, began = [], time.process_time()
    for picture in zone.pictures:
        judgements.append(detector.judge(detector.look([picture])[0]))
    own_ms = 1000 * (time.process_time() - began) / len(zone.pictures)
    scores = np.array([judgement.score for judgement in judgements])
    pixels = metrics.pixel_metrics([judgement.map for judgement in judgements], zone.masks)
    alone = {
        f"alone in {modality}": _auroc(zone, scores, [where == modality for where in zone.where])
        for modality in ALONE
    }
    return {
        "image": metrics.image_auroc(zone.defective, scores),
        "pixel": pixels.auroc,
        "aupro": pixels.aupro[0.3],
        **alone,
        "without depth": _without_depth(detector, zone),
        "ms": own_ms + (0 if detector.name == "depth_patchcore" else encoder_ms),
    }


def _without_depth(detector: Detector, zone: Zone) -> float:
    """Image AUROC of a detector that was fitted with depth, on pictures that have none; nan where it refuses."""
    if detector.needs.depth:
        return float("nan")
    scores = [
        detector.judge(detector.look([replace(picture, depth=None)])[0]).score for picture in zone.pictures
    ]
    return metrics.image_auroc(zone.defective, np.array(scores))


def _auroc(zone: Zone, scores: NDArray[np.float64], chosen: Sequence[bool]) -> float:
    """Of these defective pictures against every good one."""
    counted = ~zone.defective | np.array(chosen)
    return metrics.image_auroc(zone.defective[counted], scores[counted])


def _encoder_ms(encoder: CachedEncoder, picture: Picture) -> float:
    """Processor time of the encoder behind the cache on one picture, median of five."""
    bare, spent = load_encoder("bundled"), []
    pixels, _ = images.shorter_side(picture.rgb, RESOLUTION, bare.multiple)
    for _ in range(5):
        began = time.process_time()
        bare.layers(pixels[None], encoder.default_layers)
        spent.append(1000 * (time.process_time() - began))
    return float(np.median(spent))


def _table(found: Mapping[str, Numbers]) -> Table:
    rows = []
    for row, numbers in found.items():
        cells = [_cell(values) for column, values in numbers.items() if column != "ms"]
        rows.append([row, *cells, f"{np.mean(numbers['ms']):.0f}"])
    return Table(HEADER, rows, words=len(HEADER))


def _cell(values: Sequence[float]) -> str:
    if np.isnan(values).all():
        return "refuses"
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"
