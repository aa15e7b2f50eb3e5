"""A folder of pictures, shown as a camera would: one after the other, at a rate."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from specsight.datasets import load_dataset
from specsight.datasets.beside import with_signals
from specsight.errors import SpecsightError
from specsight.images import signal_files
from specsight.line.sources.contract import Arrival, Source
from specsight.records import Sample

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def rate_of(text: str) -> float:
    """Pictures a second in "1.5/s", "60/min" or "3600/h". Raises SpecsightError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(s|min|h)", text.strip())
    rate = float(found[1]) / UNITS[found[2]] if found else 0.0
    if not 0 < rate <= 1000:
        raise SpecsightError(
            f"--rate {text}: write pictures in a time, such as 1.0/s or 60/min, up to 1000/s"
        )
    return rate


class ReplaySource(Source):
    """The pictures of `folder` (any layout that is read, see `load_dataset`), copied, never moved.

    Parameters:
        rate: pictures a second; None: each as soon as the one before it is judged.
        loops: how often all are shown; 0: without end.
        seed: shows them in an order shuffled anew in each loop; None: as they are named.
        depth: folder with their depth, by name.
        signals: folders with further channels, by name.
        clock: seconds, by a clock that nobody sets.
    """

    def __init__(
        self,
        folder: Path,
        rate: float | None = None,
        loops: int = 1,
        seed: int | None = None,
        depth: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        signals: Mapping[str, Path] | None = None,
    ) -> None:
        samples = load_dataset(folder).samples
        samples = with_signals(
            samples, folder, {**({"depth": depth} if depth else {}), **(signals or {})}
        ).samples
        self._pictures = sorted(samples, key=lambda sample: _natural(sample.image.as_posix()))
        self._rate, self._loops, self._seed, self._clock = rate, loops, seed, clock
        self._order = self._all()
        self._next: Sample | None = next(self._order)
        self._start: float | None = None
        self._shown = 0
        self.behind = 0
        """Pictures that came more than one interval late, because judging took longer than the rate allows."""

    def next(self) -> Arrival | None:
        """The next picture, once its time has come."""
        sample = self._next
        if sample is None:
            return None
        if self._rate is not None and not self._due(self._rate):
            return None
        self._shown += 1
        self._next = next(self._order, None)
        self.ended = self._next is None
        image = sample.image
        return Arrival(image.stem, image.name, image, sample.depth, signal_files(sample), moves=False)

    def _due(self, rate: float) -> bool:
        now = self._clock()
        if self._start is None:
            self._start = now
        late = now - (self._start + self._shown / rate)
        self.pause = max(0.0, -late)
        if late > 1 / rate:
            self.behind += 1
        return late >= 0

    def _all(self) -> Iterator[Sample]:
        generator = random.Random(self._seed)
        loop = 0
        while not self._loops or loop < self._loops:
            pictures = list(self._pictures)
            if self._seed is not None:
                generator.shuffle(pictures)
            yield from pictures
            loop += 1


def _natural(text: str) -> list[tuple[int, str]]:
    """A key by which 2.png comes before 10.png."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text)]
