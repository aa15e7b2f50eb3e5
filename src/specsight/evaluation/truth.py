"""Maps and masks of judged pictures, from disk and one at a time, as the metrics want them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import findings, images
from specsight.calibration import Calibration
from specsight.errors import SpecsightError
from specsight.metrics import PixelTruth, RegionPixels, regions, saturation_area
from specsight.progress import track
from specsight.records import Defect, Sample
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

Mask = NDArray[np.bool_]
Hidden = Callable[[Prediction], Mask | None]
"""A judged picture → (H, W) pixels at its own resolution that something hid from the camera; None: none."""


@dataclass(frozen=True)
class MaskedPictures:
    """Pictures whose true defect pixels are known, and why the masks of others cannot be used."""

    usable: list[Prediction]
    unusable: Mapping[str, str]
    """Id of a picture whose mask cannot be read or does not fit → the reason. Its label counts all the same."""


def with_masks(predictions: Sequence[Prediction], data: Path) -> MaskedPictures:
    """Open every mask: those whose true defect pixels are known, and those whose masks cannot be used."""
    usable, unusable = [], {}
    for prediction in predictions:
        sample = prediction.sample(data)
        if not images.masks_known(sample):
            continue
        try:
            images.defect_masks(sample, prediction.size)
        except SpecsightError as error:
            unusable[prediction.id] = str(error)
        else:
            usable.append(prediction)
    return MaskedPictures(usable, unusable)


class MapsWithTruth:
    """(map, truth) of each picture, read from disk whenever it is iterated over.

    `map_size`: shorter side in pixels to which maps are scaled; None: the pictures' own resolution. `hidden`: what of
    each picture counts neither as good nor as defective. After a pass `regions`, `small` and `shared` say how many
    regions there were, and what scaling did to them.
    """

    def __init__(
        self,
        run: RunFolder,
        predictions: Sequence[Prediction],
        map_size: int | None,
        hidden: Hidden | None = None,
    ) -> None:
        self.run, self.predictions, self.map_size = run, predictions, map_size
        self.hidden = hidden
        self.regions = self.small = self.shared = 0

    def __iter__(self) -> Iterator[tuple[NDArray[np.float32], PixelTruth]]:
        self.regions = self.small = self.shared = 0
        data = self.run.data
        for prediction in track(self.predictions, "Reading maps"):
            sample, map_ = prediction.sample(data), self.run.map(prediction)
            masks = images.defect_masks(sample, prediction.size)
            if self.map_size is not None:
                map_ = _scaled(map_, self.map_size)
            size = (map_.shape[0], map_.shape[1])
            behind = self.hidden(prediction) if self.hidden else None
            if behind is None:
                truth = pixel_truth(sample, masks, size)
            else:
                truth = pixel_truth(sample, [mask & ~behind for mask in masks], size)
                truth = replace(truth, hidden=_enlarged_or_reduced(behind, size))
            self._count(truth)
            yield map_, truth

    def notes(self) -> list[str]:
        """What scaling did to small regions in the last pass, in words; empty where it did nothing."""
        if not self.small and not self.shared:
            return []
        return [
            f"Maps were measured with the shorter side at {self.map_size} px: of {self.regions} defect regions "
            f"{self.small} cover no cell of such a map by half and count with the cells they cover most, and "
            f"{self.shared} share a cell with another region; none was lost."
        ]

    def _count(self, truth: PixelTruth) -> None:
        if isinstance(truth.regions, RegionPixels):
            self.regions += len(truth.regions)
            self.small += truth.regions.small
            self.shared += truth.regions.shared


def pixel_truth(sample: Sample, masks: Sequence[Mask], size: tuple[int, int]) -> PixelTruth:
    """The truth about the pixels of a map of `size` (H, W).

    `masks` are those of `sample.defects`, in their order, at the picture's resolution. Where the map has another one,
    regions are told apart before they are scaled: the defects one by one where they have saturation areas, else, as at
    the picture's own resolution, the 8-connected components of all defects together; of each type for its own numbers.
    """
    good = sample.label == "good"
    types = masks_by_type(sample, masks)
    native = masks[0].shape[:2] if masks else size
    saturated = any(d.saturation is not None for d in sample.defects)
    union = np.any(masks, axis=0) if masks else np.zeros(native, bool)
    if native == size and not saturated:
        return PixelTruth(union, types=types if len(types) > 1 else {}, good=good)
    if saturated:
        found = regions.scaled(regions.apart(masks, native), size)
        by_type = {name: _of_type(found, sample.defects, name) for name in types}
        saturations = [
            _saturation(d, m, int(a)) for d, m, a in zip(sample.defects, masks, found.areas, strict=True)
        ]
    else:
        by_type = {name: regions.scaled(regions.connected(mask), size) for name, mask in types.items()}
        found, saturations = regions.scaled(regions.connected(union), size), None
    several = by_type if len(by_type) > 1 else {}
    return PixelTruth(
        found.union,
        regions=found,
        saturations=saturations,
        types={name: of_type.union for name, of_type in several.items()},
        type_regions=several,
        good=good,
    )


def masks_by_type(sample: Sample, masks: Sequence[Mask]) -> dict[str, Mask]:
    """Type → union (H, W) of its masks; `masks` are those of `sample.defects`, in their order."""
    types: dict[str, Mask] = {}
    for defect, mask in zip(sample.defects, masks, strict=True):
        types[defect.type] = types[defect.type] | mask if defect.type in types else mask
    return types


def findings_with_truth(
    run: RunFolder, predictions: Sequence[Prediction], calibration: Calibration
) -> Iterator[tuple[Mask, Mask]]:
    """(true mask, mask of the findings) of each picture, both (H, W) at its own resolution."""
    data = run.data
    for prediction in track(predictions, "Comparing findings"):
        sample = prediction.sample(data)
        found = findings.segment(run.map(prediction), calibration, prediction.circular)
        yield images.anomaly_mask(sample, prediction.size), found


def _saturation(defect: Defect, mask: Mask, area: int) -> float:
    """Saturation area of a defect of `area` pixels on the map; `mask` (H, W) is at the picture's resolution."""
    if defect.saturation is None:
        return float(max(area, 1))
    return saturation_area(
        area, defect.saturation, defect.relative_saturation, native_pixels=int(np.count_nonzero(mask))
    )


def _of_type(found: RegionPixels, defects: Sequence[Defect], name: str) -> RegionPixels:
    chosen = [pixels for pixels, defect in zip(found.pixels, defects, strict=True) if defect.type == name]
    return RegionPixels(found.size, tuple(chosen))


def _enlarged_or_reduced(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask (H, W) at another size, by the nearest pixel."""
    scaled = cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(scaled, bool)


def _scaled(map_: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The map with its shorter side at `side` pixels, by area means where it becomes smaller, else bilinearly."""
    height, width = map_.shape
    scale = side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(map_, size, interpolation=how), dtype=np.float32)
