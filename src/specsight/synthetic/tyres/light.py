"""Light on a surface: a height field, a reflectance and a lighting → radiance, and the normals on the way.

Lambertian diffuse plus a broad Blinn-Phong lobe (rubber's diffuse reflectance is so low that its sheen is of the same
order), ambient occlusion from blurred heights, and cast shadows by one sweep along the light.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field
from specsight.synthetic.tyres.conditions import Light
from specsight.synthetic.tyres.rubber import Surface

_FLAT_GREY = {"diffuse": 0.066, "grazing": 0.080, "dark_field": 0.024, "low": 0.018}
"""Linear grey level that flat plain rubber takes: exposure is set once per lighting, never by the picture's content."""

_REFERENCE_ALBEDO = 0.045
_SHEEN = 0.030
_LOBE = 9.0
"""Blinn-Phong exponent: rubber's highlights are wide."""

_PENUMBRA_MM = 0.12
_DEEPEST_MM = 8.0
_UPSTREAM_PX = 160

_OCCLUSION_SCALES_MM = (0.8, 2.5, 7.0)


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
    open_sky = _openness(surface.height, mm_per_px)
    if light.kind in ("grazing", "low"):
        diffuse, sheen = _directed(surface, n, open_sky, light, mm_per_px)
        flat_diffuse, flat_sheen = _flat_directed(light)
    elif light.kind == "dark_field":
        diffuse, sheen = _dark_field(n, open_sky)
        flat_diffuse, flat_sheen = 0.12, _ring_lobe(np.zeros(1, np.float32))[0]
    else:
        diffuse, sheen = _dome(n, open_sky)
        flat_diffuse, flat_sheen = 1.0, 0.25
    exposure = _FLAT_GREY[light.kind] / (_REFERENCE_ALBEDO * flat_diffuse + _SHEEN * flat_sheen)
    tint = np.asarray(light.tint, np.float32) * np.float32(exposure)
    reflected = surface.albedo * diffuse[..., None] + (np.float32(_SHEEN) * surface.gloss * sheen)[..., None]
    return reflected * tint, n


def _dome(n: Field, open_sky: Field) -> tuple[Field, Field]:
    """Light from everywhere: occlusion makes the picture; steep flanks shine a little more (Fresnel)."""
    nz = n[..., 2]
    # No dome is perfectly even: the camera's hole darkens it above, and its lamps stand on one side.
    diffuse = open_sky * (np.float32(0.55) + np.float32(0.45) * nz - np.float32(0.10) * n[..., 1])
    fresnel = 1 - nz
    return diffuse, open_sky * (np.float32(0.25) + np.float32(1.6) * fresnel)


def _directed(
    surface: Surface, n: Field, open_sky: Field, light: Light, mm_per_px: float
) -> tuple[Field, Field]:
    """One lamp at an angle and a little ambient light."""
    to_light = _direction(light)
    half = to_light + np.asarray((0, 0, 1), np.float32)
    half /= np.linalg.norm(half)
    lit = _visible(surface.height, light, mm_per_px)
    ambient = np.float32(_ambient(light)) * open_sky
    diffuse = np.maximum(n @ to_light, 0) * lit + ambient
    lobe = cv2.pow(np.maximum(n @ half, 0), _LOBE)
    return diffuse, lobe * lit + np.float32(0.25) * ambient


def _flat_directed(light: Light) -> tuple[float, float]:
    """(diffuse, sheen) of an unshadowed plane under the lamp."""
    to_light, ambient = _direction(light), _ambient(light)
    cos_half = (1 + float(to_light[2])) / math.sqrt(2 * (1 + float(to_light[2])))
    return float(to_light[2]) + ambient, cos_half**_LOBE + 0.25 * ambient


def _ambient(light: Light) -> float:
    return 0.045 if light.kind == "grazing" else 0.25


def _direction(light: Light) -> Field:
    azimuth, elevation = math.radians(light.azimuth), math.radians(light.elevation)
    across = math.cos(elevation)
    return np.asarray(
        (across * math.cos(azimuth), across * math.sin(azimuth), math.sin(elevation)), np.float32
    )


