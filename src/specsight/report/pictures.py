"""Pixels, map, truth and findings of one picture → the panels a person looks at. Arrays in, arrays and bytes out.

The heat colours mean the same in every picture of a run: half-way up the scale lies the calibrated map threshold.
Scaling each picture to its own range would paint a blazing spot on every good part.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.report.channels import Channel

TRUTH = (25, 195, 230)
PREDICTION = (255, 176, 0)
"""RGB of the contours: apart in hue and in lightness, for every kind of colour vision."""
PANEL = 400
"""Longest side of a panel in pixels."""
THUMBNAIL = 160
"""Longest side of a thumbnail."""
OVERVIEW = 1100
"""Longest side of the overview of a strip."""
STRIP = 3.0
"""From this aspect ratio on, a picture is shown as an overview and a window around what matters."""
LINE = 3
"""Pixels by which an outline stands off its region, or into it at the picture's edge."""
ROOM = 25
"""Pixels that a region must be wide for a line inside it."""
OPAQUE = 0.62
CHANNEL = "channel "
"""Before the name of a channel in that of its panel."""

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class HeatScale:
    """Map values → [0, 1], the same for all pictures of a run.

    `low` is 0, and `threshold` 0.5, or `high` 1 where there is no threshold.
    """

    low: float
    high: float
    threshold: float | None

    @classmethod
    def of(cls, values: NDArray[np.float32], threshold: float | None) -> HeatScale:
        """From a sample of the run's map values; `threshold` is the calibrated one for map peaks."""
        low = float(np.median(values)) if values.size else 0.0
        if threshold is not None and threshold > low:
            return cls(low, low + 2 * (threshold - low), threshold)
        high = float(values.max()) if values.size else low
        return cls(low, high if high > low else low + 1.0, None)

    def __call__(self, map_: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W) values → positions in [0, 1] on the scale; what lies outside is clipped."""
        position: NDArray[np.float32] = (map_ - self.low) / (self.high - self.low)
        clipped: NDArray[np.float32] = np.clip(position, 0, 1)
        return clipped


def heat(rgb: Pixels, position: NDArray[np.float32]) -> Pixels:
    """Blend heat colours over `rgb` (H, W, 3); `position` is (H, W) in [0, 1]. Clear below 0.2, full from 0.5 on."""
    layer = heat_colours(position)
    alpha = layer[..., 3:] / np.float32(255)
    blended: Pixels = (rgb * (1 - alpha) + layer[..., :3] * alpha).round().astype(np.uint8)
    return blended


def heat_colours(position: NDArray[np.float32]) -> Pixels:
    """(H, W, 4) heat colours with their opacity, of positions (H, W) in [0, 1]."""
    colours = cv2.applyColorMap((255 * position).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    alpha = 255 * OPAQUE * np.clip((position - 0.2) / 0.3, 0, 1)
    return np.dstack([colours, alpha.round().astype(np.uint8)])


def outline(rgb: Pixels, mask: Mask, colour: tuple[int, int, int]) -> Pixels:
    """A copy of `rgb` with a line in `colour` around `mask`, on a dark seam so that it is visible on any ground."""
    drawn: Pixels = np.array(rgb)
    # The line runs just outside the mask and never on it, where it would cover small defects.
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((2 * LINE + 1, 2 * LINE + 1), np.uint8))
    contours, _ = cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, contours, -1, (0, 0, 0), 5, cv2.LINE_AA)
    cv2.drawContours(drawn, contours, -1, colour, 2, cv2.LINE_AA)
    kept = mask.copy()
    # A region that reaches the frame has no outside there: the line runs inside, if there is room for it.
    broad = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((ROOM, ROOM), np.uint8)) > 0
    edge = np.ones_like(mask)
    edge[LINE:-LINE, LINE:-LINE] = False
    kept[edge & broad] = False
    drawn[kept] = rgb[kept]
    return drawn


@dataclass(frozen=True)
class Drawing:
    """Everything drawn about one picture at its native size (H, W)."""

    rgb: Pixels
    position: NDArray[np.float32]
    """The map on the run's heat scale, in [0, 1]."""
    found: Mask | None
    truth: Mask | None
    channels: Mapping[str, Channel] = field(default_factory=dict)
    """What the picture has beside colours, by name."""

    def panels(self, side: int = PANEL) -> dict[str, Pixels]:
        """Panels by name, their longest side `side` pixels.

        Strips get an "overview" first, and the rest shows a window around what matters.
        """
        height, width = self.rgb.shape[:2]
        if max(height, width) < STRIP * min(height, width):
            return self._three(side)
        top, left, bottom, right = self._window()
        size = fitted(height, width, OVERVIEW)
        overview = self.resized(size)._contours()
        scale = size[0] / height
        corners = [(int(x * scale), int(y * scale)) for x, y in ((left, top), (right - 1, bottom - 1))]
        for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.rectangle(overview, corners[0], corners[1], colour, thickness)
        return {"overview": overview, **self._cut(top, left, bottom, right)._three(side)}

    def thumbnail(self) -> Pixels:
        """The map over the whole picture, its longest side `THUMBNAIL` pixels."""
        small = self.resized(fitted(self.rgb.shape[0], self.rgb.shape[1], THUMBNAIL))
        return heat(small.rgb, small.position)

    def _three(self, side: int) -> dict[str, Pixels]:
        small = self.resized(fitted(self.rgb.shape[0], self.rgb.shape[1], side))
        shown = {
            "original": small.rgb,
            "heat": heat(small.rgb, small.position),
            "contours": small._contours(),
        }
        for name, one in small.channels.items():
            shown[f"{CHANNEL}{name}"] = one.with_scale(small._contours(one.hatched()))
        return shown

    def _contours(self, ground: Pixels | None = None) -> Pixels:
        drawn: Pixels = np.array(self.rgb if ground is None else ground)
        for mask, colour in ((self.truth, TRUTH), (self.found, PREDICTION)):
            if mask is not None:
                drawn = outline(drawn, mask, colour)
        return drawn

    def resized(self, size: tuple[int, int]) -> Drawing:
        """The same at `size` (H, W)."""
        target = (size[1], size[0])
        growth = size[0] / self.rgb.shape[0]
        # Single pixels of a tiny picture should be seen as such; a moderate enlargement should look smooth.
        how = cv2.INTER_AREA if growth < 1 else cv2.INTER_NEAREST if growth > 3 else cv2.INTER_LINEAR

        def mask(full: Mask | None) -> Mask | None:
            # Any share counts: a defect of a few pixels stays visible in a small panel.
            return (
                None if full is None else cv2.resize(full.astype(np.float32), target, interpolation=how) > 0
            )

        return Drawing(
            rgb=cv2.resize(self.rgb, target, interpolation=how),
            position=cv2.resize(self.position, target, interpolation=how),
            found=mask(self.found),
            truth=mask(self.truth),
            channels={name: one.resized(size, how) for name, one in self.channels.items()},
        )

    def _window(self) -> tuple[int, int, int, int]:
        """(top, left, bottom, right): 1.5 times as long as the strip is wide, around truth, finding or peak."""
        height, width = self.rgb.shape[:2]
        mask = next((m for m in (self.truth, self.found) if m is not None and m.any()), None)
        if mask is not None:
            ys, xs = np.nonzero(mask)
            # The pixel nearest to the medians: inside a region, even where there are several, or one over the seam.
            nearest = np.argmin((ys - np.median(ys)) ** 2 + (xs - np.median(xs)) ** 2)
            y, x = int(ys[nearest]), int(xs[nearest])
        else:
            y, x = divmod(int(self.position.argmax()), width)
        length = int(1.5 * min(height, width))
        top = int(np.clip(y - length // 2, 0, max(height - length, 0)))
        left = int(np.clip(x - length // 2, 0, max(width - length, 0)))
        return top, left, min(top + length, height), min(left + length, width)

    def _cut(self, top: int, left: int, bottom: int, right: int) -> Drawing:
        where = (slice(top, bottom), slice(left, right))
        found = None if self.found is None else self.found[where]
        truth = None if self.truth is None else self.truth[where]
        channels = {name: one.cut(where) for name, one in self.channels.items()}
        return Drawing(self.rgb[where], self.position[where], found, truth, channels)


def composite(panels: Mapping[str, Pixels]) -> Pixels:
    """All panels on one white sheet: the overview on top, the others below it, three side by side."""
    gap = 8
    others = [panel for name, panel in panels.items() if name != "overview"]
    sheets = [panels["overview"]] if "overview" in panels else []
    for start in range(0, len(others), 3):
        row = others[start : start + 3]
        height = max(p.shape[0] for p in row)
        cells = [np.pad(p, ((0, height - p.shape[0]), (0, gap), (0, 0)), constant_values=255) for p in row]
        sheets.append(np.concatenate(cells, axis=1)[:, :-gap])
    width = max(sheet.shape[1] for sheet in sheets)
    rows = [np.pad(p, ((0, gap), (0, width - p.shape[1]), (0, 0)), constant_values=255) for p in sheets]
    return np.concatenate(rows)[:-gap]


def legend(length: int = 256, height: int = 14) -> Pixels:
    """The heat scale over mid grey, low values on the left."""
    ramp = np.tile(np.linspace(0, 1, length, dtype=np.float32), (height, 1))
    return heat(np.full((height, length, 3), 150, np.uint8), ramp)


def encode(rgb: Pixels, suffix: str) -> bytes:
    """Compress (H, W, 3), or (H, W, 4) with opacity, to ".webp", ".jpg" or ".png"."""
    quality = {".webp": [cv2.IMWRITE_WEBP_QUALITY, 82], ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 88], ".png": []}[
        suffix
    ]
    bgr = rgb[..., [2, 1, 0, *range(3, rgb.shape[2])]]
    done, data = cv2.imencode(suffix, bgr, quality)
    if not done:
        raise ValueError(f"cannot encode a picture of {rgb.shape} as {suffix}")
    return data.tobytes()


def data_uri(rgb: Pixels, suffix: str = ".webp") -> str:
    """The picture as a `data:` address, so that the page needs no other file."""
    return encoded_uri(encode(rgb, suffix), suffix[1:])


def encoded_uri(encoded: bytes, kind: str) -> str:
    """The same of a picture that is encoded already, as `kind` ("webp", "jpeg")."""
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode('ascii')}"


def fitted(height: int, width: int, side: int) -> tuple[int, int]:
    """(H, W) with the longest side `side`."""
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
