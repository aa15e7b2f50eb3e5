"""How facets reflect a lighting towards the camera: tables over the facet's direction, integrated over the lamps.

The camera looks along -z at every point, so what a facet reflects depends on its normal alone. A table holds, for
every normal, the radiance of a white Lambertian surface and of a dielectric's rough lobe at three roughnesses: GGX with
Smith's masking (Walter et al., EGSR 2007; Heitz, JCGT 2014) and Schlick's Fresnel term at a refractive index of 1.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field, smoothstep

SECTORS = 8
"""Directions, 45° apart from 0° on, in which the ring lamp is divided and the horizon is measured."""

_SIDE = 65
_BLOCK = 120_000
MATT, _GLOSSY, BROAD = 0.23, 0.11, 0.60
"""GGX widths (squared roughness) of plain cured rubber, of a smooth, shiny skin, and of an edge within one pixel."""
_NORMAL_REFLECTANCE = 0.04
_GRAZING = 0.04
"""Least cosine towards the camera: a facet seen edge on covers no pixel."""

RING_ELEVATION = (4.0, 16.0)
"""Degrees between which the ring lamp of the dark field stands."""
_LAMP_HALF_WIDTH = 14.0


@dataclass(frozen=True)
class Lamps:
    """Point lamps that stand for an area: unit `directions` (N, 3) and what each `weighs` (N,), radiance × angle."""

    directions: Field
    weights: Field


@lru_cache(maxsize=1)
def dome() -> Field:
    """Table of a diffuse dome: dark at the camera's hole and below the dome's rim, brighter on the lamps' side."""
    zenith, azimuth = np.meshgrid(
        np.radians(np.arange(1.25, 90, 2.5)), np.radians(np.arange(0, 360, 10.0)), indexing="ij"
    )
    from_zenith = np.degrees(zenith).astype(np.float32)
    hole = smoothstep((from_zenith - 6) / 8)
    rim = smoothstep((np.float32(80) - from_zenith) / 18)
    side = 1 - 0.36 * np.sin(zenith) * np.sin(azimuth) + 0.10 * np.sin(zenith) * np.cos(azimuth)
    radiance = (0.25 + 0.75 * hole) * (0.04 + 0.96 * rim) * (1 - from_zenith / 130) * side
    solid_angle = np.sin(zenith) * math.radians(2.5) * math.radians(10.0)
    return table(_lamps(azimuth, np.pi / 2 - zenith, radiance * solid_angle))


@lru_cache(maxsize=32)
def lamp(azimuth: float, elevation: float, half_height: float) -> Field:
    """Table of one bar lamp, its middle at `azimuth` and `elevation` (degrees), 2 · `half_height` degrees high."""
    heights, sides = np.meshgrid(
        np.radians(elevation + half_height * np.linspace(-0.8, 0.8, 5)),
        np.radians(azimuth + _LAMP_HALF_WIDTH * np.linspace(-0.8, 0.8, 5)),
        indexing="ij",
    )
    return table(_lamps(sides, heights, np.full(heights.shape, 1 / heights.size)))


@lru_cache(maxsize=1)
def ring() -> tuple[Field, ...]:
    """Tables of the sectors of a low ring of lamps (dark field), which together weigh 1."""
    elevations = np.radians(np.linspace(*RING_ELEVATION, 5))
    within = np.radians(360 / SECTORS * (np.arange(4) - 1.5) / 4)
    tables = []
    for sector in range(SECTORS):
        heights, sides = np.meshgrid(elevations, np.radians(360 / SECTORS * sector) + within, indexing="ij")
        tables.append(table(_lamps(sides, heights, np.full(heights.shape, 1 / heights.size / SECTORS))))
    return tuple(tables)


def table(lamps: Lamps) -> Field:
    """(side, side, 4): white Lambertian, matt, glossy and broad lobe; rows and columns are `positions` of normals."""
    axis = np.linspace(-1, 1, _SIDE, dtype=np.float32)
    px, py = np.meshgrid(axis, axis)
    square = np.minimum(px * px + py * py, np.float32(0.995))
    scale = 2 / (1 + square)
    n = np.stack([px * scale, py * scale, (1 - square) / (1 + square)], axis=-1).reshape(-1, 3)
    n /= np.linalg.norm(n, axis=-1, keepdims=True)
    # In blocks, so that facets × lamps stay in the processor's cache.
    blocks = math.ceil(len(n) * len(lamps.weights) / _BLOCK)
    reflections = [_reflections(block, lamps) for block in np.array_split(n, blocks)]
    result: Field = np.concatenate(reflections).reshape(_SIDE, _SIDE, 4).astype(np.float32)
    result.flags.writeable = False
    return result


def _reflections(n: Field, lamps: Lamps) -> Field:
    """(N, 4): what facets with the unit normals `n` (N, 3) reflect of the lamps; the columns of a table."""
    half = lamps.directions + np.asarray((0, 0, 1), np.float32)
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    n_l, n_h = np.maximum(n @ lamps.directions.T, 0), np.maximum(n @ half.T, 0)
    n_v = np.maximum(n[:, 2:], np.float32(_GRAZING))
    fresnel = _NORMAL_REFLECTANCE + (1 - _NORMAL_REFLECTANCE) * (1 - half[:, 2]) ** 5
    lit = lamps.weights * n_l
    columns = [lit.sum(axis=1) / np.pi]
    for width in (MATT, _GLOSSY, BROAD):
        squared = np.float32(width * width)
        spread = squared / (np.pi * (n_h * n_h * (squared - 1) + 1) ** 2)
        masking = 0.5 / ((1 - width) * 2 * n_l * n_v + width * (n_l + n_v) + np.float32(1e-6))
        columns.append((lit * spread * masking * fresnel).sum(axis=1))
    reflections: Field = np.stack(columns, axis=-1)
    return reflections


def positions(normals: Field) -> tuple[Field, Field]:
    """Where each of `normals` (H, W, 3) lies in a table: (columns, rows); stereographic, flat ones in the middle."""
    scale = np.float32((_SIDE - 1) / 2) / (1 + normals[..., 2])
    middle = np.float32((_SIDE - 1) / 2)
    return normals[..., 0] * scale + middle, normals[..., 1] * scale + middle


def reflected(table: Field, at: tuple[Field, Field]) -> Field:
    """(H, W, 4): the table's values at `positions`."""
    values: Field = cv2.remap(table, *at, cv2.INTER_LINEAR)
    return values


def flat(table: Field) -> NDArray[np.float32]:
    """(4,): what a plane that faces the camera reflects."""
    middle: NDArray[np.float32] = table[_SIDE // 2, _SIDE // 2]
    return middle


def _lamps(
    azimuth: NDArray[np.float64], elevation: NDArray[np.float64], weights: NDArray[np.float64]
) -> Lamps:
    across = np.cos(elevation)
    directions = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), np.sin(elevation)], axis=-1)
    return Lamps(directions.reshape(-1, 3).astype(np.float32), weights.ravel().astype(np.float32))
