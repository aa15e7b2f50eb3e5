"""The tread's mould: blocks, grooves, sipes, wear indicators and shoulders, pitch by pitch around the tyre.

Real treads repeat in three pitch lengths in an irregular order, which spreads their noise over many frequencies; so
does this one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field, ridge, smoothstep, triangle, wrapped
from specsight.synthetic.tyres.geometry import (
    PART_VALUES,
    WEAR_INDICATOR_MM,
    ZONE_WIDTH_MM,
    Groove,
    Lateral,
    TyreModel,
    turn_columns,
    zone_rows,
)

SHOULDER_MM = 88.0
"""Distance from the middle line at which the shoulder begins."""

WEAR_INDICATORS = 6
SEGMENTS = 9
"""Pieces of a segmented mould; a faint parting ridge stands at every joint."""

_PITCH_LENGTHS = (0.9, 1.0, 1.12)
_FLANK_MM = 0.9
_SIPE_MM = 1.0
_OVERSAMPLING = 2


def mould(model: TyreModel, mm_per_px: float) -> tuple[Field, NDArray[np.uint8]]:
    """Height in mm (0 on the crown of the tread) and part values, both (rows, columns), of the whole turn."""
    columns, rows = turn_columns(model, mm_per_px), zone_rows("tread", mm_per_px)
    y = _across(rows, mm_per_px)
    widths = _pitch_columns(model, columns)
    tiles = {w: pitch(model, rows, w, mm_per_px) for w in set(widths)}
    carved = np.concatenate([tiles[w][0] for w in widths], axis=1)
    grooved = np.concatenate([tiles[w][1] for w in widths], axis=1)
    carved = np.where(grooved, np.minimum(carved, _indicator_limit(model, y, columns, mm_per_px)), carved)
    height = crown(y) + _partings(columns, mm_per_px) * (carved < 0.2) - carved
    parts = np.where(carved > 1.2, PART_VALUES["groove"], PART_VALUES["tread"]).astype(np.uint8)
    parts[np.abs(y[:, 0]) > SHOULDER_MM] = PART_VALUES["shoulder"]
    return height.astype(np.float32), _without_sipes(parts, mm_per_px)


def indicator_columns(model: TyreModel, mm_per_px: float) -> list[int]:
    """Columns of the turn at which wear indicators stand."""
    columns = turn_columns(model, mm_per_px)
    return [round((k + 0.35) * columns / WEAR_INDICATORS) for k in range(WEAR_INDICATORS)]


def _pitch_columns(model: TyreModel, columns: int) -> list[int]:
    """Width in columns of every pitch; they add up to the turn."""
    order = np.random.default_rng(model.pitch_order).permutation(np.arange(model.pitches) % 3)
    shares = np.cumsum([_PITCH_LENGTHS[k] for k in order])
    edges = np.concatenate([[0], np.round(shares / shares[-1] * columns)]).astype(int)
    return [int(w) for w in np.diff(edges)]


def pitch(model: TyreModel, rows: int, width: int, mm_per_px: float) -> tuple[Field, NDArray[np.bool_]]:
    """One pitch of `width` columns: depth carved below the surface (mm), and where a main groove did it.

    Every pixel is the mean of several samples, so that slanting edges are smooth.
    """
    fine_rows, fine_width = rows * _OVERSAMPLING, width * _OVERSAMPLING
    y = _across(fine_rows, mm_per_px / _OVERSAMPLING)
    u: Field = ((np.arange(fine_width, dtype=np.float32) + np.float32(0.5)) / np.float32(fine_width))[None, :]
    flank = max(_FLANK_MM, 1.2 * mm_per_px)
    carved = np.zeros((fine_rows, fine_width), np.float32)
    for lateral in model.laterals:
        rows_of = _between(y, min(lateral.start, lateral.end), max(lateral.start, lateral.end))
        depth = _lateral_depth(lateral, y[rows_of], u, width * mm_per_px, mm_per_px)
        np.maximum(carved[rows_of], depth, out=carved[rows_of])
    main = np.zeros_like(carved)
    for groove in model.grooves:
        reach = groove.width / 2 + flank + groove.zigzag
        rows_of = _between(y, groove.y - reach, groove.y + reach)
        np.maximum(main[rows_of], _groove_depth(groove, y[rows_of], u, flank), out=main[rows_of])
    depths: Field = cv2.resize(np.maximum(carved, main), (width, rows), interpolation=cv2.INTER_AREA)
    by_main = cv2.resize((main >= carved).astype(np.float32), (width, rows), interpolation=cv2.INTER_AREA)
    return depths, np.asarray(by_main > 0.5)


def _between(y: Field, low: float, high: float) -> slice:
    """The rows from `low` to `high` mm across, one more on either side: nothing is carved beyond them."""
    first, last = np.searchsorted(y[:, 0], (low, high))
    return slice(max(0, int(first) - 1), int(last) + 1)


def _across(rows: int, mm_per_px: float) -> Field:
    """(rows, 1): distance of each row from the tread's middle line, in mm."""
    from_rim = (np.arange(rows, dtype=np.float32) + np.float32(0.5)) * np.float32(mm_per_px)
    across: Field = (from_rim - np.float32(ZONE_WIDTH_MM["tread"] / 2))[:, None]
    return across


