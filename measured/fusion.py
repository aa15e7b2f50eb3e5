"""`python -m measured fusion [--model winter] [--seed S] [--seeds N] [--again ROW]`: colours, depth, ways to join them.

Every method is fitted to the good pictures of a zone of the *synthetic* tyre line and judges its test pictures
(`measured.fusion_sets`); a zone is a product. A seed draws another set of tyres and seeds the methods. Printed is the
mean over seeds of the mean over zones, with the 95 % interval of Student's t over seeds. What was measured is kept
beside each set and not measured again; `--again` names rows that are. Choices were made on the tyre model `sport`. The
encoder sees each picture once for all methods: milliseconds are processor time on one thread, with the encoder's own
time where a method looks at colours.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Iterator, Mapping, Sequence
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
from specsight.metrics.student import half_width
from specsight.records import Picture, Sample
from specsight.report.export import Table, markdown
from specsight.specification import load_specification
from specsight.storage import write_json

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
Numbers = dict[str, float | None]
"""Column → number, of one row, zone and seed; None where the method refuses."""
Found = dict[tuple[str, int], dict[str, Numbers]]
"""Product and seed → row → numbers."""


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
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--again", help="measure rows whose name contains this again")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    found: Found = {}
    for seed in range(given.seed, given.seed + given.seeds):
        data = fusion_set(given.out / f"fusion-{given.model}-{seed}", given.model, seed)
        for product, samples in _products(data).items():
            print(product, f"seed {seed}", flush=True)
            kept = data / f"numbers-{product.replace(' ', '-')}.json"
            known: dict[str, Numbers] = json.loads(kept.read_text()) if kept.is_file() else {}
            rows = [row for row in METHODS if given.only in row]
            again = [row for row in rows if given.again is not None and given.again in row]
            todo = [row for row in rows if row not in known or row in again]
            for row, numbers in _measured(todo, samples, data, seed, given.out / "fusion-features"):
                known[row] = numbers
                write_json(kept, known)
                print(
                    row, {column: value and round(value, 3) for column, value in numbers.items()}, flush=True
                )
            found[product, seed] = {row: known[row] for row in rows}
        print(markdown(_table(found), marked=True), flush=True)
    print(markdown(_by_zone(found), marked=True), flush=True)
    return 0


def _products(data: Path) -> dict[str, list[Sample]]:
    products: dict[str, list[Sample]] = {}
    for sample in load_dataset(data).samples:
        products.setdefault(sample.product, []).append(sample)
    return dict(sorted(products.items()))


def _zone(own: Sequence[Sample]) -> Zone:
    tested = [sample for sample in own if sample.split == "test"]
    pictures = [images.load_picture(sample) for sample in tested]
    return Zone(
        [sample for sample in own if sample.split == "train"],
        pictures,
        np.array([sample.label == "defective" for sample in tested]),
        [seen_in(sample.conditions) for sample in tested],
        [images.anomaly_mask(sample, picture.size) for sample, picture in zip(tested, pictures)],
    )


def _measured(
    rows: Sequence[str], samples: Sequence[Sample], data: Path, seed: int, features: Path
) -> Iterator[tuple[str, Numbers]]:
    if not rows:
        return
    zone = _zone(samples)
    encoder = CachedEncoder(load_encoder("bundled"), features)
    encoder_ms = _encoder_ms(encoder, zone.pictures[0])
    fitted: dict[str, Detector] = {}
    for row in rows:
        name, rule = METHODS[row]
        if name not in fitted:
            parameters: dict[str, Any] = {"rule": "ocsvm"} if rule else {}
            detector = create_detector(name, encoder=encoder, resolution=RESOLUTION, seed=seed, **parameters)
            words = load_specification(data / "specification.yaml") if detector.needs.text else None
            fitted[name] = detector.fit(zone.learned, words)
        # The same memories serve every rule: one that also learned the weights of the SVM.
        detector = copy.copy(fitted[name])
        if rule:
            detector.rule = rule  # type: ignore[attr-defined]
        yield row, _numbers(detector, zone, encoder_ms)


def _numbers(detector: Detector, zone: Zone, encoder_ms: float) -> Numbers:
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


def _without_depth(detector: Detector, zone: Zone) -> float | None:
    """Image AUROC of a detector that was fitted with depth, on pictures that have none; None where it refuses."""
    if detector.needs.depth:
        return None
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


def _table(found: Found) -> Table:
    rows = []
    seeds = sorted({seed for _, seed in found})
    for row in next(iter(found.values())):
        cells = []
        for column in next(iter(found.values()))[row]:
            means = [_mean(found, row, column, seed) for seed in seeds]
            cells.append(_cell(means, whole=column == "ms"))
        rows.append([row, *cells])
    return Table(HEADER, rows, words=len(HEADER))


def _by_zone(found: Found) -> Table:
    """Image AUROC of each zone, mean over seeds."""
    products = sorted({product for product, _ in found})
    rows = [
        [
            row,
            *(
                f"{np.mean([numbers[row]['image'] for (own, _), numbers in found.items() if own == product]):.3f}"
                for product in products
            ),
        ]
        for row in next(iter(found.values()))
    ]
    return Table(("image AUROC", *products), rows, words=1 + len(products))


def _mean(found: Found, row: str, column: str, seed: int) -> float | None:
    """Over zones; None where the method refuses."""
    values = [numbers[row][column] for (_, own), numbers in found.items() if own == seed]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _cell(means: Sequence[float | None], whole: bool = False) -> str:
    """The mean and half of its 95 % interval by Student's t; of one seed the mean alone."""
    known = [mean for mean in means if mean is not None]
    if not known:
        return "refuses"
    if whole or len(known) < 2:
        return f"{np.mean(known):.0f}" if whole else f"{np.mean(known):.3f}"
    return f"{np.mean(known):.3f} ± {half_width(known):.3f}"
