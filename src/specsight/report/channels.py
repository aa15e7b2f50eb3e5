"""Depth and further channels of a picture → drawings that a person can read, with their scale.

Depth is drawn as relief (`features.shading`), with a scale that says in mm how far a pixel lies over or under the form
of the surface. Unknown pixels are hatched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.errors import SpecsightError
from specsight.features import shading
from specsight.records import DEPTH, NORMALS, XYZ, Sample

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MOST = 6
"""Channels that are drawn of a picture."""
BAR = 22
"""Pixels of the scale below a drawing."""


@dataclass(frozen=True)
class Channel:
    """One channel at the size of its picture, drawn."""

    rgb: Pixels
    """(H, W, 3)."""
    unknown: Mask | None = None
    """(H, W): where nothing was measured."""
    caption: str = ""
    low: float | None = None
    """Value of the lower end of the scale; None: there is no scale."""
    high: float = 0.0
    unit: str = ""
    coloured: bool = False

    def resized(self, size: tuple[int, int], how: int) -> Channel:
        """The same at `size` (H, W)."""
        target = (size[1], size[0])
        unknown = self.unknown
        if unknown is not None:
            unknown = cv2.resize(unknown.astype(np.float32), target, interpolation=how) > 0.5
        return replace(self, rgb=cv2.resize(self.rgb, target, interpolation=how), unknown=unknown)

    def cut(self, where: tuple[slice, slice]) -> Channel:
        """A window of it."""
        return replace(
            self, rgb=self.rgb[where], unknown=None if self.unknown is None else self.unknown[where]
        )

    def hatched(self) -> Pixels:
        """The drawing with what is unknown hatched."""
        return shading.hatched(self.rgb, self.unknown)

    def with_scale(self, drawn: Pixels) -> Pixels:
        """`drawn` (h, w, 3) with the scale below it; as it is where there is none, or no room."""
        width = drawn.shape[1]
        if self.low is None or width < 5 * BAR:
            return drawn
        ends = [f"{value:.{_digits(self.high - self.low)}f}" for value in (self.low, self.high)]
        ends[1] += f" {self.unit}" if self.unit else ""
        sizes = [cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)[0][0] for text in ends]
        bar = np.full((BAR, width, 3), 255, np.uint8)
        first, last = sizes[0] + 8, width - sizes[1] - 8
        if last > first:
            ramp = np.tile(np.linspace(0, 1, last - first, dtype=np.float32), (BAR - 8, 1))
            bar[4:-4, first:last] = shading.colours(ramp) if self.coloured else _grey(ramp)
        for text, x in zip(ends, (2, last + 6)):
            cv2.putText(bar, text, (x, BAR - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
        return np.concatenate([drawn, bar])


def channels_of(sample: Sample, size: tuple[int, int], orientation: int) -> Iterator[tuple[str, Channel]]:
    """What a sample has beside colours that can be drawn, by name; `size` and `orientation` are its picture's."""
    names = [DEPTH] if sample.depth is not None else []
    names += [name for name in images.signal_files(sample) if name != XYZ]
    for name in names[:MOST]:
        try:
            if name == DEPTH:
                depth = images.depth_of(sample, size, orientation)
                if depth is not None and not np.isnan(depth).all():
                    yield name, _relief(depth)
            else:
                yield name, _signal(name, images.signal_of(sample, name, size, orientation))
        except SpecsightError:
            continue  # the inspection says why it could not be used


def _relief(depth: NDArray[np.float32]) -> Channel:
    drawn = shading.relief(depth)
    caption = "depth, height over the form"
    return Channel(drawn.rgb, drawn.unknown, caption, drawn.low, drawn.high, "mm", coloured=True)


def _signal(name: str, values: NDArray[np.float32] | Pixels) -> Channel:
    if images.is_light(name):
        return Channel(np.asarray(values, np.uint8), caption=name.replace("_", " "))
    values = np.asarray(values, np.float32)
    unknown: Mask = np.asarray(np.isnan(np.atleast_3d(values)).any(axis=2), np.bool_)
    if name == NORMALS:
        spread = np.nan_to_num(127.5 + 127.5 * values).round().astype(np.uint8)
        return Channel(spread, unknown, "normals (x red, y green, z blue)")
    plane: NDArray[np.float32] = np.atleast_3d(values).mean(axis=2)
    low, high = shading.scale_of(plane[~unknown])
    position = np.nan_to_num(np.clip((plane - low) / (high - low), 0, 1)).astype(np.float32)
    return Channel(_grey(position), unknown, name, low, high)


def _digits(span: float) -> int:
    """Decimals that tell a hundredth of the scale apart."""
    return int(np.clip(2 - np.floor(np.log10(max(span, 1e-9))), 0, 3))


def _grey(position: NDArray[np.float32]) -> Pixels:
    return np.repeat((255 * position).round().astype(np.uint8)[..., None], 3, axis=2)
