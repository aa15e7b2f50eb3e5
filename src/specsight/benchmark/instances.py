"""Truth of one picture → its instances: type, run lengths, box, area, centroid, cells, parts, length, severity, depth.

In: the defects of a sample with their pixels. Out: `Instance`s. A mask whose defects are not told apart one by one is
taken to hold one instance per connected piece (8-connectivity); a defect that its set describes by itself (with a box,
a length, or a saturation area as MVTec LOCO has it) is one instance, whatever number of pieces its mask has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.benchmark.records import BenchmarkSample, Instance, Visible
from specsight.benchmark.surrounding import Surrounding, widened
from specsight.errors import require
from specsight.evaluation.instructions.from_masks import MARGIN
from specsight.evaluation.instructions.regions import SPECK, defect_pixels
from specsight.records import Box, Defect, Sample
from specsight.specification import Specification
from specsight.specification.vocabulary import as_words, place_name

LEAST_CELL_SHARE = 0.1
"""Share of an instance's area that a cell must hold to be named."""
LEAST_TOUCHED = 0.005
"""Share of an instance's area from which a cell is touched: an outline drawn by hand is no finer."""
VISIBLE: Mapping[str, Visible] = {"rgb": "rgb", "depth": "depth", "rgb and depth": "both"}
"""What the tyre line's condition "visible" says of each defect."""


class TypeName(Protocol):
    """A type as an ontology knows it."""

    @property
    def name(self) -> str:
        """Canonical name."""

    @property
    def superclass(self) -> str | None:
        """The wider kind."""


class TypeNames(Protocol):
    """What knows the canonical names of types."""

    def find(self, raw: str, product: str) -> TypeName | None:
        """The type that a set calls `raw` on `product`."""


@dataclass(frozen=True)
class Planes:
    """What is known of a picture's pixels beside its masks."""

    size: tuple[int, int]
    """(H, W)."""
    parts: NDArray[np.uint8] | None = None
    """(H, W), 0 where no part is."""
    part_names: Mapping[int, str] = field(default_factory=dict)
    depth: NDArray[np.float32] | None = None
    """(H, W), distance from the sensor; NaN where unknown."""
    parts_found: bool = False
    """The part map was found, not drawn: no outline of it is more exact than `MARGIN`."""


def instances_of(
    sample: Sample, planes: Planes, specification: Specification | None, types: TypeNames | None
) -> tuple[Instance, ...]:
    """The instances of a sample, in the order of its defects, then from the top left.

    Of a good sample, and of one whose defects have neither masks nor boxes, there are none. A box without an aligned
    reference is an instance without run lengths, whose area and length are the box's. Raises SpecsightError for masks
    and boxes that do not fit the picture.
    """
    if sample.label != "defective" or not images.masks_known(sample):
        return ()
    drawn = defect_pixels(sample, planes.size)
    exact = [mask is not None and bool(mask.any()) for mask in drawn]
    masks = [
        mask if mask is not None and known else _box(defect, planes.size)
        for defect, mask, known in zip(sample.defects, drawn, exact, strict=True)
    ]
    surrounding = None
    if planes.depth is not None:
        surrounding = Surrounding(planes.depth, np.any(masks, axis=0), planes.parts)
    found = []
    for number, (defect, mask) in enumerate(zip(sample.defects, masks, strict=True)):
        said = {"visible": _visible(sample, number), "text": defect.text}
        for piece in _pieces(defect, mask, sample.circular):
            measured = _measured(_Region(piece, sample.circular), planes, surrounding)
            if defect.box is not None:
                measured["box"] = _clipped(defect.box, planes.size)
            if exact[number]:
                measured["rle"] = run_lengths(piece)
            found.append(measured | said | _named(sample, defect, measured, planes, specification, types))
    return tuple(Instance.model_validate(fields) for fields in found)


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """COCO run lengths of a mask (H, W): `{"size": [H, W], "counts": text}` (pycocotools, which other tools read)."""
    coded = require("pycocotools.mask", "benchmark").encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in coded["size"]], "counts": coded["counts"].decode("ascii")}


