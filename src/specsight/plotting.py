"""One picture with its map and its findings, as a matplotlib figure for notebooks. Arrays in, figure out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Region = tuple[tuple[int, int, int, int], str, bool]
"""Box (x0, y0, x1, y1) in pixels, its words, and whether it counts."""
WIDTH = 5.0
"""Inches per panel."""
COUNTED, OBSERVED = "#ffb000", "#9aa5b1"


def plot_map(
    rgb: NDArray[np.uint8],
    map_: NDArray[np.float32],
    regions: Sequence[Region],
    title: str,
    threshold: float | None = None,
) -> Figure:
    """The picture (H, W, 3) with boxes around its findings beside the map (H, W) with its colour bar.

    Boxes of findings that do not count are dashed. Half-way up the colours lies `threshold`, so that a good part looks
    calm; without one the colours span the map's own range. The figure belongs to no window: notebooks show it,
    `savefig` writes it.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    height, width = map_.shape
    side = WIDTH * min(2.0, max(0.4, height / width))
    figure = Figure(figsize=(2 * WIDTH + 0.6, side + 0.7), layout="constrained")
    picture, heat = figure.subplots(1, 2)
    picture.imshow(rgb)
    for (x0, y0, x1, y1), words, counts in regions:
        colour, style = (COUNTED, "solid") if counts else (OBSERVED, "dashed")
        box = Rectangle(
            (x0 - 0.5, y0 - 0.5),
            x1 - x0,
            y1 - y0,
            fill=False,
            edgecolor=colour,
            linestyle=style,
            linewidth=1.5,
        )
        picture.add_patch(box)
        picture.annotate(
            words,
            (x0, y0),
            xytext=(0, 3),
            textcoords="offset points",
            color="black",
            fontsize=8,
            bbox={"boxstyle": "square,pad=0.15", "facecolor": colour, "edgecolor": "none"},
        )
    low, high = _colour_range(map_, threshold)
    drawn = heat.imshow(map_, cmap="inferno", vmin=low, vmax=high)
    figure.colorbar(drawn, ax=heat, shrink=0.8, label="anomaly map (higher = more anomalous)")
    for axes in (picture, heat):
        axes.set_axis_off()
    figure.suptitle(title, fontsize=10, wrap=True)
    return figure


def _colour_range(map_: NDArray[np.float32], threshold: float | None) -> tuple[float, float]:
    """Map values that the darkest and the brightest colour stand for."""
    low = float(np.median(map_))
    if threshold is not None and threshold > low:
        return low, 2 * threshold - low
    return float(map_.min()), float(map_.max())
