"""Pictures of a run as raters of its statements see them: the picture, its map, its findings; never the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from specsight.errors import SpecsightError
from specsight.report import pictures
from specsight.report.renderer import Renderer
from specsight.runs import Prediction, RunFolder

SIDE = 480
"""Longest side of a panel in pixels."""


def rated_sheets(run: RunFolder, predictions: Sequence[Prediction]) -> Callable[[Prediction], bytes]:
    """What draws a picture of a run as WebP, on one heat scale for all `predictions`, which are of one seed.

    What it gives raises SpecsightError where the picture cannot be shown.
    """
    fits = run.fits()
    seed = predictions[0].seed if predictions else 0
    renderer = Renderer(run, predictions, fits[seed].calibration if seed in fits else None)

    def draw(prediction: Prediction) -> bytes:
        drawing, why = renderer.drawing(prediction)
        if drawing is None:
            raise SpecsightError(f"'{prediction.id}': {why}")
        return pictures.encode(pictures.composite(replace(drawing, truth=None).panels(SIDE)), ".webp")

    return draw
