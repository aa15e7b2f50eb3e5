"""Which type is it, in the picture and in each pixel: the numbers of detectors that give a map per type.

In: finished predictions with their type maps in the run folder. Out: numbers over the whole set, numbers by type, and
the same over the pictures with several types alone, which are the hard ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import findings, images, metrics
from specsight.calibration import Calibration
from specsight.records import GOOD
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

Maps = Mapping[str, NDArray[np.float32]]
Masks = Mapping[str, NDArray[np.bool_]]
SEVERAL = "several_types"
"""Beginning of the names of numbers over pictures with two or more types."""


def measure_types(
    run: RunFolder, masked: Sequence[Prediction], calibration: Calibration | None
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """(numbers by name, columns by type) of pictures with known masks; both empty where there are no type maps.

    Pixels are measured at the resolution at which type maps are kept. A type that occurs nowhere in the truth, or
    that the detector has no map for, has no row.
    """
    kept = [p for p in masked if run.has_type_maps(p)]
    if not kept or len(kept) < len(masked) or not any(p.defects for p in kept):
        return {}, {}
    # Every pass reads and scales the maps again: one picture in memory, however large the set.
    known = list(run.type_maps(kept[0]))
    present = [t for t in known if any(t in p.types for p in kept)]
    columns: dict[str, dict[str, float]] = {t: {} for t in present}
    numbers: dict[str, float] = {}
    _add_pixels(numbers, columns, run, kept, present)
    scores = _image_scores(run, kept, known)
    _add_pictures(numbers, columns, kept, scores, calibration is not None)
    if calibration is not None and present:
        overlap = _overlap(run, kept, known, calibration)
        numbers["type_miou"], numbers["type_miou_with_good"] = overlap.miou_without_good, overlap.miou
        numbers["type_pixel_f1"] = overlap.macro_f1_without_good
        for type_ in present:
            columns[type_]["type_iou"] = overlap.iou.get(type_, np.nan)
    return numbers, columns


def _add_pixels(
    numbers: dict[str, float],
    columns: dict[str, dict[str, float]],
    run: RunFolder,
    kept: Sequence[Prediction],
    present: Sequence[str],
) -> None:
    """One type's map against its own mask; pixels of other types are negatives."""

    def pictures() -> Iterator[tuple[Maps, Masks]]:
        for prediction in kept:
            maps = run.type_maps(prediction)
            yield maps, _masks(run, prediction, next(iter(maps.values())).shape)

    found = metrics.one_vs_rest(present, pictures)
    for type_, (auroc, precision) in found.items():
        columns[type_] |= {"type_pixel_auroc": auroc, "type_pixel_ap": precision}
    if found:
        numbers["type_pixel_auroc"] = float(np.mean([auroc for auroc, _ in found.values()]))
        numbers["type_pixel_ap"] = float(np.mean([precision for _, precision in found.values()]))


def _add_pictures(
    numbers: dict[str, float],
    columns: dict[str, dict[str, float]],
    kept: Sequence[Prediction],
    scores: Mapping[str, NDArray[np.float64]],
    decided: bool,
) -> None:
    """Sets of types: ranked by the top of each type's map, and answered by the types of the findings."""
    answers = [{f.type for f in p.inspection.findings if f.type} for p in kept]
    several = np.array([len(set(p.types) - {GOOD}) > 1 for p in kept])
    for prefix, chosen in (("", list(range(len(kept)))), (f"{SEVERAL}_", np.flatnonzero(several).tolist())):
        if not chosen:
            continue
        sets = metrics.multi_label(
            [kept[i].types for i in chosen],
            [answers[i] for i in chosen],
            {type_: values[chosen] for type_, values in scores.items()},
        )
        numbers[f"{prefix}type_image_auroc"] = sets.macro_auroc
        numbers[f"{prefix}type_image_ap"] = sets.macro_average_precision
        if decided:
            numbers[f"{prefix}type_f1"] = sets.macro_f1
            numbers[f"{prefix}exact_set"] = sets.exact_set
        if not prefix:
            if decided:
                numbers["exact_set_without_good"] = sets.exact_set_without_good
            for type_, row in columns.items():
                row["type_image_auroc"] = sets.auroc.get(type_, np.nan)
                row["type_image_ap"] = sets.average_precision.get(type_, np.nan)
                if decided:
                    row["type_f1"] = sets.f1.get(type_, np.nan)
    numbers[f"{SEVERAL}_pictures"] = float(several.sum())


def _image_scores(
    run: RunFolder, kept: Sequence[Prediction], known: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Type → score of every picture: the mean of the highest thousandth of its map."""
    rows = []
    for prediction in kept:
        maps = run.type_maps(prediction)
        rows.append([metrics.top_share_mean(maps[type_]) for type_ in known])
    return dict(zip(known, np.array(rows, np.float64).T))


def _overlap(
    run: RunFolder, kept: Sequence[Prediction], known: Sequence[str], calibration: Calibration
) -> metrics.LabelOverlap:
    """The type of every pixel inside the findings against the truth."""
    names = [GOOD, *sorted({*known, *(t for p in kept for t in p.types if t != GOOD)})]
    truth, answered = [], []
    for prediction in kept:
        maps = run.type_maps(prediction)
        size = next(iter(maps.values())).shape
        labels = np.zeros(size, np.int64)
        for type_, mask in _masks(run, prediction, size).items():
            labels[mask] = names.index(type_)
        truth.append(labels.astype(np.uint8))
        found = _nearest(findings.segment(run.map(prediction), calibration, prediction.circular), size)
        above = {type_: calibration.above_good(type_, map_) for type_, map_ in maps.items()}
        answered.append(metrics.type_labels(above, found, names).astype(np.uint8))
    return metrics.label_overlap(truth, answered, names)


def _masks(run: RunFolder, prediction: Prediction, size: tuple[int, ...]) -> dict[str, NDArray[np.bool_]]:
    """Masks by type at the type maps' resolution."""
    sample = prediction.sample(run.data)
    result: dict[str, NDArray[np.bool_]] = {}
    for defect, mask in zip(sample.defects, images.defect_masks(sample, prediction.size)):
        scaled = _nearest(mask, size)
        result[defect.type] = result[defect.type] | scaled if defect.type in result else scaled
    return result


def _nearest(mask: NDArray[Any], size: tuple[int, ...]) -> NDArray[np.bool_]:
    scaled = cv2.resize(mask.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(scaled > 0)
