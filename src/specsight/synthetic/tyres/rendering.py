"""One scene → its pictures: RGB, depth, normals, part map, one mask per defect. No disk.

`sample_tyre_scene` decides everything that can vary from a seed; `render` and `render_pair` are then pure functions
of the scene, so the good and the defective picture of a pair differ by the defects alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.synthetic.fields import Field
from specsight.synthetic.tyres import defects as flaws
from specsight.synthetic.tyres import relief
from specsight.synthetic.tyres.camera import grey_levels, photograph
from specsight.synthetic.tyres.dressing import dress
from specsight.synthetic.tyres.features import Box, Feature
from specsight.synthetic.tyres.geometry import PART_NAMES
from specsight.synthetic.tyres.light import radiance
from specsight.synthetic.tyres.measure import feret_mm
from specsight.synthetic.tyres.rubber import Surface, vulcanise
from specsight.synthetic.tyres.scene import TyreScene

SENSOR_DISTANCE_MM = 250.0
"""Depth is the distance from the sensor: this minus the height."""

DEPTH_NOISE_MM = 0.012
DEPTH_STEP_MM = 0.001

_VISIBLE_LEVELS = 5.0
"""Grey levels of 255 by which a defect must change its brightest-changed tenth to be seen in RGB."""
_VISIBLE_DEPTH_MM = 0.06
_LEAST_MARK_PX = 4


@dataclass(frozen=True)
class Truth:
    """One defect of a picture, measured on its mask."""

    type: str
    mask: NDArray[np.bool_]
    size_mm: float
    """Longest extent (maximum Feret diameter)."""
    part: str
    """Where most of its pixels lie."""
    parts: dict[str, float]
    """Share of its pixels on every part it touches."""
    visible: str
    """Where it can be seen: "rgb", "depth", "rgb and depth", or "hardly"."""
    note: str


@dataclass(frozen=True)
class Mark:
    """Something acceptable on the tyre that words may speak of (chalk, a demoulding mark, the balance dot)."""

    kind: str
    size_mm: float
    """Longest extent (maximum Feret diameter) of what the picture shows of it; 0 for lettering."""
    part: str
    """Where most of its pixels lie."""
    pixels: NDArray[np.int32]
    """(N, 2): rows and columns of the picture that show it; of lettering, of its box. A strip has hundreds of marks,
    so that a mask of the whole picture for each would fill the memory: `mask` makes one."""

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """(rows, columns) of the picture, `shape`: true where it shows the mark."""
        mask = np.zeros(shape, np.bool_)
        mask[self.pixels[:, 0], self.pixels[:, 1]] = True
        return mask


@dataclass(frozen=True)
class Rendered:
    """The pictures of a scene; all arrays are (rows, columns[, 3]) of its window."""

    rgb: NDArray[np.uint8]
    depth: Field
    """Distance from the sensor, mm."""
    normals: Field
    parts: NDArray[np.uint8]
    defects: tuple[Truth, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Built:
    """The surfaces behind a pair of pictures, on the canvas: `bad` is `good` where no mask is set."""

    good: Surface
    bad: Surface
    features: tuple[Feature, ...]
    placed: tuple[flaws.Placed, ...]


def render(scene: TyreScene, defects: Sequence[str] = ()) -> Rendered:
    """The pictures of a scene with these types of defects (those that find a place; at most four)."""
    built = build(scene, defects)
    lit = radiance(built.good, scene.light, scene.window.mm_per_px)
    return _with_defects(scene, built, lit[0]) if built.placed else _without_defects(scene, built, lit)


def render_pair(scene: TyreScene, defects: Sequence[str]) -> tuple[Rendered, Rendered]:
    """(without the defects, with them): the same tyre, window, light and noise."""
    built = build(scene, defects)
    lit = radiance(built.good, scene.light, scene.window.mm_per_px)
    good = _without_defects(scene, built, lit)
    return good, _with_defects(scene, built, lit[0]) if built.placed else good


def build(scene: TyreScene, defects: Sequence[str] = ()) -> Built:
    """The surfaces of a scene: height, reflectance and gloss with and without the defects."""
    kinds = [flaws.kind_called(name) for name in defects]
    if len(kinds) > flaws.MAX_DEFECTS:
        raise SpecsightError(f"{len(kinds)} defects in one picture: at most {flaws.MAX_DEFECTS} are possible")
    window = scene.window
    turn = relief.turn(scene.model, scene.mould, scene.zone, window.mm_per_px)
    height, parts = turn.cut(window)
    good = vulcanise(scene.stream(1), window, height, parts, scene.plant, wear=scene.wear)
    features = dress(scene.stream(2), window, good, scene.model, scene.plant)
    bad, free, placed = good.copy(), flaws.rim_free(window), []
    rng = scene.stream(3)
    for kind in kinds:
        found = flaws.place(rng, flaws.Site(bad, window, turn, features, free), kind)
        if found is not None:
            placed.append(found)
            free = flaws.occupy(free, found.mask)
    for field in (bad.height, bad.gloss, bad.albedo):
        window.close(field)
    return Built(good, bad, features, tuple(placed))


def _without_defects(scene: TyreScene, built: Built, lit: tuple[Field, Field]) -> Rendered:
    """The good picture; `lit` is the good surface's radiance and normals."""
    return _picture(scene, built.good, *lit, truths=(), marks=_marks(scene, built.features))


