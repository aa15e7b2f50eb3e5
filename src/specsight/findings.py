"""A map → findings: connected regions with type, place, part, size in px and mm, and severity. Knows no model.

Regions are cut by hysteresis: a region reaches as far as the map stays above the extent threshold, and counts only
if somewhere inside it the map passes the seed threshold, which good parts rarely reach. A strong defect also lifts
the map around it (features and smoothing spread it), so a region ends at half of its own peak at the latest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.calibration import Calibration
from specsight.records import Finding, Judgement
from specsight.specification import Specification
from specsight.specification.vocabulary import place_name

EDGE = 0.5
"""Share of a region's peak at which it ends: a spread-out blob is as wide as its source at half height."""


def segment(map_: NDArray[np.float32], calibration: Calibration, circular: bool = False) -> NDArray[np.bool_]:
    """The pixels of all findings, (H, W) bool."""
    return _label(map_, calibration, circular)[0] > 0


def surroundings(
    map_: NDArray[np.float32], calibration: Calibration, circular: bool = False
) -> NDArray[np.bool_]:
    """Pixels (H, W) of all findings and of what they lift around them; beyond, none is above the seed threshold."""
    labels, peaks = _components(map_, map_ > calibration.map_extent, circular)
    return (labels > 0) & (peaks > calibration.map_seed)[labels]


def find(
    judgement: Judgement,
    calibration: Calibration,
    specification: Specification | None = None,
    *,
    parts: NDArray[np.uint8] | None = None,
    part_names: Mapping[int, str] | None = None,
    mm_per_px: float | None = None,
    circular: bool = False,
) -> tuple[Finding, ...]:
    """Findings of one judged picture, the strongest first.

    `parts` is (H, W) with the values of `part_names`; `mm_per_px` overrides the specification's scale. On `circular`
    pictures a region may go on from the last column to the first; its box then ends beyond the picture's width.
    """
    labels, count = _label(judgement.map, calibration, circular)
    scale = mm_per_px or (specification.scale(judgement.map.shape[1]) if specification else None)
    spec = specification or Specification(product="unknown")
    found = []
    for label in range(1, count + 1):
        ys, xs = np.nonzero(labels == label)
        region = _unwrapped(ys, xs, labels.shape[1]) if circular else (ys, xs)
        type_, type_score = _type(judgement, (ys, xs), calibration)
        finding = _measured(judgement.map, (ys, xs), region, scale)
        part, peak_part = _parts(parts, part_names or {}, (ys, xs), judgement.map)
        percent = 100 * finding.area_px / judgement.map.size
        severity = spec.severity_of(type_, finding.length_mm, percent, part)
        found.append(
            replace(
                finding, type=type_, type_score=type_score, part=part, peak_part=peak_part, severity=severity
            )
        )
    return tuple(sorted(found, key=lambda f: -f.peak))


def _measured(
    map_: NDArray[np.float32],
    pixels: tuple[NDArray[np.intp], NDArray[np.intp]],
    region: tuple[NDArray[np.intp], NDArray[np.intp]],
    mm_per_px: float | None,
) -> Finding:
    """Place and size of one region: `pixels` (rows, columns) index the map, `region` is the same unwrapped across the
    seam. Type, part and severity are left out."""
    ys, xs = region
    area, length = len(ys), _feret(ys, xs)
    x, y = float(xs.mean()), float(ys.mean())
    height, width = map_.shape
    return Finding(
        box=(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1),
        centroid=(x, y),
        area_px=area,
        length_px=length,
        peak=float(map_[pixels].max()),
        place=place_name(x % width / width, y / height),
        area_mm2=area * mm_per_px**2 if mm_per_px else None,
        length_mm=length * mm_per_px if mm_per_px else None,
    )


def _label(
    map_: NDArray[np.float32], calibration: Calibration, circular: bool
) -> tuple[NDArray[np.int32], int]:
    """The regions of all findings, (H, W) int32 with 1..count, 8-connected."""
    wide, peaks = _components(map_, map_ > calibration.map_extent, circular)
    edges = np.where(peaks > 0, EDGE * peaks, -np.inf)
    labels, peaks = _components(map_, (wide > 0) & (map_ > edges[wide]), circular)
    seeded = peaks > calibration.map_seed
    seeded[0] = False
    number = np.where(seeded, np.cumsum(seeded), 0).astype(np.int32)
    return number[labels], int(seeded.sum())


def _components(
    map_: NDArray[np.float32], mask: NDArray[np.bool_], circular: bool
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """8-connected components (0 is outside) and the largest map value by label; labels may have gaps."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if circular:
        renumber = np.arange(count, dtype=np.int32)
        _join_across_seam(labels, renumber)
        labels = renumber[labels]
    peaks = np.full(count, -np.inf, np.float32)
    np.maximum.at(peaks, labels.ravel(), map_.ravel())
    return labels, peaks


def _join_across_seam(labels: NDArray[np.int32], renumber: NDArray[np.int32]) -> None:
    """Give regions that touch over the seam (last column to first, 8-connected) one number."""
    first, last = labels[:, 0], labels[:, -1]
    for shift in (-1, 0, 1):
        rows = np.arange(max(0, shift), len(first) + min(0, shift))
        for a, b in zip(first[rows], last[rows - shift]):
            if a and b and renumber[a] != renumber[b]:
                low, high = sorted((renumber[a], renumber[b]))
                renumber[renumber == high] = low


def _unwrapped(
    ys: NDArray[np.intp], xs: NDArray[np.intp], width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Move the part of a region left of its widest empty gap beyond the right edge, so that it is in one piece."""
    columns = np.unique(xs)
    if columns[0] > 0 or columns[-1] < width - 1 or len(columns) == width:
        return ys, xs
    start = columns[np.argmax(np.diff(columns)) + 1]
    return ys, np.where(xs < start, xs + width, xs)


def _feret(ys: NDArray[np.intp], xs: NDArray[np.intp]) -> float:
    """Longest extent in pixels (maximum Feret diameter over pixel centres, plus one pixel)."""
    hull = cv2.convexHull(np.stack([xs, ys], axis=1).astype(np.int32))[:, 0].astype(np.float64)
    distances = np.linalg.norm(hull[:, None] - hull[None], axis=2)
    return float(distances.max()) + 1.0


def _type(
    judgement: Judgement, pixels: tuple[NDArray[np.intp], NDArray[np.intp]], calibration: Calibration
) -> tuple[str | None, float | None]:
    """The type whose map rises most above what it is on good parts, and how far it does."""
    means = {
        name: calibration.above_good(name, float(map_[pixels].mean()))
        for name, map_ in judgement.type_maps.items()
    }
    if not means:
        return None, None
    best = max(means, key=lambda name: means[name])
    return best, means[best]


def _parts(
    parts: NDArray[np.uint8] | None,
    names: Mapping[int, str],
    pixels: tuple[NDArray[np.intp], NDArray[np.intp]],
    map_: NDArray[np.float32],
) -> tuple[str | None, str | None]:
    """The part that most pixels of a region lie on, and the part that its largest map value lies on."""
    if parts is None:
        return None, None
    on = parts[pixels]
    return names.get(int(np.bincount(on).argmax())), names.get(int(on[map_[pixels].argmax()]))
