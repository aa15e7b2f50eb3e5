"""Numbers → coordinates of the charts; the template draws them as SVG.

In: scores and curves. Out: plain numbers in the units of the drawing. Drawn here rather than by a plotting library
so that colours follow the page (light, dark, print) and every bar and axis stays text that can be read aloud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ROWS = 20
"""Histogram rows at most; further types share one row."""
BINS = 40
LEAST_SPAN = 0.1
"""What the y axis of lines spans at least: shares, of which hundredths are noise."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Tick:
    """A mark of an axis, in the units of the drawing."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """One bin of one row, in the units of the drawing."""

    x: float
    width: float
    height: float
    """Share of the tallest bar of its row, in [0, 1]."""
    above: bool
    """Above the threshold."""
    title: str


@dataclass(frozen=True)
class HistogramRow:
    """The bars of one group of pictures; `above` counts those over the threshold."""

    name: str
    count: int
    above: int
    bars: list[Bar]


@dataclass(frozen=True)
class Histogram:
    """One row of bars per group over a shared score axis; x runs from 0 to `width`."""

    width: float
    rows: list[HistogramRow]
    ticks: list[Tick]
    threshold: Tick | None


@dataclass(frozen=True)
class Polyline:
    """One polyline in a square of `side`, y downwards."""

    name: str
    points: str


@dataclass(frozen=True)
class Plot:
    """Curves over x in [0, `limit`] and y in [0, 1], drawn in a square of `side`."""

    side: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    curves: list[Polyline]
    marks: list[tuple[float, float, str]] = field(default_factory=list)
    """(x, y, text) of single points."""


@dataclass(frozen=True)
class Point:
    """A value of a series, in the units of the drawing; `low` and `high` are the ends of its bar, None without one."""

    x: float
    y: float
    low: float | None
    high: float | None
    title: str


@dataclass(frozen=True)
class Lines:
    """One line per series over places at even steps, y cut to what the values and their bars need."""

    title: str
    side: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    series: list[tuple[str, list[Point]]]
    x_name: str = "good pictures learned from"


def histogram(
    groups: Mapping[str, Sequence[float]], threshold: float | None, width: float = 640
) -> Histogram:
    """Count the scores of each group in bins of equal width; a bin edge lies on the threshold."""
    groups = _folded({name: scores for name, scores in groups.items() if len(scores)})
    values = np.concatenate([np.asarray(s, dtype=float) for s in groups.values()]) if groups else np.zeros(0)
    ends = [*values.tolist(), *([threshold] if threshold is not None else [])] or [0.0, 1.0]
    low, high = min(ends), max(ends)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    step = (high - low) / BINS
    # An edge on the threshold: no bar stands for pictures on both sides of it.
    start = threshold - np.ceil((threshold - low) / step) * step if threshold is not None else low
    edges = start + step * np.arange(int(np.ceil((high - start) / step - 1e-9)) + 1)
    scale = width / (edges[-1] - edges[0])
    rows = [
        _row(name, np.asarray(scores, dtype=float), edges, scale, threshold)
        for name, scores in groups.items()
    ]
    ticks = [Tick((t - edges[0]) * scale, _number(t)) for t in _nice(edges[0], edges[-1], 7)]
    mark = None if threshold is None else Tick((threshold - edges[0]) * scale, _number(threshold))
    return Histogram(width, rows, ticks, mark)


def plot(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    limit: float = 1.0,
    marks: Sequence[tuple[float, float, str]] = (),
    side: float = 280,
) -> Plot:
    """Curves given as {name: (x, y)} with x cut at `limit`."""
    lines = []
    for name, (x, y) in curves.items():
        xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        inside = xs <= limit
        if inside.any() and not inside.all():
            xs, ys = np.append(xs[inside], limit), np.append(ys[inside], np.interp(limit, xs, ys))
        points = " ".join(f"{side * a / limit:.1f},{side * (1 - b):.1f}" for a, b in zip(xs, ys))
        lines.append(Polyline(name, points))
    return Plot(
        side=side,
        x_ticks=[Tick(side * t / limit, f"{t:g}") for t in _nice(0, limit, 5)],
        y_ticks=[Tick(side * (1 - t), f"{t:g}") for t in _nice(0, 1, 5)],
        curves=lines,
        marks=[(side * x / limit, side * (1 - y), text) for x, y, text in marks if x <= limit],
    )


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[int, Mapping[str, float | None]]]],
    places: Sequence[str],
    side: float = 280,
    x_name: str = Lines.x_name,
) -> Lines:
    """Series given as {name: [(index of the place, value with "low", "high" and "sd")]} over named places.

    A value's bar is its interval, or without one its deviation to both sides. Places are at even steps, for numbers of
    shots double from one to the next, and 0 has no logarithm. Bars of several series stand beside each other.
    """
    bars = {name: [(at, *_bar(number)) for at, number in points] for name, points in series.items()}
    ends = [v for points in bars.values() for _, *vs in points for v in vs if v is not None]
    low, high = min(ends), max(ends)
    if high - low < LEAST_SPAN:
        # Nothing is to look like a fall that is none.
        middle = min((low + high) / 2, 1 - LEAST_SPAN / 2) if high <= 1 else (low + high) / 2
        low, high = middle - LEAST_SPAN / 2, middle + LEAST_SPAN / 2
    room = 0.06 * (high - low)
    low, high = low - room, high + room
    step = side / len(places)

    def y(value: float) -> float:
        return side * (high - value) / (high - low)

    drawn = []
    for rank, (name, points) in enumerate(bars.items()):
        shift = 7 * (rank - (len(bars) - 1) / 2)
        line = [
            Point(
                (at + 0.5) * step + shift,
                y(value),
                None if bottom is None else y(bottom),
                None if top is None else y(top),
                f"{name}, {places[at]}: {value:.3f}"
                + ("" if bottom is None or top is None else f" ({bottom:.3f} to {top:.3f})"),
            )
            for at, value, bottom, top in sorted(points)
        ]
        drawn.append((name, line))
    x_ticks = [Tick((i + 0.5) * step, place) for i, place in enumerate(places)]
    y_ticks = [Tick(y(t), f"{t:g}") for t in _nice(low, high, 6)]
    return Lines(title, side, x_ticks, y_ticks, drawn, x_name)


def _bar(number: Mapping[str, float | None]) -> tuple[float, float | None, float | None]:
    """(value, lower end, upper end)."""
    value, low, high, deviation = (number.get(part) for part in ("value", "low", "high", "sd"))
    if value is None:
        raise ValueError("a point without a value has no place on a line")
    if low is not None and high is not None:
        return value, low, high
    return (value, None, None) if deviation is None else (value, value - deviation, value + deviation)


def _row(name: str, scores: Values, edges: Values, scale: float, threshold: float | None) -> HistogramRow:
    # Bins are (a, b]: a score equal to the threshold is accepted, so it stands left of it.
    index = np.clip(np.searchsorted(edges, scores, side="left") - 1, 0, len(edges) - 2)
    counts = np.bincount(index, minlength=len(edges) - 1)
    bars = []
    for i in np.flatnonzero(counts):
        middle = (edges[i] + edges[i + 1]) / 2
        many = "picture" if counts[i] == 1 else "pictures"
        title = f"{name}: {counts[i]} {many} from {_number(edges[i])} to {_number(edges[i + 1])}"
        above = threshold is not None and middle > threshold
        x, wide = float((edges[i] - edges[0]) * scale), float((edges[i + 1] - edges[i]) * scale)
        bars.append(Bar(x, wide, float(counts[i] / counts.max()), above, title))
    over = 0 if threshold is None else int((scores > threshold).sum())
    return HistogramRow(name, len(scores), over, bars)


def _folded(groups: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """The first groups as they are, the rest in one row."""
    if len(groups) <= ROWS:
        return dict(groups)
    names = list(groups)
    rest = [score for name in names[ROWS - 1 :] for score in groups[name]]
    return {n: groups[n] for n in names[: ROWS - 1]} | {f"{len(names) - ROWS + 1} other types": rest}


def _nice(low: float, high: float, count: int) -> list[float]:
    """About `count` round values in [low, high]."""
    raw = (high - low) / count
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first = np.ceil(low / step - 1e-9)
    values = step * np.arange(first, np.floor(high / step + 1e-9) + 1)
    return [float(np.round(v, 12)) + 0.0 for v in values]


def _number(value: float) -> str:
    return f"{value:.4g}"
