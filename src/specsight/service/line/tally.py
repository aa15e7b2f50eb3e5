"""Counts of the shift that runs, by line; counted once for all pages, and from then on only what is new."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from specsight.line import history
from specsight.line.history import Counts
from specsight.line.records import now
from specsight.line.store import LineStore

SHIFTS = (6, 14, 22)
"""Hours at which a shift begins, by the server's clock on the wall."""
FRESH = 0.4
"""Seconds for which counts are not asked anew."""


@dataclass(frozen=True)
class Shift:
    """What a line did since a shift began."""

    since: datetime
    words: dict[str, int]
    overruled: int

    @property
    def parts(self) -> int:
        """All parts."""
        return sum(self.words.values())


def shift_begin(time: datetime) -> datetime:
    """When the shift began that runs at `time`, which has a zone."""
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [
        *(day - timedelta(days=1) + timedelta(hours=hour) for hour in SHIFTS),
        *(day + timedelta(hours=hour) for hour in SHIFTS),
    ]
    return max(one for one in begins if one <= time)


class Tally:
    """Shifts of the lines of a store."""

    def __init__(self, store: LineStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[float, Shift, Counts]] = {}

    def of(self, line: str, anew: bool = False) -> Shift:
        """The shift that runs on a line; `anew`: counted now, however fresh the last count is. Raises Unavailable where
        the database cannot be reached."""
        since = shift_begin(now().astimezone())
        with self._lock:
            asked, shift, counts = self._counted.get(line, (0.0, None, Counts({}, 0)))
            if shift is None or shift.since != since:
                counts = Counts({}, 0)
            elif not anew and time.monotonic() - asked < FRESH:
                return shift
            counts += history.counts(self._store, line, since, counts.newest)
            shift = Shift(since, counts.words, history.overruled(self._store, line, since))
            self._counted[line] = (time.monotonic(), shift, counts)
            return shift
