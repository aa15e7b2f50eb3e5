"""What happens on a line, as pieces of its page: server-sent events with HTML in the language of who follows.

In: the feed of new parts. Out: "pane" (the newest part, large), "part" (one more of the queue), "queue" (all of it,
after a connection was lost), "counts" and "alarms" where they changed, and "state" with every part and every `BEAT`
seconds: a page that has heard nothing for a few of these knows that it is cut off, and shows no verdict.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import Request
from sse_starlette import ServerSentEvent

from specsight.errors import SpecsightError
from specsight.line.history import Wanted, find
from specsight.line.records import JudgedPart
from specsight.service.line.context import LineContext
from specsight.service.line.shown import WORDS, about, shown
from specsight.service.line.tally import Tally
from specsight.service.pages import Pages, person_of

BEAT = 2.0
RETRY = 1000
"""Milliseconds after which a browser tries again."""
ALONE = "line"
"""The line of parts that name none, where the server was started without names (`/inspect`)."""


class Live:
    """The pieces of a line's page as they are now; `queue` parts are kept beside the newest."""

    def __init__(self, context: LineContext, pages: Pages, queue: int) -> None:
        self.context, self.pages, self.queue = context, pages, queue
        self.tally = Tally(context.store)

    def lines(self) -> list[str]:
        """Names of all lines: those that were named first."""
        known = [*self.context.lines, *sorted(self.context.feed.latest)]
        return list(dict.fromkeys(known)) or [ALONE]

    def alarms(self, line: str) -> Sequence[str]:
        """What the operator of a line should know, in sentences."""
        return self.context.alarms(line)

    def values(self, line: str) -> dict[str, Any]:
        """What the page of a line says beside its parts."""
        judge = self.context.judge
        return {
            "line": line,
            "lines": self.lines(),
            "words": WORDS,
            "shift": self.tally.of(line),
            "alarms": self.alarms(line),
            "waiting": judge.waiting,
            "places": judge.places,
            "problem": self.context.feed.problem,
        }

    async def follow(self, request: Request, line: str, after: int) -> AsyncIterator[ServerSentEvent]:
        """Events for a page that knows the parts of a line up to number `after`."""
        last: dict[str, str] = {}
        try:
            newest = await asyncio.to_thread(find, self.context.store, Wanted(line=line), 1)
        except SpecsightError as error:
            text = self.pages.text("pieces.html.j2", request, piece="state", **_cut_off(error))
            yield ServerSentEvent(text, event="state", retry=RETRY)
            return
        if newest and newest[0].number != after:
            after = newest[0].number
            yield await self._event("queue", request, line)
            yield await self._event("pane", request, line, newest[0])
        yield await self._event("state", request, line)
        async for part in self.context.feed.follow(line, after, BEAT):
            if part is not None:
                yield await self._event("part", request, line, part)
                if part.number >= self.context.feed.latest.get(
                    line, 0
                ):  # of many at once, the last one alone is shown
                    yield await self._event("pane", request, line, part)
            for name in ("counts", "alarms"):
                event = await self._event(name, request, line)
                if last.get(name) != event.data:
                    last[name] = str(event.data)
                    yield event
            yield await self._event("state", request, line)

    async def _event(
        self, name: str, request: Request, line: str, part: JudgedPart | None = None
    ) -> ServerSentEvent:
        name, text = await asyncio.to_thread(self._text, name, request, line, part)
        return ServerSentEvent(text, event=name, retry=RETRY if name == "state" else None)

    def _text(self, name: str, request: Request, line: str, part: JudgedPart | None) -> tuple[str, str]:
        try:
            values = self._values(name, request, line, part)
        except SpecsightError as error:  # the database is away: that is said, and nothing else shown
            name, values = "state", _cut_off(error)
        return name, self.pages.text("pieces.html.j2", request, piece=name, **values)

    def _values(self, name: str, request: Request, line: str, part: JudgedPart | None) -> dict[str, Any]:
        if name in ("counts", "alarms", "state"):
            return self.values(line)
        if name == "queue":
            parts = shown(self.context, find(self.context.store, Wanted(line=line), self.queue))
            return {"parts": parts, "line": line, "words": WORDS}
        assert part is not None
        (one,) = shown(self.context, [part])
        return {**about(self.context, one, person_of(request)), "line": line}


def _cut_off(error: SpecsightError) -> dict[str, Any]:
    return {"problem": str(error), "waiting": 0, "places": 0}
