"""New parts of lines, told to whoever follows them: at once those of this server, soon those of other servers.

Followers ask the store what is new whenever something happened, each from the number that it has seen: nobody misses a
part, whichever server judged it, and a follower that is slow has no queue that grows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from specsight.errors import SpecsightError
from specsight.line.history import Wanted, find
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore
from specsight.service.line.repeating import Repeating

POLL = 0.25
"""Seconds between two looks at what other servers stored: one per server, however many follow."""
BATCH = 100
"""Parts that a follower is told at once."""


class Feed:
    """What is new in `store`. `told` may be called by any thread, the rest inside the server's event loop."""

    def __init__(self, store: LineStore) -> None:
        self.store = store
        self._loop: asyncio.AbstractEventLoop | None = None
        self._happened = asyncio.Event()
        self._polling = Repeating(POLL, self._poll)
        self.latest: Mapping[str, int] = {}
        """Each line's newest number, as far as is known here."""
        self.problem = ""
        """Why the store cannot be asked at present; empty while it can."""

    async def start(self) -> None:
        """Begin to look at what other servers store."""
        self._loop = asyncio.get_running_loop()
        self.latest = await asyncio.to_thread(self.store.latest)
        self._polling.start()

    async def stop(self) -> None:
        """Tell nobody anything any more."""
        await self._polling.stop()
        self._loop = None
        self._wake()

    def told(self, part: JudgedPart) -> None:
        """A part was stored by this server (a listener of `PartJudge`)."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._arrived, part.line, part.number)

    def _arrived(self, line: str, number: int) -> None:
        self.latest = {**self.latest, line: max(number, self.latest.get(line, 0))}
        self._wake()

    def _wake(self) -> None:
        self._happened.set()
        self._happened = asyncio.Event()

    async def _poll(self) -> None:
        try:
            found = await asyncio.to_thread(self.store.latest)
            self.problem = ""
        except SpecsightError as error:
            self.problem = str(error)
            return
        if any(number > self.latest.get(line, 0) for line, number in found.items()):
            self.latest = {**self.latest, **found}
            self._wake()

    async def follow(
        self, line: str | None = None, after: int | None = None, idle: float = 15
    ) -> AsyncIterator[JudgedPart | None]:
        """Parts of a line (None: of all) as they are stored, each once, those of one line in their order.

        `after`: the number that is known already; None: begin with what comes next. Numbers rise within a line; across
        lines a server may store a smaller one later, so that whoever must miss nothing follows each line by itself.
        Every `idle` seconds without news, None: so that whoever writes to a connection notices that it is gone.
        """
        seen = dict(self.latest) if after is None else {}
        start = after or 0
        while self._loop is not None:
            happened = self._happened
            news = False
            for name, number in self.latest.items():
                if (line is None or name == line) and number > seen.get(name, start):
                    news = True
                    for part in await self._new(name, seen.get(name, start)):
                        seen[name] = part.number
                        yield part
            if not news:
                try:
                    await asyncio.wait_for(happened.wait(), idle)
                except asyncio.TimeoutError:
                    yield None

    async def _new(self, line: str, after: int) -> list[JudgedPart]:
        try:
            return await asyncio.to_thread(
                find, self.store, Wanted(line, after=after), BATCH, oldest_first=True
            )
        except SpecsightError as error:
            self.problem = str(error)
            await asyncio.sleep(POLL)
            return []
