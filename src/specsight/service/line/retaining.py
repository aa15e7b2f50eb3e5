"""Rules of retention, applied daily beside the judging; why they cannot be is told to `/health` and the log."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.line.auditing.daily import apply_daily
from specsight.line.auditing.retention import load_rules
from specsight.line.store import LineStore
from specsight.service.line.repeating import Repeating

EVERY = 60.0
"""Seconds between two looks at whether a day has passed since rules were last applied, by whichever server."""
BREATH = 0.05
"""Seconds between two steps, in which parts are stored."""


class Retainer:
    """Applies the rules in the file `rules` to `store`; None: none. `tell` takes lines for the log.

    Raises SpecsightError where the file holds no rules. It is read anew each time, so that an edit holds.
    """

    def __init__(
        self, store: LineStore, rules: Path | None = None, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        if rules is not None:
            load_rules(rules)
        self.store, self.rules, self._tell = store, rules, tell
        self.problem = ""
        """Why rules are not applied at present; empty: they are, or there are none."""
        self._ended = threading.Event()
        self._retaining = Repeating(EVERY, self._retain)

    async def start(self) -> None:
        """Begin to look whether a day has passed, where there are rules."""
        if self.rules is not None:
            self._retaining.start()

    async def stop(self) -> None:
        """Apply nothing any more; the step that is under way is finished."""
        self._ended.set()
        await self._retaining.stop()

    def look(self) -> None:
        """Apply the rules where they are due."""
        if self.rules is None:
            return
        problem = ""
        try:
            gone = apply_daily(self.store, self.rules, lambda: self._ended.wait(BREATH))
            if gone is not None:
                self._tell(f"retention: deleted {gone.words}")
        except (SpecsightError, OSError) as error:
            problem = str(error)
            if problem != self.problem:
                self._tell(f"retention: not applied: {problem}")
        self.problem = problem

    async def _retain(self) -> None:
        await asyncio.to_thread(self.look)
