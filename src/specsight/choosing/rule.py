"""When a candidate takes the place of the defaults: painted defects are not real ones, so it must be clearly ahead.

In: differences from the defaults on the same pictures. Out: why a candidate is not taken, or nothing; and of those that
may be, the one that is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from specsight.choosing.scoring import MEASURES, Compared

LEAST_AHEAD = 0.02
"""Of the score: what a candidate must be ahead by. Less is a tie, and the defaults win it."""
ERRORS = 2.0
"""A difference must be larger than this many of its standard errors."""
FINEST = 0
"""Position of the finest third: painted strokes of a pixel are the least like real defects, so that a candidate must be
ahead without them, too. On tyres `touring`, `sport` and `cargo`, which this was chosen on, finer grids found more of
them and fewer of the defects that were to be found."""
WORSE = 0.01
"""By which a candidate may be behind in one measure, or for defects of one size, at most."""
SIZES = (
    "the finest third of the defects",
    "the middle third of the defects",
    "the largest third of the defects",
)
IN_WORDS = {
    "pictures": "telling pictures apart (AUROC)",
    "pixels": "telling pixels apart (AUPRO)",
    "found": "the share of defects found",
}


def objection(compared: Compared) -> str:
    """Why the candidate does not take the place of the defaults; empty where it may."""
    if compared.difference < LEAST_AHEAD:
        behind = "behind" if compared.difference < 0 else "ahead"
        return f"{abs(compared.difference):.3f} {behind} of the defaults: less than {LEAST_AHEAD:g} ahead is a tie"
    if compared.difference < ERRORS * compared.error:
        return (
            f"{compared.difference:.3f} ahead of the defaults, and that is uncertain by {compared.error:.3f}: "
            f"less than {ERRORS:g} times that is a tie"
        )
    coarser = fmean(value for third, value in enumerate(compared.sizes) if third != FINEST)
    if coarser < LEAST_AHEAD:
        return f"ahead by {compared.difference:.3f} in the mean, but by {coarser:.3f} without {SIZES[FINEST]}"
    for name, value in zip(
        (*(IN_WORDS[name] for name in MEASURES), *SIZES), (*compared.measures, *compared.sizes)
    ):
        if value < -WORSE:
            return f"ahead by {compared.difference:.3f} in the mean, but behind by {-value:.3f} in {name}"
    return ""


def best(compared: Mapping[int, Compared]) -> int | None:
    """Of candidates by number the one that takes the place of the defaults; None: they stay.

    It is the one that is surest to be ahead by most: the largest difference less `ERRORS` standard errors.
    """
    possible = {number: one for number, one in compared.items() if not objection(one)}
    if not possible:
        return None
    return max(
        possible, key=lambda number: (possible[number].difference - ERRORS * possible[number].error, -number)
    )
