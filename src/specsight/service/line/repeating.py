"""Work that is done again and again beside the answering of requests, until the server ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable


class Repeating:
    """Does `work` every `seconds`, the first time after so long; `start` and `stop` inside the server's event loop."""

    def __init__(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        self._seconds, self._work = seconds, work
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._repeat())

    async def stop(self) -> None:
        """Do it no more; what is under way is cut off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self._work()
            except Exception:
                logging.getLogger(__name__).exception("it failed, and is tried again")
