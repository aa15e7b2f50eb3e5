"""What int8 costs in accuracy: the same PatchCore on the bundled encoder, judged by torch, by graphs and by int8.

Sport tyres (120 crops of 256 px of the sidewall, 120 of the tread, drawn anew) and, where it lies beside the project,
MVTec AD bottle, which is measured only. Fitted once at 256 px to the good training pictures; int8 takes its ranges from
up to 64 of them. Image AUROC, AUPRO (0.3) at the pictures' own size, verdicts that differ from torch's, and the largest
difference of scores, as a share of the largest score, and of maps, as a share of the largest value of the same map.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from specsight.datasets import load_dataset
from specsight.images import anomaly_mask
from specsight.inspector import Inspector
from specsight.inspector.exporting import export_model
from specsight.metrics import image_auroc
from specsight.metrics.pixel import pixel_metrics
from specsight.records import Inspection, Sample
from specsight.synthetic.tyres import generate
from speed import SHARED
from speed.rows import Row

TITLE = "graphs and int8 against torch: accuracy of PatchCore on the bundled encoder"
COUNT, TOLERANCE = 240, 1e-3
EXPORTS = ("onnx", "openvino", "onnx int8", "openvino int8")


def run() -> list[Row]:
    """Rows for sport tyres by zone and, where it is there, for bottle."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for zone in ("sidewall", "tread"):
            generate(place / zone, count=COUNT // 2, seed=11, model="sport", zones=(zone,), workers=1)
            rows += _compare(f"sport {zone}", place / zone, place / f"{zone} models")
        bottle = SHARED / "data" / "mvtec_ad" / "bottle"
        if bottle.is_dir():
            rows += _compare("bottle", bottle, place / "bottle models")
    return rows


def _compare(title: str, data: Path, models: Path) -> list[Row]:
    samples = load_dataset(data).samples
    good = [one for one in samples if one.label == "good" and one.split == "train"]
    test = [one for one in samples if one.split == "test"]
    Inspector.fit(good, resolution=256, types=False, device="cpu").save(models / "torch")
    expected = [Inspector.load(models / "torch", runtime="torch").inspect(one) for one in test]
    rows = [Row(f"{title}: torch", _accuracy(expected, test), "")]
    for name in EXPORTS:
        runtime, _, precision = name.partition(" ")
        export_model(models / "torch", runtime, models / name, bool(precision), data if precision else None)
        inspector = Inspector.load(models / name)
        found = [inspector.inspect(one) for one in test]
        scores, maps, verdicts = _differences(found, expected)
        rows.append(
            Row(
                f"{title}: {name}",
                f"{_accuracy(found, test)}, {verdicts} of {len(test)} verdicts differ",
                "" if precision else f"scores and maps ≤ {TOLERANCE:g}",
                f"scores {scores:.1e}, maps {maps:.1e}",
                None if precision else max(scores, maps) <= TOLERANCE and not verdicts,
            )
        )
    return rows


def _accuracy(found: Sequence[Inspection], test: Sequence[Sample]) -> str:
    maps = [np.asarray(one.map, np.float32) for one in found]
    auroc = image_auroc([one.label != "good" for one in test], [one.score for one in found])
    masks = [anomaly_mask(sample, (heat.shape[0], heat.shape[1])) for sample, heat in zip(test, maps)]
    return f"AUROC {auroc:.4f}, AUPRO {pixel_metrics(maps, masks).aupro[0.3]:.4f}"


def _differences(found: Sequence[Inspection], expected: Sequence[Inspection]) -> tuple[float, float, int]:
    pairs = list(zip(found, expected, strict=True))
    scores = max(abs(one.score - other.score) for one, other in pairs) / max(
        other.score for other in expected
    )
    maps = max(
        float(np.abs(np.asarray(one.map) - np.asarray(other.map)).max() / np.abs(np.asarray(other.map)).max())
        for one, other in pairs
    )
    return scores, maps, sum(one.decision.verdict != other.decision.verdict for one, other in pairs)
