"""One good picture → numbers that say how it looks: colours, texture, edges, outline, symmetry, things.

In: RGB. Out: `Looks`. Colours are the named ones of the scenes that the encoder was trained on, nearest in CIELAB;
texture is the grey-level co-occurrence of Haralick et al. (IEEE Trans. SMC 1973) and the structure tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.scenes.materials import COLOURS

WORKING_SIDE = 256
"""Shorter side in pixels of the picture that is measured; smaller pictures are not enlarged."""
RIM = 0.03
"""Width of the rim that shows the background, where there is one, as a share of the shorter side."""
EVEN = 8.0
"""ΔE (CIE 1976) from the median of the rim up to which a pixel of it is background."""
EVEN_SHARE = 0.85
"""Share of the rim that must be background for there to be one."""
DISTINCT = 20.0
"""ΔE from the background beyond which a pixel belongs to a thing."""
LEAST_THING = 0.2
"""Share of the largest thing's area that another must have to be counted."""
LEAST_COVER, MOST_COVER = 0.02, 0.97
"""Shares of the picture that things must cover to have an outline at all."""
LEVELS = 16
"""Of grey in co-occurrences, over the full range."""
OFFSETS = ((0, 1), (1, 0), (1, 1), (1, -1))
EDGE = 0.1
"""Change of grey per pixel, of its range, from which there is an edge."""


@dataclass(frozen=True)
class Outline:
    """The silhouette of a single thing before an even background."""

    cover: float
    """Share of the picture."""
    roundness: float
    """4π · area / perimeter², about 1 for a disc."""
    rectangularity: float
    """Area over that of the smallest turned rectangle around it."""
    solidity: float
    """Area over that of its convex hull."""
    aspect: float
    """Longer over shorter side of that rectangle."""
    centre: tuple[float, float]
    """(x, y) as shares of width and height."""


@dataclass(frozen=True)
class Looks:
    """What is measured of one picture; of things where there are some, else of the whole picture."""

    colours: Mapping[str, float]
    """Name → share of the area."""
    lightness: float
    """Mean L* of the whole picture, [0, 100]."""
    contrast: float
    homogeneity: float
    energy: float
    correlation: float
    edges: float
    """Share of pixels at an edge."""
    coherence: float
    """Of the structure tensor, [0, 1]: 1 where all lines run one way."""
    direction: float
    """Of the lines, degrees from horizontal, counter-clockwise, [0, 180)."""
    symmetry: Mapping[str, float]
    """"left-right", "top-bottom", "half turn", "quarter turn" → correlation of the picture with itself so changed."""
    things: int
    """Separate things before an even background; 0: the product fills the picture."""
    outline: Outline | None


def looks_of(rgb: NDArray[np.uint8], before_background: bool = True) -> Looks:
    """Measure a picture (H, W, 3); without `before_background` all of it, whatever its rim looks like."""
    small = _reduced(rgb)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    things = _things(np.asarray(lab)) if before_background else []
    inside = np.any(things, axis=0) if things else np.ones(grey.shape, bool)
    texture = _texture(np.asarray(grey), inside)
    edges, coherence, direction = _edges(np.asarray(grey), inside)
    return Looks(
        colours=_colours(np.asarray(lab), inside),
        lightness=float(lab[..., 0].mean()),
        contrast=texture[0],
        homogeneity=texture[1],
        energy=texture[2],
        correlation=texture[3],
        edges=edges,
        coherence=coherence,
        direction=direction,
        symmetry=_symmetry(np.asarray(grey), inside),
        things=len(things),
        outline=_outline(things[0]) if len(things) == 1 else None,
    )


