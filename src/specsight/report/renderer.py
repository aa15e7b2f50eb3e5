"""The pictures of one seed of a run, drawn on one heat scale: panels, thumbnails, large pictures, sheets.

In: the run folder. Out: what the page holds of each picture, and in `overlays/<seed>/` a sheet (.jpg) and a thumbnail
(.webp) of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from specsight import findings, images
from specsight.calibration import Calibration
from specsight.errors import SpecsightError
from specsight.records import DEPTH, Finding
from specsight.report import pictures
from specsight.report.channels import channels_of
from specsight.report.freshness import drawn_by
from specsight.report.large import Large, large
from specsight.report.pictures import Drawing, HeatScale
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction, file_name
from specsight.storage import confined, parse_json, read_text, write_bytes, write_json

SCALE_SAMPLE = 24
"""Maps that the heat scale's lower end is taken from."""
SCALE = "scale.json"
"""Heat scale of a folder of sheets, and what drew them."""
SHEET_PANEL = 640
"""Longest side in pixels of a panel on a sheet."""
SAME = 0.5
"""Share that a finding's box and a region's have in common from which on the region is the finding."""

PANELS = {
    "overview": "whole picture with outlines; the frame is the window shown below",
    "original": "original",
    "heat": "anomaly map over the picture",
    "contours": "outlines of findings and of the true defects",
}


@dataclass(frozen=True)
class Panel:
    """One drawing of a picture, as a `data:` address; `width` and `height` in pixels. `caption` is empty for those that
    every picture has."""

    name: str
    alt: str
    uri: str
    width: int
    height: int
    caption: str = ""


@dataclass(frozen=True)
class Shown:
    """What the page holds of one picture, as far as it was asked for."""

    panels: tuple[Panel, ...] = ()
    thumbnail: str = ""
    large: Large | None = None
    note: str = ""
    """Why something could not be drawn; empty where everything was."""


