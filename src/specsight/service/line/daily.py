"""What a server does once a day beside the judging: it notes the trail's last entries, and applies rules of retention.
Why it cannot is told to `/health` and the log.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.line.auditing.daily import apply_daily
from specsight.line.auditing.noting import note_heads
from specsight.line.auditing.retention import load_rules
from specsight.line.store import LineStore
from specsight.service.line.repeating import Repeating

EVERY = 60.0
"""Seconds between two looks at whether a day has passed since it was last done, by whichever server."""
BREATH = 0.05
"""Seconds between two steps, in which parts are stored."""


class Daily:
    """Does for `store` what is due, with the rules in the file `rules`; None: none. `tell` takes lines for the log.

    Raises SpecsightError where the file holds no rules. It is read anew each time, so that an edit holds.
    """

    def __init__(
        self, store: LineStore, rules: Path | None = None, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        if rules is not None:
            load_rules(rules)
        self.store, self.rules, self._tell = store, rules, tell
        self.problem = ""
        """What cannot be done at present, and why; empty: nothing."""
        self._ended = threading.Event()
        self._repeating = Repeating(EVERY, self._look)

    async def start(self) -> None:
        """Begin to look whether a day has passed."""
        self._repeating.start()

    async def stop(self) -> None:
        """Do nothing any more; the step that is under way is finished."""
        self._ended.set()
        await self._repeating.stop()

    def look(self) -> None:
        """Do what is due."""
        problem = ""
        for what, work in (("trail", self._note), ("retention", self._retain)):
            try:
                work()
            except (SpecsightError, OSError) as error:
                problem = problem or f"{what}: {error}"
        if problem and problem != self.problem:
            self._tell(f"not done: {problem}")
        self.problem = problem

    def _note(self) -> None:
        note_heads(self.store)

    def _retain(self) -> None:
        if self.rules is None:
            return
        gone = apply_daily(self.store, self.rules, lambda: self._ended.wait(BREATH))
        if gone is not None:
            self._tell(f"retention: deleted {gone.words}")

    async def _look(self) -> None:
        await asyncio.to_thread(self.look)
