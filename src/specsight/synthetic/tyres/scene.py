"""Everything that decides a picture but for its defects, sampled from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specsight.errors import SpecsightError
from specsight.synthetic.tyres import relief, sidewall
from specsight.synthetic.tyres.conditions import (
    LIGHTS,
    PLANTS,
    Camera,
    Light,
    LightKind,
    Plant,
    sample_camera,
    sample_light,
)
from specsight.synthetic.tyres.defects import kind_called
from specsight.synthetic.tyres.geometry import (
    FIELD_MM,
    ZONES,
    TyreModel,
    Window,
    Zone,
    crop_window,
    strip_window,
    turn_columns,
    zone_rows,
)
from specsight.synthetic.tyres.models import tyre_model


@dataclass(frozen=True)
class TyreScene:
    """Everything that decides a picture but for its defects. `seed` feeds every random choice of the rendering."""

    model: TyreModel
    window: Window
    mould: int
    plant: Plant
    wear: float
    light: Light
    camera: Camera
    seed: tuple[int, ...]

    @property
    def zone(self) -> Zone:
        """The zone that the window shows."""
        return self.window.zone

    def stream(self, purpose: int) -> np.random.Generator:
        """Randomness for one purpose: adding defects must not change the noise of the camera."""
        return np.random.default_rng([*self.seed, purpose])

    @property
    def opening(self) -> int:
        """Column at which a strip is cut open: any, so that whatever is on the tyre may straddle its ends."""
        return int(self.stream(6).integers(self.window.columns)) if self.window.circular else 0


def sample_tyre_scene(
    seed: Sequence[int],
    zone: Zone | None = None,
    light: LightKind | None = None,
    model: str = "touring",
    *,
    size: int = 256,
    strip: bool = False,
    wanted: Sequence[str] = (),
) -> TyreScene:
    """A scene from a seed; whatever is None is chosen at random. `size` is the side of a crop in pixels.

    `wanted` names defects to be rendered: the window is then one in which they can occur.
    """
    if size < 64:
        raise SpecsightError(f"size {size} is too small: at least 64 pixels are needed to show a groove")
    rng = np.random.default_rng([*seed, 0])
    tyre = tyre_model(model)
    mould = tyre.moulds[int(rng.integers(len(tyre.moulds)))]
    zone = zone or _zone_for(rng, wanted)
    kind = light or LIGHTS[int(rng.integers(len(LIGHTS)))]
    window = strip_window(tyre, zone, size) if strip else _crop(rng, tyre, mould, zone, size, wanted=wanted)
    return TyreScene(
        model=tyre,
        window=window,
        mould=mould,
        plant=tuple(PLANTS.values())[rng.integers(len(PLANTS))],
        wear=float(rng.choice((0.0, 0.0, 0.3, 0.6, 1.0))),
        light=sample_light(rng, kind, axis_aligned=strip),
        camera=sample_camera(rng, kind),
        seed=tuple(int(s) for s in seed),
    )


def _zone_for(rng: np.random.Generator, wanted: Sequence[str]) -> Zone:
    """A zone in which the first wanted defect occurs."""
    zones = kind_called(wanted[0]).zones if wanted else ZONES
    return zones[int(rng.integers(len(zones)))]


def _crop(
    rng: np.random.Generator, model: TyreModel, mould: int, zone: Zone, size: int, *, wanted: Sequence[str]
) -> Window:
    """A crop anywhere on the zone; on the sidewall mostly where there is something to read."""
    mm = FIELD_MM[zone] / size
    top = int(rng.integers(0, max(1, zone_rows(zone, mm) - size)))
    left = int(rng.integers(turn_columns(model, mm)))
    if zone == "sidewall":
        choice = rng.random()
        dot = "missing balance dot" in wanted
        lettering = any("lettering" in w for w in wanted)
        if dot or (choice < 0.25 and not lettering):
            cx, cy = sidewall.ring_positions(model)[0]
            left = round(cx / mm - size * rng.uniform(0.25, 0.75))
            top = min(max(top, round((cy + 8) / mm) - size), zone_rows(zone, mm) - size)
        elif lettering or choice < 0.75:
            texts = relief.turn(model, mould, zone, mm).texts
            if lettering or choice < 0.5:
                texts = tuple(t for t in texts if t.inscription.kind in ("size", "dot code"))
            text = texts[int(rng.integers(len(texts)))]
            slack = size - text.height.shape[1]
            left = round(text.left - slack * rng.uniform(0.2, 0.8))
    return crop_window(zone, size, top, left % turn_columns(model, mm))
