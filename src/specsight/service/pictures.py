"""Pictures of an item for a browser, and what is known of its defects as a layer over them.

In: a benchmark and an item. Out: WebP files of at most `PIXELS` pixels, no side longer than `SIDE`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.benchmark.files import Benchmark
from specsight.benchmark.instances import united_mask
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.errors import SpecsightError
from specsight.report.pictures import PREDICTION, TRUTH, encode, fitted

SIDE, PIXELS = 8000, 4_000_000
"""A strip keeps enough of its length for small defects; WebP ends at 16,383."""
TINT = 70
"""Opacity of a defect, of 255."""


def shown(benchmark: Benchmark, item: Item) -> list[tuple[str, str]]:
    """Each picture of an item, its references last: (what it is, why it cannot be shown or "")."""
    named = [
        *(("picture", path) for path in item.images),
        *(("good part", path) for path in item.reference_images),
    ]
    return [(f"{what} {Path(path).name}", _missing(benchmark, path)) for what, path in named]


def picture(benchmark: Benchmark, item: Item, sample: BenchmarkSample, number: int) -> bytes:
    """Picture `number` of `shown`; depth in grey, the nearest white. Raises SpecsightError where it cannot be shown."""
    relative = _relative(item, number)
    path = benchmark.picture(relative)
    rgb = _grey(images.read_depth(path)) if relative == sample.depth else images.read_rgb(path)
    return encode(_resized(rgb), ".webp")


def picture_of(benchmark: Benchmark, relative: str) -> bytes:
    """A picture of colours by its path. Raises SpecsightError where it cannot be shown."""
    return encode(_resized(images.read_rgb(benchmark.picture(relative))), ".webp")


def layers(benchmark: Benchmark, item: Item, sample: BenchmarkSample) -> list[tuple[str, str, bool]]:
    """As `shown`, and whether defects can be shown over it."""
    return [
        (what, missing, not missing and has_marks(item, sample, index))
        for index, (what, missing) in enumerate(shown(benchmark, item))
    ]


def has_marks(item: Item, sample: BenchmarkSample, number: int) -> bool:
    """Whether something is known of defects on a picture."""
    if number >= len(item.images):
        return False
    return bool(sample.instances) if _is_of(sample, item.images[number]) else bool(item.masks)


def marks(benchmark: Benchmark, item: Item, sample: BenchmarkSample, number: int) -> bytes:
    """Defects of a picture, tinted and outlined on a clear ground; where the item is about some of them, these in a
    frame. Raises SpecsightError where they are not known."""
    if not has_marks(item, sample, number):
        raise SpecsightError("nothing is marked on this picture")
    if _is_of(sample, item.images[number]):
        layer = _layer(_defects(benchmark, sample))
        boxes = item.slots.boxes or ()
        return encode(_boxed(layer, boxes if len(boxes) < len(sample.instances) else ()), ".webp")
    masks = [images.read_mask(benchmark.picture(path)) > 0 for path in item.masks]
    if len({mask.shape for mask in masks}) != 1:
        raise SpecsightError(f"the masks of item '{item.id}' are of several sizes")
    return encode(_layer(np.asarray(np.any(masks, axis=0), bool)), ".webp")


def marks_of(benchmark: Benchmark, sample: BenchmarkSample) -> bytes:
    """As `marks`, of a sample's own picture."""
    return encode(_layer(_defects(benchmark, sample)), ".webp")


def _defects(benchmark: Benchmark, sample: BenchmarkSample) -> NDArray[np.bool_]:
    size = (sample.height, sample.width)
    images.check_pixels(benchmark.picture(sample.image), *size)
    for instance in sample.instances:
        if instance.rle is not None and tuple(instance.rle.get("size", ())) != size:
            raise SpecsightError(f"sample '{sample.id}' has run lengths of another size than its picture")
    return united_mask(sample)


def _boxed(layer: NDArray[np.uint8], boxes: Iterable[tuple[int, int, int, int]]) -> NDArray[np.uint8]:
    """Frames around boxes in thousandths, a little apart from what is in them."""
    height, width = layer.shape[:2]
    thick = max(1, round(max(height, width) / 400))
    drawn: NDArray[np.uint8] = layer.copy()
    for x0, y0, x1, y1 in boxes:
        corners = (
            (x0 * width // 1000 - 4 * thick, y0 * height // 1000 - 4 * thick),
            (x1 * width // 1000 + 4 * thick, y1 * height // 1000 + 4 * thick),
        )
        cv2.rectangle(drawn, *corners, (*PREDICTION, 255), thick)
    return drawn


def _layer(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    size = _shown_size(mask.shape[0], mask.shape[1])
    # Any share counts: a defect of a few pixels stays visible in a small picture.
    small = cv2.resize(mask.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA) > 0
    side = 2 * max(1, round(max(size) / 400)) + 1
    grown = cv2.dilate(small.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    layer = np.zeros((*size, 4), np.uint8)
    layer[..., :3] = TRUTH
    layer[small, 3] = TINT
    layer[grown & ~small, 3] = 255
    return layer


def _is_of(sample: BenchmarkSample, relative: str) -> bool:
    return relative in (sample.image, sample.depth, sample.normals)


def _relative(item: Item, number: int) -> str:
    named = (*item.images, *item.reference_images)
    if not 0 <= number < len(named):
        raise SpecsightError(f"item '{item.id}' has no picture {number}")
    return named[number]


def _missing(benchmark: Benchmark, relative: str) -> str:
    try:
        return "" if benchmark.picture(relative).is_file() else f"'{relative}' is not there"
    except SpecsightError as error:
        return str(error)


def _grey(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    known = depth[np.isfinite(depth)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    scaled = (np.nan_to_num(depth, nan=low) - low) / (high - low) if high > low else np.zeros_like(depth)
    return np.repeat((255 * scaled).round().astype(np.uint8)[..., None], 3, axis=2)


def _resized(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = _shown_size(rgb.shape[0], rgb.shape[1])
    if (height, width) == rgb.shape[:2]:
        return rgb
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _shown_size(height: int, width: int) -> tuple[int, int]:
    """Of a picture (height, width); smaller ones stay as they are."""
    longest = max(height, width)
    side = min(longest, SIDE, int(longest * math.sqrt(PIXELS / (height * width))))
    return (height, width) if side == longest else fitted(height, width, side)