def _with_defects(scene: TyreScene, built: Built, good_light: Field) -> Rendered:
    """The defective picture, and the truth measured against the good surface's radiance."""
    bad_light, normals = radiance(built.bad, scene.light, scene.window.mm_per_px)
    truths = tuple(_truth(scene, built, p, good_light, bad_light) for p in built.placed)
    types = {t.type for t in truths}
    remaining = tuple(m for m in _marks(scene, built.features) if not _removed(m, types))
    return _picture(scene, built.bad, bad_light, normals, truths=truths, marks=remaining)


def _picture(
    scene: TyreScene,
    surface: Surface,
    light: Field,
    normals: Field,
    *,
    truths: tuple[Truth, ...],
    marks: tuple[Mark, ...],
) -> Rendered:
    window, inner = scene.window, scene.window.inner
    rgb = photograph(scene.stream(4), light, window, scene.camera)
    noise = scene.stream(5).standard_normal((window.rows, window.columns), dtype=np.float32)
    depth = np.float32(SENSOR_DISTANCE_MM) - surface.height[inner] + noise * np.float32(DEPTH_NOISE_MM)
    depth = np.round(depth / np.float32(DEPTH_STEP_MM)) * np.float32(DEPTH_STEP_MM)
    shift = scene.opening
    return Rendered(
        rgb=_rolled(rgb, shift),
        depth=_rolled(depth.astype(np.float32), shift),
        normals=_rolled(normals[inner], shift),
        parts=_rolled(surface.parts[inner], shift),
        defects=tuple(replace(t, mask=_rolled(t.mask, shift)) for t in truths),
        marks=tuple(replace(m, pixels=_rolled_pixels(m.pixels, shift, window.columns)) for m in marks),
    )


def _rolled(array: np.ndarray, shift: int) -> np.ndarray:
    return np.ascontiguousarray(np.roll(array, shift, axis=1)) if shift else np.ascontiguousarray(array)


def _rolled_pixels(pixels: NDArray[np.int32], shift: int, columns: int) -> NDArray[np.int32]:
    rows, places = pixels.T
    return np.stack([rows, (places + shift) % columns], axis=1).astype(np.int32)


def _truth(
    scene: TyreScene, built: Built, placed: flaws.Placed, good_light: Field, bad_light: Field
) -> Truth:
    mask = placed.mask
    change = np.abs(grey_levels(bad_light[mask]) - grey_levels(good_light[mask])).max(axis=-1)
    in_rgb = float(np.quantile(change, 0.9)) * scene.camera.exposure >= _VISIBLE_LEVELS
    in_depth = float(np.abs(built.bad.height[mask] - built.good.height[mask]).max()) >= _VISIBLE_DEPTH_MM
    shares = _shares(built.good.parts[mask])
    return Truth(
        type=placed.kind.name,
        mask=mask[scene.window.inner],
        size_mm=feret_mm(mask, scene.window.mm_per_px),
        part=max(shares, key=lambda name: shares[name]),
        parts=shares,
        visible=" and ".join(n for n, yes in (("rgb", in_rgb), ("depth", in_depth)) if yes) or "hardly",
        note=placed.note,
    )


def _marks(scene: TyreScene, features: tuple[Feature, ...]) -> tuple[Mark, ...]:
    """The features that show in the window, measured there."""
    visible: list[Mark] = []
    inner = np.zeros(scene.window.canvas, bool)
    inner[scene.window.inner] = True
    turn = relief.turn(scene.model, scene.mould, scene.zone, scene.window.mm_per_px)
    parts = turn.cut(scene.window)[1]
    for text in turn.texts:
        box = relief.canvas_box(text, scene.window, turn)
        if text.inscription.kind in ("size", "dot code") and box is not None and inner[box].all():
            whole = np.ones(inner[box].shape, np.bool_)
            pixels = _pixels(scene, box, whole)
            visible.append(Mark(f"lettering '{text.inscription.text}'", 0.0, "lettering", pixels))
    for feature in features:
        mask = feature.mask & inner[feature.box]
        # Cut off by the picture's rim, a mark measures what is left of it: nobody sees more.
        if mask.sum() >= _LEAST_MARK_PX:
            shares = _shares(parts[feature.box][mask])
            part = max(shares, key=lambda name: shares[name])
            size = feret_mm(mask, scene.window.mm_per_px)
            visible.append(Mark(feature.kind, size, part, _pixels(scene, feature.box, mask)))
    return tuple(visible)


def _pixels(scene: TyreScene, box: Box, mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(N, 2): rows and columns in the window of the pixels of a mask within a box of the canvas."""
    corner = np.array([box[0].start, box[1].start]) - scene.window.margin
    pixels: NDArray[np.int32] = (np.argwhere(mask) + corner).astype(np.int32)
    return pixels


def _removed(mark: Mark, types: set[str]) -> bool:
    """Whether a defect of one of these types may have taken the mark away."""
    if mark.kind.startswith("lettering"):
        return bool(types & {"wrong lettering", "missing lettering", "underfill"})
    return mark.kind == "yellow balance dot" and "missing balance dot" in types


def _shares(values: NDArray[np.uint8]) -> dict[str, float]:
    counts = np.bincount(values, minlength=max(PART_NAMES) + 1)
    return {PART_NAMES[v]: float(counts[v] / len(values)) for v in PART_NAMES if counts[v]}
