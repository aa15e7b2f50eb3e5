"""How often each answer is right in a whole set: the first of two passes over its samples, a few counters in memory."""

from __future__ import annotations

import heapq
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from specsight.benchmark.items.option_sets import Case
from specsight.benchmark.records import BenchmarkSample

REFERENCES = 32
"""Good training pictures per product that are kept as references."""

Pool = tuple[str, ...]
"""Task, kind of question, and what else the questions of one pool share: their answers are compared."""


@dataclass(frozen=True, order=True)
class Reference:
    """A good training picture that may be shown beside another one."""

    rank: int
    id: str
    group: str
    image: str


@dataclass
class Census:
    """Counts of right answers by pool, and references by product. The order of samples makes no difference."""

    right: dict[Pool, Counter[Case]] = field(default_factory=lambda: defaultdict(Counter))
    _references: dict[str, list[tuple[int, Reference]]] = field(default_factory=dict)

    def count(self, pool: Pool, right: str, barred: Iterable[str] = ()) -> None:
        """One more picture of which `right` is the answer, and `barred` are true besides."""
        self.right[pool][right, tuple(sorted(barred))] += 1

    def answers(self, pool: Pool) -> dict[str, int]:
        """Answer → pictures of which it is right."""
        found: Counter[str] = Counter()
        for (right, _), count in self.right[pool].items():
            found[right] += count
        return dict(found)

    def keep_reference(self, sample: BenchmarkSample, seed: int) -> None:
        """Keep a good picture of the train split, if it is among the first in an order that the seed draws."""
        if sample.label != "good" or sample.split != "train":
            return
        rank = zlib.crc32(f"{seed}/{sample.id}".encode())
        heap = self._references.setdefault(sample.product, [])
        entry = (-rank, Reference(rank, sample.id, sample.group, sample.image))
        if len(heap) < REFERENCES:
            heapq.heappush(heap, entry)
        elif entry > heap[0]:
            heapq.heapreplace(heap, entry)

    @property
    def references(self) -> Mapping[str, tuple[Reference, ...]]:
        """Product → references, in the order that the seed draws."""
        return {
            product: tuple(sorted(reference for _, reference in heap))
            for product, heap in self._references.items()
        }
