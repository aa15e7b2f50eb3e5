"""A run folder as an evaluation leaves it, from drawn parts and drawn maps: pictures, masks, predictions, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from specsight import explain, findings
from specsight.calibration import calibrate
from specsight.decision import decide
from specsight.records import Defect, Inspection, Judgement, Sample
from specsight.runs.fit import Fit
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import SkippedPicture, predict

NASTY = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
TYPES = ("scratch", "contamination")


def draw_part(
    rng: np.random.Generator, size: tuple[int, int], defect: str | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """A grey ribbed part, (H, W, 3), and the mask of its defect."""
    height, width = size
    ys, xs = np.mgrid[:height, :width]
    grey = 120 + 25 * np.sin(xs / 9) + 15 * np.sin(ys / 31) + rng.normal(0, 5, size)
    mask = np.zeros(size, np.uint8)
    margin = min(size) // 5
    centre = (int(rng.integers(margin, width - margin)), int(rng.integers(margin, height - margin)))
    if defect == "scratch":
        end = (centre[0] + int(rng.integers(-margin, margin)), centre[1] + margin)
        cv2.line(mask, centre, end, 1, 3)
        grey = np.where(mask > 0, grey + 70, grey)
    elif defect == "contamination":
        cv2.ellipse(mask, centre, (margin // 2, margin // 3), float(rng.uniform(0, 180)), 0, 360, 1, -1)
        grey = np.where(mask > 0, 0.45 * grey, grey)
    rgb = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return rgb, mask > 0


def make_dataset(
    root: Path, product: str = "plate", *, train: int = 14, good: int = 6, defective: int = 8, size: int = 64
) -> Path:
    """A small product in the layout of MVTec AD; returns its folder."""
    rng = np.random.default_rng(abs(hash_of(product)))
    folder = root / product
    for split, type_, count in (
        ("train", None, train),
        ("test", None, good),
        *(("test", t, defective // 2) for t in TYPES),
    ):
        for i in range(count):
            rgb, mask = draw_part(rng, (size, size), type_)
            picture = folder / split / (type_ or "good") / f"{i:03d}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(picture), rgb)
            if type_:
                truth = folder / "ground_truth" / type_ / f"{i:03d}_mask.png"
                truth.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(truth), 255 * mask.astype(np.uint8))
    return folder


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return sum(ord(c) * 31**i for i, c in enumerate(text)) % 2**31


def draw_map(
    rng: np.random.Generator, mask: npt.NDArray[np.bool_], strength: float
) -> npt.NDArray[np.float32]:
    """A smooth map that rises over the mask."""
    height, width = mask.shape
    coarse = cv2.resize(
        mask.astype(np.float32), (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA
    )
    coarse = 0.9 + strength * cv2.GaussianBlur(coarse, (0, 0), 1.2) + rng.normal(0, 0.09, coarse.shape)
    return cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def make_run(
    path: Path,
    *,
    sizes: Sequence[tuple[int, int]] = ((120, 120),),
    good: int = 6,
    defective: int = 6,
    kind: str = "evaluation",
    names: Sequence[str] = (),
    calibrated: bool = True,
    skipped: Sequence[SkippedPicture] = (),
    metrics: dict[str, Any] | None = None,
) -> Path:
    """Write the folder `path / "run"` (pictures in `path / "data"`) and return it."""
    rng = np.random.default_rng(7)
    data, run = path / "data", RunFolder(path / "run")
    data.mkdir(parents=True)
    run.path.mkdir()
    run.claim({"kind": kind, "name": "drawn parts", "data": str(data), "detector": "patchcore"})
    held = [draw_map(rng, np.zeros(sizes[0], bool), 0) for _ in range(20)]
    calibration = calibrate([(float(m.max()), m) for m in held], 0.05, 0.95) if calibrated else None
    for i in range(good + defective):
        name = names[i] if i < len(names) else f"test/part {i:03d}"
        type_ = None if i < good else TYPES[i % len(TYPES)]
        rgb, mask = draw_part(rng, sizes[i % len(sizes)], type_)
        cv2.imwrite(str(data / f"{i}.png"), rgb[..., ::-1])
        cv2.imwrite(str(data / f"{i}_mask.png"), 255 * mask.astype(np.uint8))
        defects = (Defect(type_, mask=data / f"{i}_mask.png"),) if type_ else ()
        label = "defective" if type_ else "good"
        known = kind == "evaluation"
        sample = Sample(
            id=name,
            image=data / f"{i}.png",
            product="drawn",
            label=label if known else "unknown",  # type: ignore[arg-type]
            defects=defects if known else (),
        )
        map_ = draw_map(rng, mask, float(rng.choice([0.35, 1.5, 2.5])))
        judgement = Judgement(score=float(map_.max()), map=map_)
        found = findings.find(judgement, calibration) if calibration else ()
        decision = decide(judgement, found, calibration)
        seconds = {"read": 0.006, "look": 0.05, "judge": 0.021, "find": 0.004}
        inspection = Inspection(
            sample.id,
            str(sample.image),
            "drawn",
            judgement.score,
            decision,
            found,
            explain.state(decision),
            seconds,
            map_,
        )
        run.add(predict(sample, inspection, 0, data), map_)
    for picture in skipped:
        run.skip(picture)
    fit = Fit(
        detector="patchcore",
        resolution=320,
        encoder="filters",
        fingerprint="3f2a9c1e",
        calibration=calibration,
        seconds=12.5,
        learned=80,
        held_out=20,
    )
    run.add_fit(0, fit)
    run.write_environment(
        {
            "specsight": "0.1.0",
            "python": "3.11",
            "libraries": {"numpy": "2.0"},
            "cpu": "Example CPU",
            "threads": 2,
        }
    )
    run.write_metrics(METRICS_EXAMPLE if metrics is None else metrics)
    if kind == "evaluation":
        fpr = np.linspace(0, 1, 60)
        curves = {
            "roc": {"fpr": fpr.tolist(), "tpr": (fpr**0.1).tolist()},
            "pro": {"fpr": fpr.tolist(), "pro": (fpr**0.06).tolist()},
        }
        run.write_curves({0: curves})
    return run.path


def metric(
    value: float | None, low: float | None = None, high: float | None = None, **more: Any
) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n_seeds": 1, **more}


PROTOCOL = {
    "line": "patchcore, encoder filters (3f2a9c1e), full shot, 320 px, seed 0, drawn parts: 80 good to learn from, "
    "20 held out, 24 to test; threshold from held-out good parts; nothing tuned on test data",
    "intervals": "95 % bootstrap over pictures, 1000 resamples.",
    "seeds": [0],
    "synthetic": True,
    "details": {"Detector": "patchcore", "Encoder": "filters (3f2a9c1e)", "Shots": "all", "Held out": 20},
}
METRICS_EXAMPLE: dict[str, Any] = {
    "image_auroc": metric(0.9712, 0.941, 0.993),
    "image_ap": metric(0.968, 0.93, 0.99),
    "image_f1_max": metric(0.945, 0.91, 0.98, oracle=True),
    "detection_rate": metric(0.75, 0.6, 0.9),
    "false_reject_rate": metric(0.0833, 0.0, 0.2),
    "pixel_auroc": metric(0.984, 0.97, 0.99),
    "pixel_ap": metric(0.71, 0.6, 0.8),
    "aupro_30": metric(0.932, 0.9, 0.95),
    "aupro_05": metric(0.78, 0.7, 0.82),
    "aupimo": metric(None, reason="fewer than a million defect-free pixels"),
    "iou": metric(0.55, 0.5, 0.6),
    "iou_good": metric(0.92, 0.8, 1.0),
    "per_type": {
        "contamination": {
            "support": 6,
            "image_auroc": metric(0.98),
            "right_verdicts": 0.8,
            "aupro_30": metric(0.95),
        },
        "scratch": {
            "support": 6,
            "image_auroc": metric(0.95),
            "right_verdicts": 0.7,
            "aupro_30": metric(0.91),
        },
    },
    "protocol": PROTOCOL,
    "seconds": {
        "fit": 12.5,
        **{s: {"median": 0.02, "total": 0.5} for s in ("read", "look", "judge", "find")},
    },
    "peak_mb": 812.0,
}
