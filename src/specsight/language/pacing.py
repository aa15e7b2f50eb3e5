"""When requests may go out: an even pace, pauses that a server asks for, rest for one that is silent, an end.

In: how many requests a minute, and what the server said. Out: waiting until it is a request's turn, for all threads.
"""

from __future__ import annotations

import math
import os
import random
import threading
import time
from email.utils import parsedate_to_datetime

from specsight.errors import SpecsightError, excerpt

TIME = "SPECSIGHT_ENDPOINT_TIMEOUT"
"""Environment variable: seconds that one attempt may take, for servers that answer slowly."""
FIRST, LONGEST = 0.5, 30.0
"""Seconds between the first attempt and the second where the server names none; each further pause is twice as long."""
JITTER = 0.25
"""Share by which a pause is lengthened at random, so that those who failed together do not come back together."""


class Pace:
    """Requests spread evenly over time, whichever thread sends them; `per_minute` None: as many as are asked."""

    def __init__(self, per_minute: float | None = None) -> None:
        self._gap = 0.0 if per_minute is None else 60 / per_minute
        self._next = self._held = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def wait(self, deadline: float) -> bool:
        """Sleep until it is this request's turn; False where none comes before `deadline` (`time.monotonic`)."""
        while not self._stopped.is_set():
            with self._lock:
                now = time.monotonic()
                turn = max(self._next, self._held)
                if turn <= now:
                    self._next = now + self._gap
                    return True
            if turn > deadline:
                return False
            self._stopped.wait(turn - now)
        return False

    def hold(self, seconds: float) -> None:
        """Let no request out for so long: the server asked for it."""
        with self._lock:
            self._held = max(self._held, time.monotonic() + seconds)

    def held(self) -> float:
        """Seconds until requests go out again."""
        return max(0.0, self._held - time.monotonic())

    def sleep(self, seconds: float) -> bool:
        """Pause one thread; False where all was stopped meanwhile."""
        return not self._stopped.wait(seconds)

    def stop(self) -> None:
        """End every waiting, now and later: no further request goes out."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()


class Rest:
    """Whether a server that has been silent is asked at all: after `AFTER` questions in a row, not for `seconds`, and
    then each question once, until one is answered."""

    AFTER = 3

    def __init__(self, seconds: float) -> None:
        self._seconds, self._silent, self._until = seconds, 0, 0.0
        self._lock = threading.Lock()

    @property
    def tired(self) -> bool:
        """Whether it was silent so often."""
        return self._seconds > 0 and self._silent >= self.AFTER

    def left(self) -> float:
        """Seconds for which it is not asked; 0: it is."""
        return max(0.0, self._until - time.monotonic())

    def note(self, silent: bool) -> None:
        """What came of a question."""
        with self._lock:
            self._silent = self._silent + 1 if silent else 0
            self._until = time.monotonic() + self._seconds if self.tired else 0.0


def pause(attempt: int, asked: float | None) -> float:
    """Seconds before the next attempt, after `attempt` failed ones (from 1); `asked`: what the server named."""
    seconds = min(LONGEST, FIRST * 2 ** (attempt - 1)) if asked is None else asked
    return seconds * (1 + JITTER * random.random())


def retry_after(headers: dict[str, str]) -> float | None:
    """Seconds that a server asks to wait (RFC 9110, 10.2.3: a number or a date; "retry-after-ms" as some send it).

    None where it names none, or nothing sensible.
    """
    milliseconds, given = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            seconds = float(milliseconds) / 1000
        elif given is None:
            return None
        elif given.strip()[:1].isdigit():
            seconds = float(given)
        else:
            seconds = parsedate_to_datetime(given).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, seconds)


def attempt_seconds(usual: float) -> float:
    """Seconds of one attempt: what SPECSIGHT_ENDPOINT_TIMEOUT says, else `usual`. Raises SpecsightError for others."""
    given = os.environ.get(TIME)
    if not given:
        return usual
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SpecsightError(f"{TIME} is '{excerpt(given)}': give seconds, such as 300")
    return seconds
