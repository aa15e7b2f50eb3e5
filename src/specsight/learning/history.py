"""How a training went: its log, line by line as JSON, and what `train` returns."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from specsight.learning.task import PICTURES

LOG = "log.jsonl"


@dataclass(frozen=True)
class History:
    """How a training went."""

    steps: int
    """Steps taken in all, by this process and by those before it that were killed."""
    best: float
    """Lowest criterion on held-out examples; infinite for a task without one."""
    best_step: int
    """The step after which it was reached: the trained modules are those of that step. 0 for a task without one."""
    seconds: float
    """Duration of this call."""
    entries: tuple[Mapping[str, Any], ...] = ()
    """The lines of the log that this call wrote."""


class Journal:
    """Collects a training's numbers; writes them as lines of JSON to the file `log`, if it is given."""

    def __init__(self, task: str, log: Path | None, clock: Callable[[], float]) -> None:
        self.task, self.log, self.clock = task, log, clock
        self.entries: list[Mapping[str, Any]] = []
        self._clear()

    def add(self, numbers: Mapping[str, float], processes: int = 1) -> None:
        """Numbers of one step of this process, one of `processes`."""
        for key, value in numbers.items():
            if key == PICTURES:
                self._pictures += int(value) * processes
            else:
                self._values.setdefault(key, []).append(value)

    def write_means(self, step: int) -> None:
        """Means of the numbers since the last such line, pictures and seconds."""
        means = {key: round(float(np.mean(values)), 5) for key, values in self._values.items()}
        seconds = round(self.clock() - self._since, 1)
        self.write({"step": step, PICTURES: self._pictures, "seconds": seconds, **means})
        self._clear()

    def write(self, entry: Mapping[str, Any]) -> None:
        """One line about this task."""
        self.entries.append({"stage": self.task, **entry})
        if self.log is not None:
            write_entry(self.log, self.entries[-1])

    def _clear(self) -> None:
        self._values: dict[str, list[float]] = {}
        self._pictures, self._since = 0, self.clock()


def write_entry(log: Path, entry: Mapping[str, Any]) -> None:
    """Append one line, with the time, to the log `log`; numbers that are not finite become null, for JSON has none."""
    log.parent.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": stamp, **_finite(entry)}, allow_nan=False) + "\n")


def _finite(entry: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return _finite(value)
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {key: plain(value) for key, value in entry.items()}
