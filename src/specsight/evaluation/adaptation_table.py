"""Numbers of rows on shifts → how much of the gap between source only and oracle each recovers, as a table.

In: image AUROC by shift, seed and row. Out: means, intervals over shifts and seeds, shares of the gap; Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from specsight.evaluation.adaptation import NORMAL_SOURCE, NORMAL_TARGET, ORACLE, SOURCE_ONLY

Numbers = Mapping[str, Mapping[str, float]]
"""Shift with its seed → row → image AUROC."""
GAP = 0.01
"""Below this difference of image AUROC between oracle and source only there is no gap to recover."""
LIKE_FOR_LIKE = {NORMAL_TARGET: NORMAL_SOURCE}
"""Rows that are compared with another one than source only."""


@dataclass(frozen=True)
class Recovered:
    """One row."""

    name: str
    auroc: float
    """Mean image AUROC."""
    gain: float
    """Mean difference to source only."""
    half_width: float | None
    """Half of the 95 % interval of that mean, by Student's t over shifts and seeds; None for fewer than two."""
    share: float | None
    """Of the gap between source only and oracle; None: there is no gap, or the row is no adaptation."""


def recovered(numbers: Numbers) -> list[Recovered]:
    """The rows in their order, over all shifts and seeds that have them."""
    names = list(dict.fromkeys(name for rows in numbers.values() for name in rows))
    found = []
    for name in names:
        own = [rows for rows in numbers.values() if name in rows and SOURCE_ONLY in rows]
        base = LIKE_FOR_LIKE.get(name, SOURCE_ONLY)
        gains = np.array([rows[name] - rows[base] for rows in own])
        gaps = [rows[ORACLE] - rows[SOURCE_ONLY] for rows in own if ORACLE in rows]
        gap = float(np.mean(gaps)) if gaps else 0.0
        share = float(gains.mean() / gap) if gap >= GAP and base == SOURCE_ONLY else None
        half = None
        if len(gains) > 1:
            half = float(t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains)))
        found.append(
            Recovered(name, float(np.mean([rows[name] for rows in own])), float(gains.mean()), half, share)
        )
    return found


def table(numbers: Numbers) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows as text."""
    header = ("row", "image AUROC", "against source only", "95 % interval", "share of the gap")
    lines: list[tuple[str, ...]] = []
    for row in recovered(numbers):
        interval = "" if row.half_width is None else f"± {row.half_width:.3f}"
        share = "no gap" if row.share is None else f"{row.share:.0%}"
        told = row.name in (SOURCE_ONLY, ORACLE, NORMAL_SOURCE) or row.name in LIKE_FOR_LIKE
        lines.append((row.name, f"{row.auroc:.3f}", f"{row.gain:+.3f}", interval, "" if told else share))
    return header, lines
