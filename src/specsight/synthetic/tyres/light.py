"""Light on a surface: a height field, a reflectance and a lighting → radiance, and the normals on the way.

What a facet reflects is looked up by its normal (`reflection`), what it sees of the lamps follows from the heights
(`horizon`). Rubber's diffuse reflectance is so low that its broad sheen is of the same order.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field
from specsight.synthetic.tyres import reflection
from specsight.synthetic.tyres.conditions import Light
from specsight.synthetic.tyres.horizon import horizons, open_sky, over_horizon, sunlit
from specsight.synthetic.tyres.rubber import Surface

_FLAT_GREY = {"diffuse": 0.125, "grazing": 0.120, "dark_field": 0.062, "low": 0.040}
"""Linear grey level that flat plain rubber takes: exposure is set once per lighting, never by the picture's content."""

_REFERENCE_ALBEDO = 0.032
_LAMP_HALF_HEIGHT = {"grazing": 4.5, "low": 8.0}
_AMBIENT = {"grazing": 0.020, "low": 0.05, "dark_field": 0.004}
"""Light of the hall in units of an even sky, beside lamps that together weigh 1."""
_DULLEST, _SHINIEST = 1.0, 2.5
"""Gloss up to which the lobe is rubber's own, and from which it is that of a smooth skin."""


def normals(height: Field, mm_per_px: float) -> Field:
    """(rows, columns, 3) unit normals in image axes: x to the right, y down, z towards the camera."""
    scale = -0.5 / mm_per_px
    nx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=1, scale=scale)
    ny = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=1, scale=scale)
    nz = 1 / np.sqrt(1 + nx * nx + ny * ny)
    return np.stack([nx * nz, ny * nz, nz], axis=-1)


def radiance(surface: Surface, light: Light, mm_per_px: float) -> tuple[Field, Field]:
    """((rows, columns, 3) linear radiance, (rows, columns, 3) normals); flat plain rubber has `_FLAT_GREY`."""
    n = normals(surface.height, mm_per_px)
    at = reflection.positions(n)
    around = horizons(surface.height, mm_per_px)
    sky = open_sky(around, n)
    if light.kind == "diffuse":
        shares, flat = _dome(at, sky)
    elif light.kind == "dark_field":
        shares, flat = _ring(at, sky, around)
    else:
        shares, flat = _bar(surface.height, light, mm_per_px, at, sky)
    exposure = np.float32(_FLAT_GREY[light.kind] / float(_REFERENCE_ALBEDO * flat[0] + flat[1]))
    sharpness = np.clip((surface.gloss - np.float32(_DULLEST)) * np.float32(1 / (_SHINIEST - _DULLEST)), 0, 1)
    sheen = shares[..., 1] + sharpness * (shares[..., 2] - shares[..., 1])
    sheen += _edges(surface.height, n, mm_per_px) * (shares[..., 3] - sheen)
    sheen *= surface.gloss
    reflected = surface.albedo * shares[..., :1]
    reflected += sheen[..., None]
    reflected *= np.asarray(light.tint, np.float32) * exposure
    return reflected, n


Shares = tuple[Field, NDArray[np.float32]]
"""(white Lambertian, matt, glossy, broad lobe) of every pixel (rows, columns, 4), and of an open plane (4,)."""


def _edges(height: Field, normals: Field, mm_per_px: float) -> Field:
    """(rows, columns) in [0, 1]: how broad the lobe becomes where the normal turns within a pixel.

    The normals inside a pixel vary as a uniform turn does, and their variance adds to the lobe's (Toksvig, JGT 2005).
    """
    turn_x = cv2.Sobel(height, cv2.CV_32F, 2, 0, ksize=1)
    turn_y = cv2.Sobel(height, cv2.CV_32F, 0, 2, ksize=1)
    foreshortened = normals[..., 2] * normals[..., 2]
    variance = (turn_x * turn_x + turn_y * turn_y) * (foreshortened * foreshortened)
    variance *= np.float32(2 / 12 / mm_per_px**2 / (reflection.BROAD**2 - reflection.MATT**2))
    share: Field = np.minimum(variance, 1)
    return share


def _dome(at: tuple[Field, Field], sky: Field) -> Shares:
    """Light from everywhere: what stands around a point takes it away, and flanks mirror the dome's bright sides."""
    table = reflection.dome()
    shares = reflection.reflected(table, at)
    # A groove's floor sees the zenith only, and there is the camera's hole.
    shares[..., 0] *= sky * np.sqrt(sky)
    shares[..., 1:] *= sky[..., None]
    return shares, reflection.flat(table)


def _bar(height: Field, light: Light, mm_per_px: float, at: tuple[Field, Field], sky: Field) -> Shares:
    """One bar lamp at an angle, and the light of the hall."""
    half_height, ambient = _LAMP_HALF_HEIGHT[light.kind], np.float32(_AMBIENT[light.kind])
    table, hall = reflection.lamp(light.azimuth, light.elevation, half_height), reflection.dome()
    lit = sunlit(height, light, half_height, mm_per_px)
    shares = reflection.reflected(table, at) * lit[..., None]
    shares += reflection.reflected(hall, at) * (ambient * sky)[..., None]
    return shares, reflection.flat(table) + ambient * reflection.flat(hall)


def _ring(at: tuple[Field, Field], sky: Field, around: list[Field]) -> Shares:
    """A low ring of lamps: planes send its light past the camera, what is inclined sends some of it in."""
    ambient, hall = np.float32(_AMBIENT["dark_field"]), reflection.dome()
    shares = reflection.reflected(hall, at) * (ambient * sky)[..., None]
    flat = ambient * reflection.flat(hall)
    for table, horizon in zip(reflection.ring(), around):
        shares += (
            reflection.reflected(table, at) * over_horizon(horizon, *reflection.RING_ELEVATION)[..., None]
        )
        flat = flat + reflection.flat(table)
    return shares, flat
