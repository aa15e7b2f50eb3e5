"""Maps and masks of judged pictures, from disk and one at a time, as the metrics want them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import findings, images
from specsight.calibration import Calibration
from specsight.metrics import PixelTruth, saturation_area
from specsight.progress import track
from specsight.records import Defect, Sample
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

Mask = NDArray[np.bool_]


def with_masks(predictions: Sequence[Prediction], data: Path) -> list[Prediction]:
    """Those whose true defect pixels are known."""
    return [p for p in predictions if images.masks_known(p.sample(data))]


def maps_with_truth(
    run: RunFolder, predictions: Sequence[Prediction], map_size: int | None
) -> Iterator[tuple[NDArray[np.float32], PixelTruth]]:
    """(map, truth) of each picture, at its own resolution or with the shorter side scaled to `map_size`."""
    data = run.data
    for prediction in track(predictions, "Reading maps"):
        map_ = run.map(prediction)
        masks = images.defect_masks(prediction.sample(data), prediction.size)
        if map_size is not None:
            map_, masks = _scaled(map_, masks, map_size)
        yield map_, pixel_truth(prediction.sample(data), masks, map_.shape)


def pixel_truth(sample: Sample, masks: Sequence[Mask], size: tuple[int, ...]) -> PixelTruth:
    """The truth about the pixels: `masks` are those of `sample.defects`, in their order, each (H, W)."""
    union = np.zeros(size, bool)
    types: dict[str, Mask] = {}
    for defect, mask in zip(sample.defects, masks, strict=True):
        union |= mask
        types[defect.type] = types.get(defect.type, False) | mask
    good = sample.label == "good"
    by_type = types if len(types) > 1 else {}
    if not any(d.saturation is not None for d in sample.defects):
        return PixelTruth(union, types=by_type, good=good)
    areas = [_saturation(d, m) for d, m in zip(sample.defects, masks)]
    return PixelTruth(union, regions=masks, saturations=areas, types=by_type, good=good)


def findings_with_truth(
    run: RunFolder, predictions: Sequence[Prediction], calibration: Calibration
) -> Iterator[tuple[Mask, Mask]]:
    """(true mask, mask of the findings) of each picture, both (H, W) at its own resolution."""
    data = run.data
    for prediction in track(predictions, "Comparing findings"):
        sample = prediction.sample(data)
        found = findings.segment(run.map(prediction), calibration, prediction.circular)
        yield images.anomaly_mask(sample, prediction.size), found


def _saturation(defect: Defect, mask: Mask) -> float:
    area = int(mask.sum())
    if defect.saturation is None:
        return float(max(area, 1))
    return saturation_area(area, defect.saturation, defect.relative_saturation)


def _scaled(
    map_: NDArray[np.float32], masks: Sequence[Mask], side: int
) -> tuple[NDArray[np.float32], list[Mask]]:
    """Map by area means or bilinearly, masks by nearest neighbour: scaled masks stay masks."""
    height, width = map_.shape
    scale = side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(map_, size, interpolation=how), dtype=np.float32)
    nearest = [cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for m in masks]
    return resized, nearest