class Renderer:
    """Draws pictures of one seed of a run, all on the same heat scale."""

    def __init__(
        self, run: RunFolder, predictions: Sequence[Prediction], calibration: Calibration | None
    ) -> None:
        self.run, self.calibration, self.data = run, calibration, run.data
        seed = predictions[0].seed if predictions else 0
        self._noted = run.path / "overlays" / str(seed) / SCALE
        known = self._known_scale()
        self._same_scale = known is not None
        self.scale = known or self._measured_scale(predictions)

    def keep_scale(self) -> None:
        """Note the scale beside the sheets: while it is the same, those of unchanged pictures are not drawn again."""
        if not self._same_scale and self._noted.parent.is_dir():
            write_json(self._noted, {"drawn_by": drawn_by(), **asdict(self.scale)})

    def show(self, prediction: Prediction, *, with_panels: bool = False, with_large: bool = False) -> Shown:
        """What the page holds of a picture; its sheet and its thumbnail are written beside the page.

        Where neither panels nor the large picture are asked for, files of an unchanged picture are taken as they are.
        """
        sheet, small = self.run.path / overlay(prediction), self.run.path / thumbnail(prediction)
        if not (with_panels or with_large) and self._is_current(prediction, sheet, small):
            return Shown(thumbnail=pictures.encoded_uri(small.read_bytes(), "webp"))
        drawing, note = self.drawing(prediction)
        if drawing is None:
            sheet.unlink(missing_ok=True)
            return Shown(note=note)
        write_bytes(sheet, pictures.encode(pictures.composite(drawing.panels(SHEET_PANEL)), ".jpg"))
        thumb = pictures.encode(drawing.thumbnail(), ".webp")
        write_bytes(small, thumb)
        panels = drawing.panels() if with_panels else {}
        return Shown(
            tuple(_panel(prediction, name, p, drawing) for name, p in panels.items()),
            pictures.encoded_uri(thumb, "webp"),
            large(drawing) if with_large else None,
            note,
        )

    def panels(self, prediction: Prediction) -> dict[str, pictures.Pixels]:
        """Panels by name; none where the picture cannot be shown."""
        drawing, _ = self.drawing(prediction)
        return {} if drawing is None else drawing.panels()

    def drawing(self, prediction: Prediction) -> tuple[Drawing | None, str]:
        """A picture with its map, its findings and its true defects, or None and why it cannot be shown."""
        if not prediction.map:
            return None, "No map was kept (--no-maps)."
        sample = prediction.sample(self.data)
        map_ = self.run.map(prediction)
        try:
            colours = images.colours_of(sample)
            rgb = colours.rgb
        except SpecsightError as error:
            return None, f"The picture cannot be shown: {error}"
        if rgb.shape[:2] != map_.shape:
            return None, "The picture cannot be shown: the file has changed since it was judged."
        channels = dict(channels_of(sample, rgb.shape[:2], colours.orientation))
        if not sample.photographed and DEPTH in channels:
            rgb = channels[DEPTH].hatched()
        told = prediction.inspection.findings
        found = told_regions(map_, self.calibration, told, sample.circular) if self.calibration else None
        try:
            drawable = sample.defects and images.masks_known(sample)
            mask = images.anomaly_mask(sample, prediction.size) if drawable else None
        except SpecsightError as error:
            return Drawing(
                rgb, self.scale(map_), found, None, channels
            ), f"The true outline cannot be shown: {error}"
        return Drawing(rgb, self.scale(map_), found, mask, channels), ""

    def _is_current(self, prediction: Prediction, *files: Path) -> bool:
        """Whether files were drawn on this scale after the picture was judged."""
        map_ = confined(self.run.path, prediction.map)
        try:
            judged = map_.stat().st_mtime_ns
            return self._same_scale and all(file.stat().st_mtime_ns >= judged for file in files)
        except OSError:
            return False

    def _known_scale(self) -> HeatScale | None:
        """The scale of the sheets that lie there, if this program drew them and the threshold is the same.

        Without a threshold the scale ends at the highest map, which every new picture may raise.
        """
        seed = self.calibration.map_seed if self.calibration else None
        try:
            noted = parse_json(read_text(self._noted))
            scale = HeatScale(float(noted["low"]), float(noted["high"]), noted["threshold"])
            current = noted["drawn_by"] == drawn_by() and seed is not None and scale.threshold == seed
            return scale if current and scale.low < scale.high else None
        except (OSError, ValueError, LookupError, TypeError, SpecsightError):
            return None

    def _measured_scale(self, predictions: Sequence[Prediction]) -> HeatScale:
        chosen = _spread(
            [p for p in predictions if p.inspection.verdict != "reject"] or predictions, SCALE_SAMPLE
        )
        sampled = [self.run.map(p).reshape(-1) for p in chosen if p.map]
        values = np.concatenate(
            [v[:: max(1, v.size // 20_000)] for v in sampled] or [np.zeros(0, np.float32)]
        )
        return HeatScale.of(values, self.calibration.map_seed if self.calibration else None)


def _panel(prediction: Prediction, name: str, drawn: pictures.Pixels, drawing: Drawing) -> Panel:
    caption = ""
    if name.startswith(pictures.CHANNEL):
        caption = drawing.channels[name.removeprefix(pictures.CHANNEL)].caption
    said = f"{prediction.id}: {f'{caption}, with outlines' if caption else PANELS[name]}"
    kind = "channel" if caption else name
    return Panel(kind, said, pictures.data_uri(drawn), drawn.shape[1], drawn.shape[0], caption)


def told_regions(
    map_: NDArray[np.float32], calibration: Calibration, told: Sequence[Finding], circular: bool
) -> NDArray[np.bool_]:
    """The pixels (H, W) of all findings: regions of the map, and the boxes of those `told` that lie on none of them,
    for they were found by a map that is not kept, of a type that an instruction names, or in a scope."""
    labels = findings.regions(map_, calibration, circular)
    drawn = labels > 0
    places = [
        (np.unique(ys + box[0].start), np.unique(xs + box[1].start))
        for number, box in enumerate(find_objects(labels), 1)
        for ys, xs in [np.nonzero(labels[box] == number)]
    ]
    for one in told:
        x0, y0, x1, y1 = one.box
        rows, columns = np.arange(y0, y1), np.unique(np.arange(x0, x1) % map_.shape[1])
        if not any(_share(rows, ys) * _share(columns, xs) > SAME for ys, xs in places):
            drawn[y0:y1, columns] = True
    return drawn


def _share(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Of all rows, or columns, those that both have."""
    return len(np.intersect1d(first, second)) / len(np.union1d(first, second))


def overlay(prediction: Prediction) -> str:
    """Where a picture's sheet lies, relative to the run folder."""
    return f"overlays/{prediction.seed}/{file_name(prediction.id)}.jpg"


def thumbnail(prediction: Prediction) -> str:
    """Where a picture's thumbnail lies, relative to the run folder."""
    return f"overlays/{prediction.seed}/{file_name(prediction.id)}.webp"


def _spread(items: Sequence[Prediction], count: int) -> list[Prediction]:
    """`count` items at even steps."""
    if len(items) <= count:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, count).astype(int)]
