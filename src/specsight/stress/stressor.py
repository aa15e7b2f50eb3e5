"""What a stressor is: how a picture is made harder to judge, in steps of a stated unit, without touching its truth.

In: the name of a stressor. Out: its `Stressor`, from one registry that its modules and other distributions fill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.records import Picture
from specsight.registry import Registry

Change = Callable[[Picture, float, np.random.Generator], Picture]
"""(picture, level above 0, random numbers of its own) → the picture under stress, a new record."""
Hides = Callable[[tuple[int, int], float, np.random.Generator], NDArray[np.bool_]]
"""(size (H, W), level, the same random numbers) → (H, W) pixels that cannot be seen any more."""


@dataclass(frozen=True)
class Stressor:
    """One way in which a picture becomes harder to judge.

    The random numbers that `change` is given depend on the seed alone, not on the level: what lies at a low level lies
    at the same place at a higher one, larger or stronger.
    """

    title: str
    description: str
    """What is done, in one sentence with its physics."""
    unit: str
    """Of the level."""
    levels: tuple[float, ...]
    """The levels that evaluations take, from low to high."""
    most: float
    """The highest level that can be asked for; the lowest is 0, which changes nothing."""
    touches: tuple[str, ...]
    """The modalities that it changes: "rgb", "depth"."""
    change: Change
    hides: Hides | None = None
    """None: nothing of the part is hidden."""
    whole: bool = False
    """Whether levels are whole numbers."""
    least: float = 0.0
    """Levels between 0 and this one are not defined (gamma starts at 1, which changes nothing)."""

    @property
    def middle(self) -> float:
        """The level in the middle of `levels`; of an even number the lower one."""
        return self.levels[(len(self.levels) - 1) // 2]

    def check(self, name: str, level: float) -> None:
        """Raise SpecsightError for a level that this stressor does not have."""
        fits = level == 0 or self.least <= level <= self.most
        if not fits or (self.whole and level != int(level)):
            kind = "a whole number" if self.whole else "a number"
            low = f"0, or {kind} from {self.least:g}" if self.least else f"{kind} from 0"
            usual = ", ".join(f"{one:g}" for one in self.levels)
            raise SpecsightError(
                f"level {level:g} of '{name}': choose {low} to {self.most:g} ({self.unit}), such as {usual}"
            )


def _adopt(name: str, plugin: Any) -> Stressor:
    if not isinstance(plugin, Stressor):
        raise SpecsightError(f"'{name}' must be a specsight.stress.Stressor, got {plugin!r}")
    return plugin


stressors: Registry[Stressor] = Registry(
    "stressor",
    "specsight.stress",
    group="specsight.stressors",
    first=("light", "occlusion", "blur", "compression", "depth", "missing"),
    adopt=_adopt,
)
"""Name → stressor. A module of this package that registers one is found by itself."""
