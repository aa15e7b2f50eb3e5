"""Invented tyre models: one for every number, as different from one another as products are.

The held-out model of the catalogue, `UNSEEN`, stays unseen: neither its font, style, brand, size nor the layout of its
tread comes up.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.synthetic.tyres import sidewall, tread
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.dressing import PAINTS
from specsight.synthetic.tyres.geometry import ZONE_WIDTH_MM, TyreModel
from specsight.synthetic.tyres.invented_tread import SYMMETRIES, Symmetry, draw_tread
from specsight.synthetic.tyres.invented_words import draw_brand, draw_line, draw_moulding, draw_size

INVENTED = "invented"
"""A set of this model holds many of them; a single one is called `invented:NUMBER`."""

UNSEEN = "winter"
PICTURES_PER_MODEL = 24
FIRST_TRAINING_NUMBER = 50_000_000
"""Encoders are trained on models from this number on; sets for measuring use those below."""

_SALT = 20_261
_FONTS = ("bold", "bold-oblique", "plain", "mono")
_STYLES = ("solid", "outline")
_PITCHES = (46, 79)
_LEAST_PITCH_MM = 24.0
_LEAST_RIB_MM = 9.0
_SCALE_MM = 0.5
"""Millimetres per pixel at which a tread is judged."""
_LAND = (0.55, 0.88)
"""Share of the tread between the shoulders that touches the road."""
_FINEST_MM, _BLOCK_MM = 3.0, 8.0
_SHARE_ABOVE_FINEST, _SHARE_OF_BLOCKS = 0.93, 0.4
_ATTEMPTS = 500


@lru_cache(maxsize=64)
def invented_model(number: int) -> TyreModel:
    """The invented model with a number, 0 or more; the same one always."""
    rng = np.random.default_rng((_SALT, number))
    for _ in range(_ATTEMPTS):
        symmetry = SYMMETRIES[int(rng.choice(len(SYMMETRIES), p=(0.45, 0.3, 0.25)))]
        model = _draw(rng, number, symmetry)
        if not resembles_unseen(model, symmetry) and is_sound(model):
            return model
    raise SpecsightError(f"no tyre model for number {number}: choose another")


def _draw(rng: np.random.Generator, number: int, symmetry: Symmetry) -> TyreModel:
    size, circumference, load = draw_size(rng)
    pitches = int(rng.integers(_PITCHES[0], _PITCHES[1] + 1))
    grooves, laterals = draw_tread(rng, symmetry, circumference / pitches)
    colours = [str(c) for c in rng.choice(list(PAINTS), int(rng.integers(0, 5)))]
    return TyreModel(
        name=f"{INVENTED}:{number}",
        brand=draw_brand(rng),
        line=draw_line(rng),
        size=size,
        circumference_mm=circumference,
        pitches=pitches,
        grooves=grooves,
        laterals=laterals,
        brand_font=str(rng.choice(_FONTS)),
        text_font=str(rng.choice(_FONTS)),
        brand_style=str(rng.choice(_STYLES)),
        stripes=tuple((round(float(rng.uniform(-60, 60)), 1), colour) for colour in colours),
        pitch_order=int(rng.integers(2**31)),
        moulding=draw_moulding(rng, load),
        moulds=(int(rng.integers(60)),),
    )


def resembles_unseen(model: TyreModel, symmetry: Symmetry) -> bool:
    """Whether a model has the held-out model's brand, line or size, or a directional tread with its grooves."""
    unseen = MODELS[UNSEEN]
    names = {model.brand, model.line} & {name for m in MODELS.values() for name in (m.brand, m.line)}
    alike = [g.zigzag > 0 for g in model.grooves] == [g.zigzag > 0 for g in unseen.grooves]
    return (
        bool(names)
        or _dimensions(model.size) == _dimensions(unseen.size)
        or (symmetry == "directional" and alike)
    )


def is_sound(model: TyreModel) -> bool:
    """Whether a model can be moulded and shown: ribs between its grooves, blocks on them, room for every text."""
    if model.circumference_mm / model.pitches < _LEAST_PITCH_MM:
        return False
    reach = [(g.y - g.width / 2 - g.zigzag, g.y + g.width / 2 + g.zigzag) for g in model.grooves]
    if any(b[0] - a[1] < _LEAST_RIB_MM for a, b in pairwise(reach)):
        return False
    return _has_blocks(model) and _texts_are_apart(model)


def _has_blocks(model: TyreModel) -> bool:
    """Whether enough of the tread touches the road, in pieces that are not too fine."""
    rows = round(ZONE_WIDTH_MM["tread"] / _SCALE_MM)
    carved = tread.pitch(model, rows, round(model.circumference_mm / model.pitches / _SCALE_MM), _SCALE_MM)[0]
    shoulder = round((ZONE_WIDTH_MM["tread"] / 2 - tread.SHOULDER_MM) / _SCALE_MM)
    land = np.tile((carved < 1.2)[shoulder:-shoulder].astype(np.uint8), (1, 3))
    share = float(land.mean())
    if not _LAND[0] <= share <= _LAND[1]:
        return False
    fine, blocks = (_opened(land, side).mean() / share for side in (_FINEST_MM, _BLOCK_MM))
    return bool(fine >= _SHARE_ABOVE_FINEST and blocks >= _SHARE_OF_BLOCKS)


def _opened(land: NDArray[np.uint8], side_mm: float) -> NDArray[np.uint8]:
    """What is left of the land when everything narrower than `side_mm` is taken away."""
    side = round(side_mm / _SCALE_MM)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(land, cv2.MORPH_OPEN, disc))


def _texts_are_apart(model: TyreModel) -> bool:
    """Whether no inscription of the sidewall lies on another one or on the balance dot's ring."""
    ring = sidewall.RING_RADIUS_MM + 1.0
    boxes = [(x - ring, y - ring, x + ring, y + ring) for x, y in sidewall.ring_positions(model)]
    for text in sidewall.inscriptions(model, model.moulds[0]):
        height, width = (n * _SCALE_MM for n in text.relief_mm(_SCALE_MM).shape)
        if text.x <= model.circumference_mm / 2:
            boxes.append((text.x, text.y - height / 2, text.x + width, text.y + height / 2))
    return not any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
        for k, a in enumerate(boxes)
        for b in boxes[k + 1 :]
    )


def _dimensions(size: str) -> str:
    """A size without load index and speed symbol."""
    return size.rsplit(" ", 1)[0]
