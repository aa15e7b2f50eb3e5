"""Which items of a benchmark are asked: of one split, of some tasks, at most so many of each."""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Item, Split
from specsight.benchmark.tasks import TASKS
from specsight.errors import SpecsightError, did_you_mean


@dataclass(frozen=True)
class Selection:
    """Raises SpecsightError for an unknown task and a limit below 1."""

    split: Split | None = "test"
    """None: of all splits."""
    tasks: tuple[str, ...] = ()
    """None named: all."""
    limit: int | None = None
    """Items of each task at most, drawn by `seed` and their ids; matched pairs stay together."""
    seed: int = 0
    scenarios: bool = True
    """Whether the items of scenarios are asked, of which a task may have more than of plain ones."""

    def __post_init__(self) -> None:
        for task in self.tasks:
            if task not in TASKS:
                raise SpecsightError(f"unknown task '{task}': {did_you_mean(task, TASKS)}")
        if self.limit is not None and self.limit < 1:
            raise SpecsightError(f"--limit {self.limit}: give at least one item of each task")

    def to_json(self) -> Mapping[str, Any]:
        """For the protocol of a run, which names what is left out alone."""
        fields = {**asdict(self), "tasks": list(self.tasks)}
        if self.scenarios:
            del fields["scenarios"]
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Selection:
        """Read what `to_json` gave."""
        return cls(
            fields.get("split"),
            tuple(fields.get("tasks", ())),
            fields.get("limit"),
            fields.get("seed", 0),
            fields.get("scenarios", True),
        )

    def items(self, benchmark: Benchmark) -> Iterator[Item]:
        """The items, in the order of the benchmark. Only the ids of a limited selection are held."""
        chosen = self._chosen(benchmark) if self.limit is not None else None
        for item in benchmark.items():
            if self._asks(item) and (chosen is None or _unit(item) in chosen):
                yield item

    def _asks(self, item: Item) -> bool:
        return (
            self.split in (None, item.split)
            and (not self.tasks or item.task in self.tasks)
            and (self.scenarios or item.scenario is None)
        )

    def _chosen(self, benchmark: Benchmark) -> set[str]:
        """Units (single items, matched pairs) with the smallest digests of each task."""
        assert self.limit is not None
        kept: dict[str, list[tuple[int, str]]] = defaultdict(list)
        sizes: dict[str, int] = {}
        for item in benchmark.items():
            if not self._asks(item):
                continue
            unit = _unit(item)
            if unit in sizes:
                sizes[unit] += 1
                continue
            heap = kept[item.task]
            entry = (-self._rank(unit), unit)
            if len(heap) < self.limit:
                heapq.heappush(heap, entry)
                sizes[unit] = 1
            elif entry > heap[0]:
                _, gone = heapq.heappushpop(heap, entry)
                sizes.pop(gone, None)
                sizes[unit] = 1
        chosen = set()
        for heap in kept.values():
            room = self.limit
            for _, unit in sorted(heap, reverse=True):
                if sizes[unit] <= room:
                    chosen.add(unit)
                    room -= sizes[unit]
        return chosen

    def _rank(self, unit: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed}:{unit}".encode()).digest()[:8], "big")


def _unit(item: Item) -> str:
    """What is chosen as a whole."""
    return f"{item.sample}/{item.task}/{item.pair}" if item.pair else item.id
