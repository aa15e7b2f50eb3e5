"""Which good parts a detector learns from and which are held out for its threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specsight.errors import SpecsightError
from specsight.records import Sample


def split_holdout(good: Sequence[Sample], count: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Split good samples into those to learn from and about `count` held out under `seed`; both keep their order.

    Samples of one physical object (`Sample.group`) stay together, and some are always left to learn from. Raises
    SpecsightError for a count below 0 or not below the number of samples.
    """
    groups: dict[str, list[int]] = {}
    for index, sample in enumerate(good):
        groups.setdefault(f"group:{sample.group}" if sample.group else f"sample:{index}", []).append(index)
    if count < 0 or count >= len(good):
        raise SpecsightError(
            f"cannot hold out {count} of {len(good)} good parts: some must be left to learn from"
        )
    held_out: set[int] = set()
    for choice in np.random.default_rng(seed).permutation(len(groups))[:-1]:
        if len(held_out) >= count:
            break
        held_out.update(list(groups.values())[choice])
    return [s for i, s in enumerate(good) if i not in held_out], [
        s for i, s in enumerate(good) if i in held_out
    ]
