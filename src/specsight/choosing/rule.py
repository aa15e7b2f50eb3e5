"""When a candidate takes the place of the defaults: painted defects are not real ones, so it must be clearly ahead.

In: differences from the defaults on the same pictures, and times per picture. Out: why a candidate is not taken, or
nothing; and of those that may be, the one that is taken. Times are None where none were taken, and then have no say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
SLOW = 4.0
"""Times the defaults' seconds per picture, above which a candidate must be clearly ahead: by `LEAST_AHEAD` even if
`ERRORS` standard errors are taken off."""
FASTER = 0.8
"""Share of another one's seconds per picture from which on down a candidate is faster: less is the clock's error."""
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


@dataclass(frozen=True)
class Contender:
    """A candidate beside the defaults."""

    compared: Compared
    """How far it is ahead of them."""
    seconds: float | None = None
    """That it takes per picture."""
    usual: float | None = None
    """That they take."""

    @property
    def surely(self) -> float:
        """What it is ahead by, less `ERRORS` standard errors."""
        return self.compared.difference - ERRORS * self.compared.error

    @property
    def times(self) -> float | None:
        """Its time per picture in that of the defaults."""
        return None if self.seconds is None or self.usual is None else self.seconds / self.usual


def objection(contender: Contender) -> str:
    """Why the candidate does not take the place of the defaults; empty where it may."""
    compared = contender.compared
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
    if contender.times is not None and contender.times > SLOW and contender.surely < LEAST_AHEAD:
        return (
            f"ahead by {compared.difference:.3f} ± {compared.error:.3f}: not enough for a candidate that takes "
            f"{contender.times:.1f} times as long as the defaults per picture"
        )
    return ""


def is_tie(compared: Compared) -> bool:
    """Whether a difference, in favour of either, is too small or too uncertain to count."""
    return abs(compared.difference) < max(LEAST_AHEAD, ERRORS * compared.error)


def best(
    contenders: Mapping[int, Contender], compare: Callable[[int, int], Compared]
) -> tuple[int | None, int | None]:
    """Of candidates by number the one that takes the place of the defaults (None: they stay), and the one that it is
    taken instead of, because the two tie and it is faster (None: no such one).

    The first is the one that is surest to be ahead by most, or the fastest of those that tie with that one.
    `compare(a, b)` says how far a is ahead of b.
    """
    possible = {number: one for number, one in contenders.items() if not objection(one)}
    if not possible:
        return None, None
    surest = max(possible, key=lambda number: (possible[number].surely, -number))
    limit = possible[surest].seconds
    if limit is None:
        return surest, None
    faster = {
        number: one.seconds
        for number, one in possible.items()
        if one.seconds is not None and one.seconds <= FASTER * limit and is_tie(compare(surest, number))
    }
    if not faster:
        return surest, None
    return min(faster, key=lambda number: (faster[number], number)), surest
