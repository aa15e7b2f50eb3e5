"""Scores of held-out good parts as a histogram in characters, with thresholds in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from specsight.screen.printing import say

if TYPE_CHECKING:
    from specsight.calibration import Calibration

BINS = 16
BAR = 40
"""Columns of the longest bar."""


def thresholds(scores: Sequence[float], before: Calibration | None, after: Calibration) -> None:
    """A histogram of the scores of held-out good parts, with the former and the new threshold in it."""
    marks = [(after.score_threshold, "new threshold")]
    if before is not None:
        marks.insert(0, (before.score_threshold, "former threshold"))
    for line in histogram(scores, marks):
        say(line)
    if before is not None:
        say(f"former threshold {before.score_threshold:.6g}: {before.statement()}")
    say(f"new threshold {after.score_threshold:.6g}: {after.statement()}")


def histogram(values: Sequence[float], marks: Sequence[tuple[float, str]]) -> list[str]:
    """Lines, one per bin from the lowest value to the highest, with the words of marks behind the bins they lie in."""
    import numpy as np

    positions = [position for position, _ in marks]
    low, high = min(*values, *positions), max(*values, *positions)
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, high])
    counts = np.histogram(values, edges)[0] if high > low else np.array([len(values)])
    longest = int(counts.max())
    lines = []
    for k, count in enumerate(counts):
        last = k == len(counts) - 1
        inside = [words for at, words in marks if edges[k] <= at < edges[k + 1] or (last and at >= edges[k])]
        bar = "#" * -(-int(count) * BAR // longest)
        lines.append(f"{edges[k]:12.4g} {bar:{BAR}} {count:5} {' and '.join(inside)}".rstrip())
    return lines
