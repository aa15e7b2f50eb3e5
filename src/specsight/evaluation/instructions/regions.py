"""Where the defects of a labelled sample lie: one region per connected piece, and how long it is.

In: masks, or boxes beside an aligned picture of the same part without defects. Out: `Region`s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.records import Defect, Sample

DIFFERENT = 64
"""Grey levels of 255 between a picture and its reference from which a pixel in a box belongs to the defect."""
SPECK = 2e-4
"""Share of the picture below which a piece of a mask is no defect of its own."""


@dataclass(frozen=True)
class Region:
    """A connected piece of a defect."""

    type: str
    mask: NDArray[np.bool_]
    """(H, W)."""
    speck: bool
    """Too small to be asked about: it counts only as what may not lie where nothing is to be."""

    @property
    def extent(self) -> float:
        """Longest extent in pixels, as that of findings (`images.longest_extent`)."""
        return images.longest_extent(self.mask)

    def shares(self, parts: NDArray[np.uint8]) -> dict[int, float]:
        """Value in a part map (H, W) → share of the region's pixels that have it; 0 is beside all parts."""
        values, counts = np.unique(parts[self.mask], return_counts=True)
        return {int(value): float(count) for value, count in zip(values, counts / counts.sum(), strict=True)}


def regions_of(sample: Sample, size: tuple[int, int]) -> list[Region] | None:
    """The regions of all defects of a sample whose picture is `size` (rows, columns); none for a good part.

    None where the pixels of a defect are not known: it has neither a mask, nor a box and an aligned reference.
    """
    if sample.label == "good":
        return []
    if sample.label != "defective" or not images.masks_known(sample):
        return None
    masks = defect_pixels(sample, size)
    if any(mask is None for mask in masks):
        return None
    return _pieces(sample.defects, [mask for mask in masks if mask is not None])


def defect_pixels(sample: Sample, size: tuple[int, int]) -> list[NDArray[np.bool_] | None]:
    """One mask (H, W) per defect of a sample whose every defect has a mask or a box (`images.masks_known`), in order.

    Of a box these are the pixels inside that differ from the sample's reference; None without one of the same size.
    """
    masks: list[NDArray[np.bool_]] = images.defect_masks(sample, size)
    boxed = [defect.mask is None for defect in sample.defects]
    if not any(boxed):
        return list(masks)
    changed = _changed(sample, size)
    return [
        mask if not box else None if changed is None else mask & changed
        for mask, box in zip(masks, boxed, strict=True)
    ]


def _changed(sample: Sample, size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Pixels (H, W) in which a picture differs from its reference; None without one of the same size."""
    if sample.reference is None:
        return None
    sums = [_sum(images.read_rgb(file)) for file in (sample.image, sample.reference)]
    if sums[0].shape != size or sums[1].shape != size:
        return None
    return np.asarray(np.abs(sums[0] - sums[1]) >= 3 * DIFFERENT)


def _sum(rgb: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Three times the grey level, (H, W); channel by channel, which is much faster than along the last axis."""
    return np.asarray(rgb[..., 0].astype(np.int16) + rgb[..., 1] + rgb[..., 2], np.int16)


def _pieces(defects: Sequence[Defect], masks: Sequence[NDArray[np.bool_]]) -> list[Region]:
    pieces = []
    for defect, mask in zip(defects, masks, strict=True):
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        for label in range(1, count):
            piece = labels == label
            pieces.append(Region(defect.type, piece, bool(piece.mean() < SPECK)))
    return pieces
