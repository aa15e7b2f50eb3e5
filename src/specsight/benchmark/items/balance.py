"""What keeps a benchmark even while it is made, one sample after the other: a few counters, whatever its size.

Which letter is right, which paraphrase is taken, and which of the surplus of pictures is left out depend on what was
made before; everything else about an item depends on its sample, the census and the seed alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
SEPARATOR = "\x1f"


@dataclass
class Balance:
    """Counters by what is counted."""

    counts: Counter[str] = field(default_factory=Counter)

    def least(self, what: Sequence[str], choices: Sequence[T], generator: np.random.Generator) -> T:
        """The choice that was taken least often for `what`; among equals, at random. It is counted."""
        keys = [SEPARATOR.join((*what, str(choice))) for choice in choices]
        fewest = min(self.counts[key] for key in keys)
        among = [k for k, key in enumerate(keys) if self.counts[key] == fewest]
        chosen = among[int(generator.integers(len(among)))]
        self.counts[keys[chosen]] += 1
        return choices[chosen]

    def keeps(self, what: Sequence[str], rate: float, start: float) -> bool:
        """Whether the next of `what` is kept, so that of any n in turn about `rate` · n are.

        `start` in [0, 1) is which of the first are: a number that is drawn once for `what`.
        """
        key = SEPARATOR.join(("keeps", *what))
        before = self.counts[key]
        self.counts[key] += 1
        # Rounding may not leave out one of several of which all are to be kept.
        return math.floor((before + 1) * rate + start + 1e-9) > math.floor(before * rate + start + 1e-9)

    def to_json(self) -> dict[str, int]:
        """The counters, so that a build that was stopped goes on as if it had not been."""
        return dict(sorted(self.counts.items()))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Balance:
        """Read what `to_json` gave."""
        return cls(Counter({key: int(count) for key, count in values.items()}))
