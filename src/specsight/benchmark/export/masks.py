"""Masks as COCO run lengths, as `pycocotools` (the reference implementation of the form) reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark import instances
from specsight.benchmark.records import BenchmarkSample, Instance


def united_mask(sample: BenchmarkSample) -> NDArray[np.bool_]:
    """All defects of a sample, (H, W); where only boxes are known, their pixels."""
    mask = np.zeros((sample.height, sample.width), bool)
    for instance in sample.instances:
        mask |= mask_of(instance, (sample.height, sample.width))
    return mask


def mask_of(instance: Instance, size: tuple[int, int]) -> NDArray[np.bool_]:
    """One defect, (H, W); where only its box is known, the pixels of the box."""
    known = instances.mask_of(instance)
    if known is not None:
        return known
    mask = np.zeros(size, bool)
    x0, y0, x1, y1 = instance.box
    mask[y0:y1, x0:x1] = True
    return mask


def polygons_of(mask: NDArray[np.bool_]) -> Sequence[Sequence[float]]:
    """Outlines [x0, y0, x1, y1, ...] of a mask's pieces, for forms that know no run lengths; holes are filled."""
    import cv2

    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [outline.reshape(-1).astype(float).tolist() for outline in outlines if len(outline) >= 3]
