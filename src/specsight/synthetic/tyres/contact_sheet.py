"""One picture of what the tyre line makes: zones by lights, every defect with its outline, and a strip.

`python -m specsight.synthetic.tyres.contact_sheet docs/images/tyres.jpg` draws the one in the documentation. With names
of models behind it (`invented:0 invented:1`), it draws these instead, one a row.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.storage import write_bytes
from specsight.synthetic.tyres.conditions import LIGHTS, LightKind
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.geometry import ZONES, Zone
from specsight.synthetic.tyres.rendering import Rendered, render
from specsight.synthetic.tyres.scene import sample_tyre_scene

Image = NDArray[np.uint8]

_TILE = 200
_ACROSS = 7
_OUTLINE = (255, 96, 64)


def contact_sheet(seed: int = 1) -> Image:
    """(H, W, 3) uint8 RGB: good tyres by zone and light, all defect types in two lights, and a whole strip."""
    good = [
        _tile(render(sample_tyre_scene((seed, z, k), zone, light)), f"{zone}, {light.replace('_', ' ')}")
        for z, zone in enumerate(ZONES)
        for k, light in enumerate(LIGHTS)
    ]
    bad = [_defective(seed, n, name) for n, name in enumerate(KINDS)]
    rows = [*_rows(good + _low_blister(seed)), *_rows(bad), *_strip(seed)]
    return np.concatenate(rows, axis=0)


def models_sheet(names: Sequence[str], seed: int = 1) -> Image:
    """(H, W, 3) uint8 RGB: good tyres of each model, one model a row: its tread, its lettering, its bead."""
    views: tuple[tuple[Zone, LightKind], ...] = (
        ("tread", "diffuse"), ("tread", "grazing"), ("tread", "dark_field"), ("tread", "grazing"),
        ("sidewall", "grazing"), ("sidewall", "dark_field"), ("bead", "grazing"),
    )  # fmt: skip
    tiles = []
    for name in names:
        for k, (zone, light) in enumerate(views):
            wanted = ("wrong lettering",) if zone == "sidewall" else ()
            scene = sample_tyre_scene((seed, k, 31), zone, light, name, wanted=wanted)
            tiles.append(_tile(render(scene), f"{name} {scene.model.brand}" if k == 0 else scene.model.size))
    return np.concatenate(_rows(tiles), axis=0)


def _defective(seed: int, n: int, name: str) -> Image:
    for k in range(20):
        light = LIGHTS[(n + k) % 3]
        scene = sample_tyre_scene((seed, n, k, 7), light=light, wanted=(name,))
        picture = render(scene, (name,))
        if picture.defects and "rgb" in picture.defects[0].visible:
            break
    return _tile(picture, f"{name} {picture.defects[0].size_mm:.0f} mm")


def _low_blister(seed: int) -> list[Image]:
    """A low blister under diffuse light: as RGB, and as the depth that gives it away."""
    for k in range(60):
        scene = sample_tyre_scene((seed, k, 13), "sidewall", "diffuse", wanted=("blister",))
        bad = render(scene, ("blister",))
        if bad.defects and bad.defects[0].visible == "depth" and bad.defects[0].parts.get("sidewall") == 1:
            break
    # The sidewall's own curvature runs across: what stands before each row's plain surface is relief.
    relief = np.quantile(bad.depth, 0.7, axis=1, keepdims=True) - bad.depth
    grey = np.clip(90 + 170 * relief, 0, 255).astype(np.uint8)
    as_depth = Rendered(np.stack([grey] * 3, axis=-1), bad.depth, bad.normals, bad.parts, (), ())
    return [_tile(bad, "low blister: RGB"), _tile(as_depth, "low blister: depth")]


def _tile(picture: Rendered, caption: str) -> Image:
    image = picture.rgb.copy()
    for truth in picture.defects:
        around = cv2.dilate(truth.mask.astype(np.uint8), np.ones((9, 9), np.uint8))
        outlines, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outlines, -1, _OUTLINE, 1, cv2.LINE_AA)
    image = cv2.resize(image, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
    cv2.putText(image, caption, (5, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
    tile: Image = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    return tile


def _rows(tiles: list[Image]) -> list[Image]:
    return [np.concatenate(tiles[k : k + _ACROSS], axis=1) for k in range(0, len(tiles), _ACROSS)]


def _strip(seed: int) -> list[Image]:
    """Pieces of two strips, cut so that the picture's middle is the seam of the files."""
    width, strips = _ACROSS * (_TILE + 2), []
    for zone in ("tread", "sidewall"):
        rgb = render(sample_tyre_scene((seed, 3), zone, "grazing", strip=True)).rgb
        strips.append(np.roll(rgb, width // 2, axis=1)[:, :width])
    return strips


if __name__ == "__main__":
    sheet = models_sheet(sys.argv[2:]) if sys.argv[2:] else contact_sheet()
    pixels = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 84])[1]
    write_bytes(Path(sys.argv[1]), pixels.tobytes())