def _dark_field(n: Field, open_sky: Field) -> tuple[Field, Field]:
    """A low ring of lamps: planes send the light past the camera, edges and scratches send it in."""
    diffuse = open_sky * (np.float32(0.12) + np.float32(0.35) * (1 - n[..., 2]))
    tilt = np.arccos(np.clip(n[..., 2], 0, 1))
    return diffuse, _ring_lobe(tilt) * open_sky * open_sky


def _ring_lobe(tilt: Field) -> Field:
    """Sheen under a ring lamp 20° above the plane: strongest where the surface tilts by half of the other 70°."""
    offset = (tilt - np.float32(math.radians(35))) / np.float32(math.radians(14))
    lobe: Field = np.float32(1.3) * np.exp(-offset * offset) + np.float32(0.02)
    return lobe


def _openness(height: Field, mm_per_px: float) -> Field:
    """(rows, columns) in (0, 1]: the share of the sky a point sees, from how far its surroundings rise above it."""
    closed = np.zeros_like(height)
    for scale_mm in _OCCLUSION_SCALES_MM:
        above = _blurred(height, scale_mm / mm_per_px) - height
        np.maximum(above, 0, out=above)
        closed += above / (above + np.float32(1.1 * scale_mm))
    openness: Field = np.exp(np.float32(-2.1) * closed)
    return openness


def _blurred(height: Field, sigma_px: float) -> Field:
    """Gaussian blur; wide ones at half the resolution, which nobody can see."""
    if sigma_px < 6:
        near: Field = cv2.GaussianBlur(height, (0, 0), max(0.6, sigma_px))
        return near
    rows, columns = height.shape
    small = cv2.resize(height, ((columns + 1) // 2, (rows + 1) // 2), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / 2)
    wide: Field = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return wide


def _visible(height: Field, light: Light, mm_per_px: float) -> Field:
    """(rows, columns) in [0, 1]: how much of the lamp a point sees past whatever stands between."""
    azimuth = math.radians(light.azimuth)
    dx, dy = math.cos(azimuth), math.sin(azimuth)
    if abs(dx) < abs(dy):
        return np.ascontiguousarray(_visible_along_rows(height.T, dy, dx, light, mm_per_px).T)
    return _visible_along_rows(height, dx, dy, light, mm_per_px)


def _visible_along_rows(
    height: NDArray[np.float32], along: float, across: float, light: Light, mm_per_px: float
) -> Field:
    """Shear the field so that the light runs along rows, keep the running horizon, shear back."""
    shear = round(across / along, 9)
    fall = np.float32(math.tan(math.radians(light.elevation)) * mm_per_px / abs(along))
    # Slanting light enters over rows of which the canvas shows only a part: let the relief go on upstream.
    upstream = 0 if shear == 0 else min(_UPSTREAM_PX, math.ceil(_DEEPEST_MM / float(fall)))
    before, after = (0, upstream) if along > 0 else (upstream, 0)
    if upstream:
        height = cv2.copyMakeBorder(height, 0, 0, before, after, cv2.BORDER_REPLICATE)
    rows, columns = height.shape
    extra = math.ceil(abs(shear) * columns)
    forward = np.asarray([[1, 0, 0], [-shear, 1, extra if shear > 0 else 0]], np.float32)
    sheared = height
    if extra:
        size = (columns, rows + extra)
        sheared = cv2.warpAffine(height, forward, size, borderMode=cv2.BORDER_REPLICATE)
    if along > 0:
        sheared = sheared[:, ::-1]
    rays = sheared + fall * np.arange(columns, dtype=np.float32)
    above = np.maximum.accumulate(rays, axis=1) - rays
    # The lamp has a size: the shadow's rim is soft.
    lit = np.exp(above * np.float32(-1 / _PENUMBRA_MM))
    if along > 0:
        lit = lit[:, ::-1]
    lit = np.ascontiguousarray(lit)
    if extra:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        lit = cv2.warpAffine(lit, forward, (columns, rows), flags=flags)
    cropped: Field = lit[:, before : columns - after]
    return cropped
