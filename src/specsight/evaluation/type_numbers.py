"""Which type is it, in the picture and in each pixel: the numbers of detectors that give a map per type.

In: finished predictions with their type maps in the run folder. Out: numbers over all pictures, numbers by type, and
the same over the pictures with several types alone, which are the hard ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight import findings, images, metrics
from specsight.calibration import Calibration
from specsight.evaluation import truth
from specsight.metrics import regions
from specsight.metrics.told import SEVERAL
from specsight.records import GOOD
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

Maps = Mapping[str, NDArray[np.float32]]
Masks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class TypeNumbers:
    """Numbers by name, and `columns[type][name]` by type; both empty where there are no type maps."""

    values: dict[str, float] = field(default_factory=dict)
    columns: dict[str, dict[str, float]] = field(default_factory=dict)

    def __or__(self, other: TypeNumbers) -> TypeNumbers:
        """Those of both."""
        types = [*self.columns, *(t for t in other.columns if t not in self.columns)]
        return TypeNumbers(
            self.values | other.values,
            {t: self.columns.get(t, {}) | other.columns.get(t, {}) for t in types},
        )


def type_numbers(
    run: RunFolder,
    labelled: Sequence[Prediction],
    masked: Sequence[Prediction],
    calibration: Calibration | None,
) -> TypeNumbers:
    """Numbers about the pictures `labelled`, and about the pixels of those with known masks, `masked`.

    Empty where not every picture has type maps, or none of `masked` shows a defect. Pixels are measured at the
    resolution at which type maps are written. A type that occurs nowhere in the truth, or that the detector has no map
    for, has no row.
    """
    mapped = [p for p in labelled if run.has_type_maps(p)]
    if not mapped or len(mapped) < len(labelled) or not any(p.defects for p in masked):
        return TypeNumbers()
    # Every pass reads and scales the maps again: one picture in memory, however large the set.
    types = list(run.type_maps(mapped[0]))
    present = [t for t in types if any(t in p.types for p in mapped)]
    numbers = TypeNumbers(columns={t: {} for t in present}) | _of_pixels(run, masked, present)
    numbers |= _of_pictures(mapped, _image_scores(run, mapped, types), present, calibration is not None)
    if calibration is None or not present:
        return numbers
    overlap = _overlap(run, masked, types, calibration)
    return numbers | TypeNumbers(
        {
            "type_miou": overlap.miou_without_good,
            "type_miou_with_good": overlap.miou,
            "type_pixel_f1": overlap.macro_f1_without_good,
        },
        {t: {"type_iou": overlap.iou.get(t, np.nan)} for t in present},
    )


def _of_pixels(run: RunFolder, masked: Sequence[Prediction], present: Sequence[str]) -> TypeNumbers:
    """One type's map against its own mask; pixels of other types are negatives."""

    def pictures() -> Iterator[tuple[Maps, Masks]]:
        for prediction in masked:
            maps = run.type_maps(prediction)
            yield maps, _masks(run, prediction, next(iter(maps.values())).shape)

    found = metrics.one_vs_rest(present, pictures)
    if not found:
        return TypeNumbers()
    return TypeNumbers(
        {
            "type_pixel_auroc": float(np.mean([auroc for auroc, _ in found.values()])),
            "type_pixel_ap": float(np.mean([ap for _, ap in found.values()])),
        },
        {t: {"type_pixel_auroc": auroc, "type_pixel_ap": ap} for t, (auroc, ap) in found.items()},
    )


def _of_pictures(
    mapped: Sequence[Prediction],
    scores: Mapping[str, NDArray[np.float64]],
    present: Sequence[str],
    decided: bool,
) -> TypeNumbers:
    """Sets of types: ranked by the top of each type's map, and answered by the types of the findings."""
    answers = [{f.type for f in p.inspection.findings if f.type} for p in mapped]

    def sets_of(chosen: Sequence[int]) -> metrics.MultiLabel:
        return metrics.multi_label(
            [mapped[i].types for i in chosen],
            [answers[i] for i in chosen],
            {type_: values[list(chosen)] for type_, values in scores.items()},
        )

    sets = sets_of(range(len(mapped)))
    values = _set_values(sets, decided)
    if decided:
        values["exact_set_without_good"] = sets.exact_set_without_good
    several = [i for i, p in enumerate(mapped) if len(set(p.types) - {GOOD}) > 1]
    if several:
        # How their sets were answered is `named_sets`'.
        values |= {f"{SEVERAL}_{name}": value for name, value in _set_values(sets_of(several), False).items()}
    values[f"{SEVERAL}_pictures"] = float(len(several))
    by_name = {"type_image_auroc": sets.auroc, "type_image_ap": sets.average_precision}
    if decided:
        by_name["type_f1"] = sets.f1
    columns = {t: {name: by_type.get(t, np.nan) for name, by_type in by_name.items()} for t in present}
    return TypeNumbers(values, columns)


def _set_values(sets: metrics.MultiLabel, decided: bool) -> dict[str, float]:
    values = {"type_image_auroc": sets.macro_auroc, "type_image_ap": sets.macro_average_precision}
    if decided:
        values |= {
            "type_f1": sets.macro_f1,
            "type_f1_micro": sets.micro_f1,
            "exact_set": sets.exact_set,
        }
    return values


def _image_scores(
    run: RunFolder, mapped: Sequence[Prediction], types: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Type → score of every picture: the mean of the highest thousandth of its map."""
    rows = []
    for prediction in mapped:
        maps = run.type_maps(prediction)
        rows.append([metrics.top_share_mean(maps[type_]) for type_ in types])
    return dict(zip(types, np.array(rows, np.float64).T))


def _overlap(
    run: RunFolder, masked: Sequence[Prediction], types: Sequence[str], calibration: Calibration
) -> metrics.LabelOverlap:
    """The type of every pixel inside the findings against the truth."""
    names = [GOOD, *sorted({*types, *(t for p in masked for t in p.types if t != GOOD)})]
    true_labels, answered = [], []
    for prediction in masked:
        maps = run.type_maps(prediction)
        size = next(iter(maps.values())).shape
        labels = np.zeros(size, np.uint8)
        for type_, mask in _masks(run, prediction, size).items():
            labels[mask] = names.index(type_)
        true_labels.append(labels)
        segments = findings.segment(run.map(prediction), calibration, prediction.circular)
        above = {type_: calibration.above_good(type_, map_) for type_, map_ in maps.items()}
        answered.append(metrics.type_labels(above, _scaled(segments, size), names).astype(np.uint8))
    return metrics.label_overlap(true_labels, answered, names)


def _masks(run: RunFolder, prediction: Prediction, size: tuple[int, ...]) -> dict[str, NDArray[np.bool_]]:
    """Masks by type at the type maps' resolution."""
    sample = prediction.sample(run.data)
    masks = truth.masks_by_type(sample, images.defect_masks(sample, prediction.size))
    return {type_: _scaled(mask, size) for type_, mask in masks.items()}


def _scaled(mask: NDArray[np.bool_], size: tuple[int, ...]) -> NDArray[np.bool_]:
    """Each region by area: none is lost between the pixels of a small map."""
    return regions.scaled(regions.connected(mask), (size[0], size[1])).union
