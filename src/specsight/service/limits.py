"""How often somebody may ask, and how many bytes may be on their way at once.

The library `limits` counts (moving windows in memory; slowapi wraps the same library, but decorates one route at a time
and sees a request after its body). Each server counts for itself.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


@dataclass(frozen=True)
class Rates:
    """Requests a minute of a person, of an address, and of those who are not known, by address."""

    person: int = 6000
    address: int = 12000
    unknown: int = 60


class Limiter:
    """Counts requests in a minute that moves along."""

    def __init__(self, rates: Rates) -> None:
        self._counted = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._items = {
            "person": RateLimitItemPerMinute(rates.person),
            "address": RateLimitItemPerMinute(rates.address),
            "unknown": RateLimitItemPerMinute(rates.unknown),
        }

    def wait(self, kind: str, who: str) -> int:
        """Count a request of `who`; 0 where it may pass, otherwise after how many seconds to ask again."""
        if self._counted.hit(self._items[kind], kind, who):
            return 0
        return self._left(kind, who)

    def exhausted(self, kind: str, who: str) -> int:
        """As `wait`, without counting."""
        return 0 if self._counted.test(self._items[kind], kind, who) else self._left(kind, who)

    def _left(self, kind: str, who: str) -> int:
        reset = self._counted.get_window_stats(self._items[kind], kind, who).reset_time
        return max(1, math.ceil(reset - time.time()))
