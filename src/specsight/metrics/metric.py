"""What a metric is: title, group, direction, format and meaning of a number that a run can hold, and how to find it.

In: the name of a number as it stands in `metrics.json`. Out: its `Metric`. Everything that prints a number (page,
tables, screen, charts) takes its words from here. The table itself is `catalogue.py`; metrics that come in families
(AUPRO at any limit, MVTec LOCO's kinds of anomalies) are named and described by functions here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.metrics.scores import PixelScores
from specsight.registry import Registry

Direction = Literal["higher", "lower"]
Format = Literal["number", "percent"]
OfScores = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]
IntervalOfScores = Callable[
    [NDArray[np.bool_], NDArray[np.float64], NDArray[np.str_] | None], tuple[float, float]
]
OfPixels = Callable[[PixelScores], float]


class Group(str, Enum):
    """What a metric is about, in the order of the page; the value is the group's title."""

    IMAGE_RANKING = "Pictures, ranked by score"
    IMAGE_DECISIONS = "Pictures, at the calibrated threshold"
    PIXEL_RANKING = "Pixels, ranked by map"
    PIXEL_DECISIONS = "Findings, at the calibrated threshold"
    TYPES = "Types"
    SINGLE_TYPES = "Pictures with one type"
    SEVERAL_TYPES = "Pictures with several types"
    STATEMENTS = "Statements"
    CHANGES = "Changes under other words"
    WORDS = "Instructions in matched pairs"
    OTHER = "Further numbers"


@dataclass(frozen=True)
class Metric:
    """What a number is called and what it means.

    `direction`: which way is better. `oracle`: its threshold was chosen by looking at the truth of the test set.
    """

    title: str
    description: str
    group: Group = Group.OTHER
    direction: Direction = "higher"
    oracle: bool = False
    format: Format = "number"
    """"percent": a share of pictures, written as a percentage with one decimal; "number": three decimals."""
    column_title: str = ""
    """Heading where it is one column of many; empty: the title."""
    type_title: str = ""
    """Heading in the table by type; empty: that table has no such column."""
    of_scores: OfScores | None = None
    """(N,) defective or not, (N,) scores → the metric: what this function returns is measured in every run."""
    interval_of_scores: IntervalOfScores | None = None
    """(N,) labels, (N,) scores, (N,) objects or None → its interval; None: a bootstrap gives it."""
    of_pixels: OfPixels | None = None
    """Scores of all pixels → the metric: what this function returns is measured in every run with true masks."""

    @property
    def column(self) -> str:
        """Heading of a column of a table with many."""
        return self.column_title or self.title

    def text(self, value: float) -> str:
        """A value as it is written: "29.0 %", "0.944"."""
        return f"{100 * value:.1f} %" if self.format == "percent" else f"{value:.3f}"

    def interval_text(self, low: float | None, high: float | None) -> str:
        """The ends of an interval as they are written, the unit once; empty where there is none."""
        if low is None or high is None:
            return ""
        return f"{self.text(low).removesuffix(' %')} to {self.text(high)}"


class Block(NamedTuple):
    """Numbers that belong into one table."""

    title: str
    meaning: str
    names: tuple[str, ...]


def _adopt(name: str, plugin: Any) -> Metric:
    """A metric that another distribution brings."""
    if not isinstance(plugin, Metric):
        raise SpecsightError(f"'{name}' must be a specsight.metrics.Metric, got {plugin!r}")
    return plugin


metrics: Registry[Metric] = Registry("metric", "specsight.metrics", group="specsight.metrics", adopt=_adopt)
"""Name of a metric → what it is. A module of this package that registers one is found by itself."""


def metric_of(name: str) -> Metric:
    """The metric called `name`, from the table or from a family. Raises `SpecsightError` with a suggestion."""
    return find(name) or metrics[name]


def find(name: str) -> Metric | None:
    """The metric called `name`; None where there is none (a run written by another version may hold such a number)."""
    if name in metrics:
        return metrics[name]
    for pattern, describe in _FAMILIES:
        match = pattern.fullmatch(name)
        if match:
            return describe(*match.groups())
    return None


def overlap_name(limit: float, saturated: bool = False, kind: str = "") -> str:
    """Name of the region overlap up to false-positive rate `limit`, in (0, 1]: 0.3 → "aupro_30".

    `saturated`: with saturation areas ("au_spro_30"); `kind`: of one kind of anomaly alone ("au_spro_30_logical").
    """
    name = f"{'au_spro' if saturated else 'aupro'}_{round(100 * limit):02d}"
    return f"{name}_{kind}" if kind else name


def kind_auroc_name(kind: str) -> str:
    """Name of the image AUROC of one kind of anomaly (MVTec LOCO: "logical", "structural", "mean")."""
    return f"image_auroc_{kind}"


def region_overlap(percent: str) -> Metric:
    """AUPRO up to `percent` ("05") of false-positive pixels."""
    title = f"AUPRO@{int(percent) / 100:g}"
    return Metric(
        title,
        f"mean region overlap up to {int(percent)} % false-positive pixels, exact",
        Group.PIXEL_RANKING,
        type_title=title if percent == "30" else "",
    )


def saturated_overlap(percent: str) -> Metric:
    """AU-sPRO up to `percent` ("05") of false-positive pixels."""
    return Metric(
        f"AU-sPRO@{int(percent) / 100:g}",
        f"MVTec LOCO: saturated region overlap up to {int(percent)} % false-positive pixels",
        Group.PIXEL_RANKING,
    )


def _saturated_overlap_of_kind(percent: str, kind: str) -> Metric:
    of_all = saturated_overlap(percent)
    return Metric(f"{of_all.title}, {kind}", f"{of_all.description}, {_of_kind(kind)}", Group.PIXEL_RANKING)


def _image_auroc_of_kind(kind: str) -> Metric:
    return Metric(f"Image AUROC, {kind}", f"MVTec LOCO: image AUROC, {_of_kind(kind)}", Group.IMAGE_RANKING)


def _of_kind(kind: str) -> str:
    return "mean over the kinds of anomalies" if kind == "mean" else f"{kind} anomalies against good pictures"


_FAMILIES: tuple[tuple[re.Pattern[str], Callable[..., Metric]], ...] = (
    (re.compile(r"aupro_(\d{2,3})"), region_overlap),
    (re.compile(r"au_spro_(\d{2,3})"), saturated_overlap),
    (re.compile(r"au_spro_(\d{2,3})_(\w+)"), _saturated_overlap_of_kind),
    (re.compile(r"image_auroc_(\w+)"), _image_auroc_of_kind),
)
