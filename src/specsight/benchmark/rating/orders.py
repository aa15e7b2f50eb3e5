"""What is drawn by chance for a rating: which items, and in which order each rater sees their statements.

Every choice depends on the seed and names alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from specsight.benchmark.rating.folder import Statement

TWICE = 0.1
"""Of a rater's statements."""


def spread(strata: Iterable[Sequence[str]], count: int, seed: int) -> list[str]:
    """`count` names, one from each stratum in turn."""
    queues = [sorted(names, key=lambda one: drawn(seed, one)) for names in strata]
    queues.sort(key=lambda names: drawn(seed, names[0]))
    rounds = max(map(len, queues))
    turns = [names[k] for k in range(rounds) for names in queues if k < len(names)]
    return turns[:count]


def ordered(rater: str, said: Mapping[tuple[str, str], str], seed: int) -> list[Statement]:
    """All statements, (item, model) → text, in a rater's own order; some of the first half come again in the second."""
    pairs = list(said)
    generator = np.random.default_rng(int(drawn(seed, f"order {rater}"), 16))
    first = [pairs[k] for k in generator.permutation(len(pairs))]
    half = math.ceil(len(first) / 2)
    repeated = [first[k] for k in generator.permutation(half)[: math.ceil(TWICE * len(first))]]
    later = [(pair, False) for pair in first[half:]] + [(pair, True) for pair in repeated]
    order = [(pair, False) for pair in first[:half]] + [later[k] for k in generator.permutation(len(later))]
    return [
        Statement(rater=rater, place=place, item=item, model=model, text=said[item, model], again=again)
        for place, ((item, model), again) in enumerate(order, 1)
    ]


def drawn(seed: int, name: str) -> str:
    """A digest by which things are put in an order of chance."""
    return hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