def things_of(rgb: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Pixels (H, W) of what stands before an even background; None where there is none, for a picture (H, W, 3)."""
    things = _things(np.asarray(cv2.cvtColor(_reduced(rgb).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)))
    if not things:
        return None
    size = (rgb.shape[1], rgb.shape[0])
    mask = np.any(things, axis=0).astype(np.uint8)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0)


def _reduced(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = WORKING_SIDE / min(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _things(lab: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    """Silhouettes (h, w), the largest first; none where the rim is not even, or nothing stands out from it."""
    height, width = lab.shape[:2]
    rim = max(1, round(RIM * min(height, width)))
    border = np.ones((height, width), bool)
    border[rim : height - rim, rim : width - rim] = False
    background = np.median(lab[border], axis=0)
    distance = np.linalg.norm(lab - background, axis=2)
    if np.mean(distance[border] <= EVEN) < EVEN_SHARE:
        return []
    mask = cv2.morphologyEx((distance > DISTINCT).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = []
    for contour in contours:
        silhouette = np.zeros((height, width), np.uint8)
        cv2.drawContours(silhouette, [contour], -1, 1, cv2.FILLED)
        filled.append(silhouette > 0)
    filled.sort(key=lambda one: -int(one.sum()))
    largest = int(filled[0].sum()) if filled else 0
    things = [one for one in filled if one.sum() >= LEAST_THING * largest]
    cover = sum(float(one.mean()) for one in things)
    return things if LEAST_COVER <= cover <= MOST_COVER else []


def _colours(lab: NDArray[np.float32], inside: NDArray[np.bool_]) -> dict[str, float]:
    named = np.array(list(COLOURS.values()), np.float32)[None]
    anchors = np.asarray(cv2.cvtColor(named, cv2.COLOR_RGB2LAB))[0]
    nearest = np.linalg.norm(lab[inside][:, None] - anchors[None], axis=2).argmin(1)
    shares = np.bincount(nearest, minlength=len(COLOURS)) / len(nearest)
    return {name: float(share) for name, share in zip(COLOURS, shares, strict=True)}


def _texture(grey: NDArray[np.uint8], inside: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Contrast, homogeneity, energy and correlation of co-occurring grey levels, mean over four directions."""
    levels = (grey.astype(int) * LEVELS) // 256
    i, j = np.mgrid[:LEVELS, :LEVELS]
    found = []
    for dy, dx in OFFSETS:
        rows, columns = grey.shape[0] - dy, grey.shape[1] - abs(dx)
        left = max(-dx, 0)
        here = (slice(0, rows), slice(left, left + columns))
        there = (slice(dy, dy + rows), slice(left + dx, left + dx + columns))
        both = inside[here] & inside[there]
        pairs = np.bincount(LEVELS * levels[here][both] + levels[there][both], minlength=LEVELS**2)
        counts = pairs.reshape(LEVELS, LEVELS) + pairs.reshape(LEVELS, LEVELS).T
        p = counts / max(counts.sum(), 1)
        mean = (i * p).sum()
        variance = ((i - mean) ** 2 * p).sum()
        correlation = ((i - mean) * (j - mean) * p).sum() / variance if variance > 0 else 1.0
        found.append(
            [((i - j) ** 2 * p).sum(), (p / (1 + (i - j) ** 2)).sum(), np.sqrt((p**2).sum()), correlation]
        )
    contrast, homogeneity, energy, correlation = (float(value) for value in np.mean(found, axis=0))
    return contrast, homogeneity, energy, correlation


def _edges(grey: NDArray[np.uint8], inside: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Share of pixels at an edge; coherence and direction of lines. The silhouette's own edge does not count."""
    values = grey.astype(np.float32) / 255
    dx = cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    inner = inside
    if not inside.all():
        inner = cv2.erode(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    if not inner.any():
        return 0.0, 0.0, 0.0
    xx, yy, xy = (float((a * b)[inner].mean()) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    coherence = float(np.hypot(xx - yy, 2 * xy) / (xx + yy)) if xx + yy > 0 else 0.0
    # Gradients cross the lines; rows count downwards.
    across = 0.5 * np.degrees(np.arctan2(2 * xy, xx - yy))
    return float((np.hypot(dx, dy)[inner] > EDGE).mean()), coherence, float((90 - across) % 180)


def _symmetry(grey: NDArray[np.uint8], inside: NDArray[np.bool_]) -> dict[str, float]:
    """Correlations of the smoothed picture, cut to its things, with itself mirrored and turned."""
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    cut = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    side = cv2.resize(cv2.GaussianBlur(cut, (0, 0), 1.5), (64, 64), interpolation=cv2.INTER_AREA)
    changed = {"left-right": side[:, ::-1], "top-bottom": side[::-1], "half turn": side[::-1, ::-1]}
    if abs(np.log(cut.shape[0] / cut.shape[1])) < np.log(1.1):
        changed["quarter turn"] = np.rot90(side)
    return {name: _correlation(np.asarray(side), np.asarray(other)) for name, other in changed.items()}


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 1.0


def _outline(thing: NDArray[np.bool_]) -> Outline:
    (contour, *_), _ = cv2.findContours(thing.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    # Contours run through the middles of pixels: half a pixel is added all around.
    perimeter = cv2.arcLength(contour, True)
    area = cv2.contourArea(contour) + perimeter / 2 + 1
    (_, (width, height), _) = cv2.minAreaRect(contour)
    sides = sorted((width + 1, height + 1))
    hull = cv2.convexHull(contour)
    hull_area = cv2.contourArea(hull) + cv2.arcLength(hull, True) / 2 + 1
    ys, xs = np.nonzero(thing)
    return Outline(
        cover=float(thing.mean()),
        roundness=float(4 * np.pi * area / (perimeter + np.pi) ** 2),
        rectangularity=float(area / (sides[0] * sides[1])),
        solidity=float(area / hull_area),
        aspect=float(sides[1] / sides[0]),
        centre=(float((xs.mean() + 0.5) / thing.shape[1]), float((ys.mean() + 0.5) / thing.shape[0])),
    )