def _groove_depth(groove: Groove, y: Field, u: Field, flank: float) -> Field:
    centre = np.float32(groove.y) + np.float32(groove.zigzag) * triangle(u)
    depth: Field = ridge(y - centre, groove.width - 2 * flank, 2 * flank) * np.float32(groove.depth)
    return depth


def _lateral_depth(lateral: Lateral, y: Field, u: Field, pitch_mm: float, mm_per_px: float) -> Field:
    length = lateral.end - lateral.start
    t = (y - np.float32(lateral.start)) / np.float32(length)
    path = lateral.u + lateral.slope * t + lateral.bend * t * t
    if lateral.zigzag:
        path = path + lateral.zigzag * triangle(y / np.float32(7.0))
    direction = (lateral.slope + 2 * lateral.bend * np.clip(t, 0, 1)) * pitch_mm / length
    distance = wrapped(u - path, 1.0) * np.float32(pitch_mm) / np.sqrt(1 + direction * direction)
    # A sipe thinner than a pixel is drawn one pixel wide but shallower: the camera could not tell the difference.
    width = max(lateral.width, 1.1 * mm_per_px)
    flank = min(_FLANK_MM, 0.45 * width)
    deepest = np.float32(lateral.depth * min(1.0, lateral.width / (0.8 * mm_per_px)))
    ends = smoothstep(np.minimum(t, 1 - t) * np.float32(abs(length) / 1.2))
    depth: Field = ridge(distance, width - flank, flank) * ends * deepest
    return depth


def _indicator_limit(model: TyreModel, y: Field, columns: int, mm_per_px: float) -> Field:
    """Greatest groove depth at each column: less than the groove's own where a wear indicator stands."""
    x = np.arange(columns, dtype=np.float32)[None, :]
    nearest = np.min(
        [np.abs(wrapped(x - c, columns)) for c in indicator_columns(model, mm_per_px)], axis=0
    ) * np.float32(mm_per_px)
    bar = ridge(nearest, 8.0, max(1.0, mm_per_px))
    floor = np.float32(max(g.depth for g in model.grooves))
    limit: Field = floor - bar * np.float32(WEAR_INDICATOR_MM)
    return limit


def crown(y: Field) -> Field:
    """The tread's curvature across: nearly flat, then falling away over the shoulders."""
    beyond = np.maximum(np.abs(y) - np.float32(70.0), 0)
    crown: Field = -(y * y) / np.float32(2600.0) - beyond * beyond / np.float32(150.0)
    return crown


def _partings(columns: int, mm_per_px: float) -> Field:
    """Faint ridges (0.15 mm) where the mould's segments meet, (1, columns)."""
    x = np.arange(columns, dtype=np.float32)[None, :] * np.float32(mm_per_px)
    turn = columns * mm_per_px
    joints = [(k + 0.1) * turn / SEGMENTS for k in range(SEGMENTS)]
    nearest = np.min([np.abs(wrapped(x - np.float32(j), turn)) for j in joints], axis=0)
    partings: Field = np.float32(0.15) * ridge(nearest, 0.3, max(0.3, 0.8 * mm_per_px))
    return partings


def _without_sipes(parts: NDArray[np.uint8], mm_per_px: float) -> NDArray[np.uint8]:
    """Sipes belong to their block: close whatever is thinner than a sipe."""
    groove = (parts == PART_VALUES["groove"]).astype(np.uint8)
    side = 2 * max(1, round(_SIPE_MM / mm_per_px / 2)) + 1
    opened = cv2.morphologyEx(groove, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    parts[(groove > 0) & (opened == 0)] = PART_VALUES["tread"]
    return parts
