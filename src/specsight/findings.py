"""A map → findings: connected regions with type, place, part, size in px and mm, and severity. Knows no model.

Regions are cut by hysteresis: a region reaches as far as the map stays above the extent threshold, and counts only
if somewhere inside it the map passes the seed threshold, which good parts rarely reach. A defect also lifts the map
around it (cells, their neighbourhoods and smoothing spread it), so a region ends at the latest where the map has come
down to a share of its rise, and where it is known how the detector spreads defects (`point_spread`), it is drawn in
until it is as long as the defect that gives such a region.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from specsight.calibration import Calibration
from specsight.features.relief import risen
from specsight.images import components, longest_extent, unwrapped
from specsight.point_spread import PointSpread
from specsight.records import Finding, Judgement
from specsight.specification import Specification
from specsight.specification.vocabulary import place_name

MEASURED_AT = 0.4
"""Share of a region's rise above good parts at which its extent is measured, to tell the defect's length from it."""
EDGE = 0.3
"""Share of a region's rise above the extent threshold at which it ends where the point spread is not known. Counted
from there, for maps do not begin at zero; both shares were chosen on synthetic touring tyres (docs/evaluation.md)."""
HALVINGS = 10
"""Of the level at which a region is as long as its defect: a thousandth of its rise."""
NEAR = 0.9
"""Share of the rise of the type that rises most from which on another may be meant as well. Chosen on synthetic touring
tyres, with true regions: the true type is among them in 88 of 100 in place of 78, another named at random in 6."""
APART = 0.8
"""A region shows two types where a piece of it rises in another type's map, and in its own to less than this share of
that. Chosen on synthetic sport tyres (docs/llava-ads.md), where 0.7 to 0.85 hardly differ."""
WHOLE = 0.9
"""Share of the picture from which on a finding lies on all of it, not at a place."""
WHOLE_PICTURE = "whole picture"
SURROUNDING = 0.3
"""Width of what surrounds a region, as a share of its longer side."""


@dataclass(frozen=True)
class Focus:
    """The part of a picture that is to be inspected, where that is not all of it."""

    inside: NDArray[np.bool_]
    """(H, W)"""
    seed: float
    """What a region must reach there to be a finding, beside those that any region must reach."""


def segment(map_: NDArray[np.float32], calibration: Calibration, circular: bool = False) -> NDArray[np.bool_]:
    """The pixels of all findings, (H, W) bool."""
    return regions(map_, calibration, circular) > 0


def regions(
    map_: NDArray[np.float32], calibration: Calibration, circular: bool = False, focus: Focus | None = None
) -> NDArray[np.int32]:
    """The regions of all findings, (H, W) int32 with 1, 2, ... and 0 outside, 8-connected."""
    lowest = calibration.map_extent if focus is None else min(calibration.map_extent, focus.seed)
    extent, spread = np.float32(lowest), calibration.point_spread
    wide, peaks = components(map_, map_ > extent, circular)
    base, share = (min(spread.base, float(extent)), MEASURED_AT) if spread else (float(extent), EDGE)
    edges = np.maximum(extent, base + share * (peaks - base)).astype(np.float32)
    edges[0] = np.inf
    inside = map_ > edges[wide]
    levels = edges[wide] if spread else None
    del wide  # a large picture's labels are as large as its map
    labels, peaks = components(map_, inside, circular)
    seeded = _seeded(map_, labels, peaks, calibration, focus)
    number = np.where(seeded, np.cumsum(seeded), 0).astype(np.int32)
    labels = np.take(number, labels, out=labels, mode="clip")
    if spread and levels is not None:
        for label, box in enumerate(find_objects(labels), 1):
            inside = labels[box] == label
            if any(np.count_nonzero(inside.any(axis=1 - axis)) == map_.shape[axis] for axis in (0, 1)):
                # It ends where the picture does, not where the map comes down.
                continue
            ends = float(levels[box][inside][0]), base
            labels[box][inside & ~_drawn_in(map_, box, inside, ends, spread, circular)] = 0
    return labels


def surroundings(
    map_: NDArray[np.float32], calibration: Calibration, circular: bool = False, focus: Focus | None = None
) -> NDArray[np.bool_]:
    """Pixels (H, W) of all findings and of what they lift around them; beyond, none is above the seed threshold."""
    extent = calibration.map_extent if focus is None else min(calibration.map_extent, focus.seed)
    labels, peaks = components(map_, map_ > extent, circular)
    return _seeded(map_, labels, peaks, calibration, focus)[labels]


def find(
    judgement: Judgement,
    calibration: Calibration,
    specification: Specification | None = None,
    *,
    parts: NDArray[np.uint8] | None = None,
    part_names: Mapping[int, str] | None = None,
    mm_per_px: float | None = None,
    circular: bool = False,
    focus: Focus | None = None,
    taught: Collection[str] = (),
    depth: NDArray[np.float32] | None = None,
    extents: Mapping[str, float] | None = None,
) -> tuple[Finding, ...]:
    """Findings of one judged picture, the strongest first.

    `parts` is (H, W) with the values of `part_names`; `mm_per_px` overrides the specification's scale. On `circular`
    pictures a region may go on from the last column to the first; its box then ends beyond the picture's width. A
    region in which maps of types tell several defects apart is several findings. Within `focus` regions are findings
    too that reach no more than its seed. Types that words have `taught` give a finding its name only where they rise
    clearly higher than all others: what is known, with its severity and its clauses, is not displaced by a name of
    today that fits as well. `depth` (H, W), in mm, tells how far a finding that depth shows rises above what lies
    around it. `extents`: of each modality by itself, what good parts reach in its map (default: the calibration's).
    """
    labels = regions(judgement.map, calibration, circular, focus)
    labels = _split_by_type(labels, judgement, calibration, circular, focus, taught)
    scale = mm_per_px or (specification.scale(judgement.map.shape[1]) if specification else None)
    spec = specification or Specification(product="unknown")
    found = []
    for label, box in enumerate(find_objects(labels), 1):
        region = _Region(judgement.map, labels[box] == label, box, circular)
        type_, type_score, also = _type(judgement, region, calibration, taught)
        part, peak_part = _parts(parts, part_names or {}, region)
        finding = _measured(region, scale)
        percent = 100 * finding.area_px / judgement.map.size
        severity = spec.severity_of(type_, finding.length_mm, percent, part)
        seen_in = _seen_in(judgement, region, calibration, extents or {})
        found.append(
            replace(
                finding,
                type=type_,
                type_score=type_score,
                also=also,
                part=part,
                peak_part=peak_part,
                severity=severity,
                seen_in=seen_in,
                height_mm=_height(depth, region) if depth is not None and "depth" in seen_in else None,
            )
        )
    return tuple(sorted(found, key=lambda f: -f.peak))


def _seen_in(
    judgement: Judgement, region: _Region, calibration: Calibration, extents: Mapping[str, float]
) -> tuple[str, ...]:
    """The modalities whose own map passes its extent threshold somewhere in a region; all of them where none does."""
    names = tuple(judgement.alone)
    by_itself = [
        name
        for name in names
        if float(region.of(judgement.alone[name]).max()) > extents.get(name, calibration.map_extent)
    ]
    return tuple(by_itself) or names


def _height(depth: NDArray[np.float32], region: _Region) -> float | None:
    """How far a region rises above what surrounds it, in the unit of depth; None where that cannot be told."""
    rows, columns = region.box
    margin = round(SURROUNDING * max(region.mask.shape) + 2)
    top, left = max(0, rows.start - margin), max(0, columns.start - margin)
    window = depth[top : rows.stop + margin, left : columns.stop + margin]
    inside = np.zeros(window.shape, np.bool_)
    inside[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = region.inside
    return risen(window, inside)


def _seeded(
    map_: NDArray[np.float32],
    labels: NDArray[np.int32],
    peaks: NDArray[np.float32],
    calibration: Calibration,
    focus: Focus | None,
) -> NDArray[np.bool_]:
    """By label, whether a component passes the seed threshold somewhere, or that of the focus within it."""
    seeded = peaks > calibration.map_seed
    if focus is not None:
        within = np.full(len(peaks), -np.inf, np.float32)
        np.maximum.at(within, labels[focus.inside], map_[focus.inside])
        seeded |= within > focus.seed
    seeded[0] = False
    return seeded


def _drawn_in(
    map_: NDArray[np.float32],
    box: tuple[slice, slice],
    inside: NDArray[np.bool_],
    ends: tuple[float, float],
    spread: PointSpread,
    circular: bool,
) -> NDArray[np.bool_]:
    """The part (h, w) around the peak of a region that is as long as its defect.

    `inside` (h, w) are the region's pixels in its `box` of the map; `ends` are the level that they are above and the
    one that rises are counted from.
    """
    (level, base), shift = ends, 0
    values = np.where(inside, map_[box], -np.inf)
    if circular and inside.shape[1] == map_.shape[1]:
        _, shift = unwrapped(inside)
        values = np.roll(values, -shift, axis=1)
    top = values.argmax()
    peak = float(values.flat[top])
    region = np.isfinite(values)
    extent = longest_extent(region)
    length = spread.length(extent, (level - base) / (peak - base), min(map_.shape))
    low, high = level, peak
    for _ in range(HALVINGS if length < extent else 0):
        middle = (low + high) / 2
        _, parts = cv2.connectedComponents((values > middle).astype(np.uint8), connectivity=8)
        part = parts == parts.flat[top]
        low, high = (middle, high) if longest_extent(part) >= length else (low, middle)
        region = part if low == middle else region
    return np.roll(region, shift, axis=1)


def _split_by_type(
    labels: NDArray[np.int32],
    judgement: Judgement,
    calibration: Calibration,
    circular: bool,
    focus: Focus | None,
    taught: Collection[str],
) -> NDArray[np.int32]:
    """The regions (H, W), with numbers of their own for pieces of them in which another type than the region's rises
    clearly higher: defects that touch are one region of the map. Both, piece and rest, must pass the seed threshold.
    """
    names = [name for name in judgement.type_maps if name not in taught]
    count = int(labels.max())
    if len(names) < 2 or not count:
        return labels
    for label, box in enumerate(find_objects(labels), 1):
        rest, map_ = labels[box] == label, judgement.map[box]
        wraps = circular and rest.shape[1] == labels.shape[1]
        own_focus = None if focus is None else replace(focus, inside=focus.inside[box])
        rises = [calibration.above_good(name, judgement.type_maps[name][box]) for name in names]
        own = int(np.argmax([rise[rest].mean() for rise in rises]))
        highest = np.argmax(rises, axis=0)
        for other in set(highest[rest].tolist()) - {own}:
            pieces, peaks = components(map_, rest & (highest == other), wraps)
            for number in np.flatnonzero(_seeded(map_, pieces, peaks, calibration, own_focus)):
                piece = pieces == number
                apart = rises[own][piece].mean() < APART * max(0.0, float(rises[other][piece].mean()))
                left, left_peaks = components(map_, rest & ~piece, wraps)
                if apart and _seeded(map_, left, left_peaks, calibration, own_focus).any():
                    count += 1
                    labels[box][piece], rest = count, rest & ~piece
    return labels


class _Region:
    """One region: its pixels `inside` (h, w) the `box` (rows, columns) of a map (H, W) that holds it.

    Work on it costs the box, not the picture.
    """

    def __init__(
        self, map_: NDArray[np.float32], inside: NDArray[np.bool_], box: tuple[slice, slice], circular: bool
    ) -> None:
        self.inside, self.box = inside, box
        self.picture = map_.shape
        self.values = self.of(map_)
        """(N,) values of the map."""
        self.mask, self.left = inside, box[1].start
        if circular and inside.shape[1] == map_.shape[1]:
            self.mask, self.left = unwrapped(inside)
        self.top = box[0].start

    def of(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Values (N,) of a plane (H, W) of the same picture."""
        values: NDArray[Any] = plane[self.box][self.inside]
        return values


def _measured(region: _Region, mm_per_px: float | None) -> Finding:
    """Place and size of one region. Type, part and severity are left out."""
    area, length = len(region.values), longest_extent(region.mask)
    per_row, per_column = region.mask.sum(axis=1), region.mask.sum(axis=0)
    y = region.top + float(np.average(np.arange(len(per_row)), weights=per_row))
    x = region.left + float(np.average(np.arange(len(per_column)), weights=per_column))
    used = np.flatnonzero(per_column)
    height, width = region.picture
    covers = area >= WHOLE * height * width
    return Finding(
        box=(
            region.left + int(used[0]),
            region.top,
            region.left + int(used[-1]) + 1,
            region.top + len(per_row),
        ),
        centroid=(x, y),
        area_px=area,
        length_px=length,
        peak=float(region.values.max()),
        place=WHOLE_PICTURE if covers else place_name((x + 0.5) % width / width, (y + 0.5) / height),
        area_mm2=area * mm_per_px**2 if mm_per_px else None,
        length_mm=length * mm_per_px if mm_per_px else None,
    )


def _type(
    judgement: Judgement, region: _Region, calibration: Calibration, taught: Collection[str]
) -> tuple[str | None, float | None, tuple[str, ...]]:
    """The type whose map rises most above what it is on good parts, how far it does, and those that rise nearly as far;
    no type where none rises: the words then tell no more of the defect than of a good part.

    Of a type that was taught and others that rise nearly as far, the highest of the others is the type.
    """
    means = {
        name: calibration.above_good(name, float(region.of(map_).mean()))
        for name, map_ in judgement.type_maps.items()
    }
    if not means:
        return None, None, ()
    most = max(means.values())
    if most <= 0:
        return None, None, ()
    near = sorted((name for name in means if means[name] >= NEAR * most), key=lambda name: -means[name])
    best = next((name for name in near if name not in taught), near[0])
    return best, means[best], tuple(name for name in near if name != best)


def _parts(
    parts: NDArray[np.uint8] | None, names: Mapping[int, str], region: _Region
) -> tuple[str | None, str | None]:
    """The part that most pixels of a region lie on, and the part that its largest map value lies on."""
    if parts is None:
        return None, None
    on = region.of(parts)
    return names.get(int(np.bincount(on).argmax())), names.get(int(on[region.values.argmax()]))
