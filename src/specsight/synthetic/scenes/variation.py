"""Acceptable variation on any picture: what good products show and words must not take for a defect.

It is drawn before defects are, as often on pictures that stay good as on those that get a defect, so that its presence
says nothing about the product's state. What makes each kind acceptable stands in `gleams`, `traces` and `prints`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.compositing import Pixels
from specsight.synthetic.scenes import gleams, prints, traces
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.scenes.camera import eight_bits

Vary = Callable[[np.random.Generator, Pixels, Body], Pixels]

VARIATIONS: dict[str, tuple[Vary, float]] = {
    "tool marks": (traces.tool_marks, 0.7),
    "handling": (traces.handling, 0.8),
    "parting": (traces.parting, 0.8),
    "edges": (traces.edges, 1.0),
    "knurl": (traces.knurl, 0.6),
    "polish": (traces.polish, 0.6),
    "seam": (traces.seam, 1.4),
    "pins": (traces.pins, 0.7),
    "gate": (traces.gate, 0.5),
    "fasteners": (traces.fasteners, 0.8),
    "label": (prints.label, 0.5),
    "logo": (prints.logo, 0.5),
    "code": (prints.code, 0.5),
    "scale": (prints.scale, 0.5),
    "lettering": (prints.lettering, 1.2),
    "refraction": (gleams.refraction, 0.6),
    "moire": (gleams.moire, 0.4),
    "shadow": (gleams.cast_shadow, 0.9),
    "falloff": (gleams.falloff, 0.7),
    "caustics": (gleams.caustics, 0.9),
    "lamp": (gleams.lamp, 1.3),
    "streaks": (gleams.streaks, 1.4),
    "glints": (gleams.glints, 1.7),
}
"""Name → how it is drawn, and how often it comes beside the others; in the order of drawing: form, print, light."""


def vary(rng: np.random.Generator, pixels: Pixels, body: Body, mean: float) -> Pixels:
    """`pixels` (H, W, 3) float32 in [0, 1] with acceptable variation on `body`: `mean` kinds on average, none twice."""
    weights = np.array([weight for _, weight in VARIATIONS.values()])
    count = min(int(rng.poisson(mean)), len(VARIATIONS))
    drawn = set(rng.choice(len(VARIATIONS), count, replace=False, p=weights / weights.sum()).tolist())
    for index, (draw, _) in enumerate(VARIATIONS.values()):
        if index in drawn:
            pixels = draw(rng, pixels, body)
    return pixels


def vary_photograph(rng: np.random.Generator, rgb: NDArray[np.uint8], mean: float) -> NDArray[np.uint8]:
    """A photograph (H, W, 3) uint8 with variation over the whole of it, as if it were a flat or a round product."""
    shape = (rgb.shape[0], rgb.shape[1])
    body = Body.whole(rng, shape, round=rng.random() < 0.5)
    varied = vary(rng, rgb.astype(np.float32) / np.float32(255), body, mean)
    return eight_bits(varied)