def mask_of(instance: Instance) -> NDArray[np.bool_] | None:
    """The pixels (H, W) of an instance; None where only a box is known."""
    if instance.rle is None:
        return None
    size, counts = instance.rle["size"], str(instance.rle["counts"]).encode("ascii")
    decoded = require("pycocotools.mask", "benchmark").decode({"size": list(size), "counts": counts})
    return np.asarray(decoded, bool)


def pixels_of(instance: Instance, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of an instance on a picture of `size` (H, W); where only its box is known, those of the box."""
    known = mask_of(instance)
    if known is not None:
        return known
    mask = np.zeros(size, bool)
    x0, y0, x1, y1 = instance.box
    mask[y0:y1, x0:x1] = True
    return mask


def united_mask(sample: BenchmarkSample) -> NDArray[np.bool_]:
    """All defects of a sample, (H, W); where only boxes are known, their pixels."""
    mask = np.zeros((sample.height, sample.width), bool)
    for instance in sample.instances:
        mask |= pixels_of(instance, mask.shape)
    return mask


def is_speck(instance: Instance) -> bool:
    """Whether an instance is a crumb of a mask, by its box: too small to be asked about, or to be counted.

    What is to be clean is not, where one lies on it.
    """
    x0, y0, x1, y1 = instance.box
    return (x1 - x0) * (y1 - y0) < SPECK * instance.area_px / instance.area_share


def cells_of(mask: NDArray[np.bool_], least: float = LEAST_CELL_SHARE) -> tuple[str, ...]:
    """Cells of the 3 × 3 grid with at least the share `least` of a mask's pixels, fullest first."""
    height, width = mask.shape
    ys, xs = np.nonzero(mask)
    numbers = 3 * np.minimum(3 * (ys + 0.5) // height, 2) + np.minimum(3 * (xs + 0.5) // width, 2)
    counts = np.bincount(numbers.astype(int), minlength=9)
    order = [int(k) for k in np.argsort(-counts, kind="stable") if counts[k] >= least * len(ys)]
    return tuple(place_name((k % 3 + 0.5) / 3, (k // 3 + 0.5) / 3) for k in order)


class _Region:
    """The pixels of an instance, cut out of the picture; of one across the seam of a circular strip, put together."""

    def __init__(self, mask: NDArray[np.bool_], circular: bool) -> None:
        columns = np.flatnonzero(mask.any(axis=0))
        rows = np.flatnonzero(mask.any(axis=1))
        self.mask = mask
        self.box: Box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        self.area = int(mask.sum())
        self._shift = 0
        if circular and columns[0] == 0 and columns[-1] == mask.shape[1] - 1 and len(columns) < mask.shape[1]:
            # The seam is moved to behind the first run of columns without the defect.
            self._shift = int(np.flatnonzero(~mask.any(axis=0))[0])
        rolled = np.roll(mask, -self._shift, axis=1)
        inner = np.flatnonzero(rolled.any(axis=0))
        self._left, self._top = int(inner[0]), self.box[1]
        self.inside = rolled[self.box[1] : self.box[3], inner[0] : inner[-1] + 1]

    @property
    def centroid(self) -> tuple[float, float]:
        """(x, y): the mean of the pixels, or the pixel that is nearest to it where the mean lies outside of them."""
        ys, xs = np.nonzero(self.inside)
        y, x = float(ys.mean()), float(xs.mean())
        if not self.inside[round(y), round(x)]:
            nearest = int(((ys - y) ** 2 + (xs - x) ** 2).argmin())
            y, x = float(ys[nearest]), float(xs[nearest])
        return (x + self._left + self._shift) % self.mask.shape[1], y + self._top


def _pieces(defect: Defect, mask: NDArray[np.bool_], circular: bool) -> Iterator[NDArray[np.bool_]]:
    """The instances (H, W) of a defect, one at a time."""
    import cv2

    if defect.box is not None or defect.size_mm is not None or defect.saturation is not None:
        if mask.any():
            yield mask
        return
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    names = np.arange(count)
    if circular:
        for first, last in zip(labels[:, 0], labels[:, -1], strict=True):
            if first and last:
                low, high = sorted((names[first], names[last]))
                names[names == high] = low
    for name in sorted(set(names.tolist()) - {0}):
        yield np.isin(labels, np.flatnonzero(names == name)) if circular else labels == name


def _measured(region: _Region, planes: Planes, surrounding: Surrounding | None) -> dict[str, Any]:
    """The fields of an instance that its pixels tell."""
    return {
        "box": region.box,
        "area_px": region.area,
        "area_share": round(region.area / region.mask.size, 8),
        "centroid": tuple(round(value, 2) for value in region.centroid),
        "cells": cells_of(region.mask),
        "touched": cells_of(region.mask, LEAST_TOUCHED)[len(cells_of(region.mask)) :],
        "parts": _part_shares(region.mask, planes),
        "length_px": round(images.longest_extent(region.inside), 2),
        "depth": surrounding.statistics(region.mask) if surrounding else None,
    }


def _named(
    sample: Sample,
    defect: Defect,
    measured: Mapping[str, Any],
    planes: Planes,
    specification: Specification | None,
    types: TypeNames | None,
) -> dict[str, Any]:
    """The fields that names, scales and rules tell; what the set itself says of a defect comes first."""
    entry = types.find(defect.type, sample.product) if types else None
    known = specification.defect(defect.type) if specification else None
    scale = sample.mm_per_px or (specification.scale(planes.size[1]) if specification else None)
    length_mm = (
        defect.size_mm if defect.size_mm is not None else measured["length_px"] * scale if scale else None
    )
    parts = measured["parts"]
    largest = next(iter(parts), None)
    on_part = largest is not None and parts[largest] > 1 - sum(parts.values())
    part = defect.part or (largest if on_part else None)
    severity = defect.severity
    if severity is None and specification is not None:
        severity = specification.severity_of(defect.type, length_mm, 100 * measured["area_share"], part)
    return {
        "type_raw": defect.type,
        "type": entry.name if entry else as_words(defect.type),
        "superclass": (entry.superclass if entry else None) or (known.superclass if known else None),
        "part": part,
        "length_mm": None if length_mm is None else round(length_mm, 3),
        "severity": severity,
    }


def _part_shares(mask: NDArray[np.bool_], planes: Planes) -> dict[str, float]:
    """Part → share of a mask that lies on it, largest first; 0 for a found part that it comes near."""
    if planes.parts is None or not planes.part_names:
        return {}
    reach = max(1, math.ceil(MARGIN * min(planes.size)))
    near = widened(mask, reach) if planes.parts_found else mask
    shares = {
        planes.part_names[int(value)]: round(float((planes.parts[mask] == value).mean()), 4)
        for value in np.unique(planes.parts[near])
        if int(value) in planes.part_names
    }
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def _visible(sample: Sample, number: int) -> Visible | None:
    said = sample.conditions.get("visible", "").split("; ")
    return VISIBLE.get(said[number]) if len(said) == len(sample.defects) else None


def _clipped(box: Box, size: tuple[int, int]) -> Box:
    """A box as far as it lies on the picture (`defect_pixels` has refused those that do not)."""
    x0, y0, x1, y1 = box
    return max(x0, 0), max(y0, 0), min(x1, size[1]), min(y1, size[0])


def _box(defect: Defect, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels (H, W) inside a defect's box; none without one."""
    inside = np.zeros(size, bool)
    if defect.box is not None:
        x0, y0, x1, y1 = _clipped(defect.box, size)
        inside[y0:y1, x0:x1] = True
    return inside
