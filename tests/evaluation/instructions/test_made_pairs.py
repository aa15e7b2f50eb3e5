"""A set without instructions is asked about itself: its pairs come from masks and found parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from specsight.evaluation import (
    DataConfig,
    DetectorConfig,
    EvaluationConfig,
    LearningConfig,
    MeasuringConfig,
    run_evaluation,
)
from specsight.evaluation.instructions.made_pairs import NOTE
from specsight.runs.folder import RunFolder

WORDS = """
product: plate
mm_per_px: 0.1
reference: {picture: data/train/good/00.png, size: [64, 64]}
parts:
- {name: left half, outline: [{polygon: [[0, 0], [32, 0], [32, 64], [0, 64]]}]}
- {name: right half, outline: [{polygon: [[32, 0], [64, 0], [64, 64], [32, 64]]}]}
defects: [{name: spot}, {name: scratch}]
"""


def write_plates(folder: Path) -> Path:
    """MVTec AD's layout; the halves differ in colour, and spots lie on the left one."""
    rng = np.random.default_rng(0)
    for split, kind, count in (("train", "good", 12), ("test", "good", 4), ("test", "spot", 4)):
        place = folder / split / kind
        place.mkdir(parents=True)
        for k in range(count):
            pixels = rng.integers(90, 110, (64, 64, 3)).astype(np.uint8)
            pixels[:, 32:, 0] += 80
            if kind == "spot":
                mask = np.zeros((64, 64), np.uint8)
                mask[20 + 4 * k : 30 + 4 * k, 8:18] = 255
                pixels[mask > 0] = 0
                masks = folder / "ground_truth" / kind
                masks.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).save(masks / f"{k:02d}_mask.png")
            Image.fromarray(pixels).save(place / f"{k:02d}.png")
    return folder


def test_pairs_are_made_of_masks_and_found_parts(tmp_path: Path) -> None:
    data = write_plates(tmp_path / "data")
    (tmp_path / "plate.yaml").write_text(WORDS)
    config = EvaluationConfig(
        DataConfig(data),
        DetectorConfig("patchcore", encoder="filters", resolution=64),
        LearningConfig(specification=tmp_path / "plate.yaml"),
        measuring=MeasuringConfig(resamples=20, instructions=True),
    )
    run = RunFolder(run_evaluation(config, tmp_path / "run").folder)
    scopes = [one for one in run.instructed(0) if one.kind == "scope"]
    assert {one.truth: one.clauses[0].parts for one in scopes} == {  # type: ignore[attr-defined]
        "reject": ("left half",),
        "accept": ("right half",),
    }
    assert len(scopes) == 2 * 4
    assert {one.kind for one in run.instructed(0)} == {"scope", "tolerance", "knowledge"}
    assert run.metrics()["pairs_scope_clauses"]["value"] == 1.0
    assert NOTE in str(run.metrics()["protocol"])
