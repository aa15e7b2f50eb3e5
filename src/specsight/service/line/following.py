"""What is live is loaded in the background, so that a model that is swapped never stalls a part."""

from __future__ import annotations

import asyncio

from specsight.line.fleet import Fleet
from specsight.line.following import EVERY
from specsight.service.line.repeating import Repeating


class Follower:
    """Lets `fleet` follow its store; another server, or the command line, may let a version go live."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.problems: dict[str, str] = {}
        """Model → why its live version does not judge here, or would not after another start."""
        self._following = Repeating(EVERY, self._follow)

    async def start(self) -> None:
        """Begin to follow."""
        self._following.start()

    async def stop(self) -> None:
        """Follow no more."""
        await self._following.stop()

    async def _follow(self) -> None:
        self.problems = await asyncio.to_thread(self.fleet.follow_all)
