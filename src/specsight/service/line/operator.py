"""The operator's page: the newest part of a line, large, with its verdict; the parts before it; what persons say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError
from specsight.line.history import Wanted, find
from specsight.line.records import Review, Role, Verdict
from specsight.line.verdicts import check_reason
from specsight.service.access import Person
from specsight.service.line.api import part_of
from specsight.service.line.context import LineContext
from specsight.service.line.live import Live
from specsight.service.line.shown import OPERATING, WORDS, Shown, about, shown, undoing
from specsight.service.pages import Pages, checked_form, only, person_of
from specsight.service.texts import REASON, TYPE, written

QUEUE = 24
"""Parts that are shown beside the newest one."""
TILE = 6


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The routes of the operator's page."""
    page = _Operator(context, pages)
    router = APIRouter(include_in_schema=False)
    for path, answer, method in (
        ("/", page.lines, "GET"),
        ("/tiles", page.tiles, "GET"),
        ("/live", page.live, "GET"),
        ("/pane/{id}", page.pane, "GET"),
        ("/line", page.line, "GET"),
        ("/line/{name:path}", page.line, "GET"),
        ("/part/{id}/review", page.review, "POST"),
    ):
        router.add_api_route(path, answer, methods=[method], response_model=None)
    return router


class _Operator:
    def __init__(self, context: LineContext, pages: Pages) -> None:
        self.context, self.pages = context, pages
        self.now = Live(context, pages, QUEUE)

    def lines(self, request: Request) -> Response:
        """One tile for each line; the line itself where there is one."""
        names = self.now.lines()
        return self.line(request, names[0]) if len(names) == 1 else self._tiles(request, "lines.html.j2")

    def tiles(self, request: Request) -> Response:
        """The tiles as they are now."""
        return self._tiles(request, "tiles.html.j2")

    def _tiles(self, request: Request, template: str) -> Response:
        tiles = []
        for name in self.now.lines():
            parts = shown(self.context, find(self.context.store, Wanted(line=name), TILE))
            tiles.append((name, parts, self.now.tally.of(name), self.now.alarms(name)))
        return self.pages.page(template, request, tiles=tiles, problem=self.context.feed.problem, words=WORDS)

    def line(self, request: Request, name: str) -> Response:
        """The page of one line. Raises HTTPException 404 for a name that no line has."""
        if name not in self.now.lines():
            raise HTTPException(404, "there is no such line")
        parts = shown(self.context, find(self.context.store, Wanted(line=name), QUEUE))
        values = self.now.values(name)
        if parts:
            values |= about(self.context, parts[0], person_of(request))
        return self.pages.page("line.html.j2", request, parts=parts, **values)

    def live(self, request: Request, line: str, after: int = 0) -> Response:
        """What happens on a line from a number on, as pieces of its page (server-sent events)."""
        return EventSourceResponse(self.now.follow(request, line, after), ping=3600, send_timeout=30)

    def pane(self, request: Request, id: str) -> Response:
        """One part, large, for the page of its line."""
        (one,) = shown(self.context, [part_of(self.context, id)])
        return self.pages.page("pane.html.j2", request, **about(self.context, one, person_of(request)))

    def review(
        self,
        request: Request,
        id: str,
        fields: Annotated[Mapping[str, str], Depends(checked_form)],
        person: Annotated[Person, Depends(only(*OPERATING))],
    ) -> Response:
        """A person agrees, overrules, decides, or takes that back within a minute."""
        (one,) = shown(self.context, [part_of(self.context, id)])
        review = _undone(one, person) if "undo" in fields else _said(one, fields, person)
        review = self.context.store.review(review)
        if "hx-request" not in request.headers:
            return RedirectResponse(f"/part/{id}", 303)
        one = replace(one, reviews=(*one.reviews, review))
        queued = "queued" in fields
        shift = self.now.tally.of(one.part.line, anew=True) if queued else None
        values = {**about(self.context, one, person), "queued": queued, "shift": shift}
        text = self.pages.text("reviewed.html.j2", request, **values)
        return HTMLResponse(text)


def _said(one: Shown, fields: Mapping[str, str], person: Person) -> Review:
    """What a form says. Raises SpecsightError where it says nothing."""
    verdict, _, rest = fields.get("say", "").partition(":")
    kind, _, value = rest.partition(":")
    if verdict not in ("accept", "reject"):
        raise SpecsightError("say whether the part is accepted or rejected")
    said = {"reason": value if kind == "reason" and value else fields.get("other", ""), "type": value}
    reason = written(said, "reason", REASON)
    check_reason(reason)
    type_ = written(said, "type", TYPE) if kind == "type" else ""
    return Review(one.part.id, person.code, cast(Role, person.role), cast(Verdict, verdict), reason, type_)


def _undone(one: Shown, person: Person) -> Review:
    review = undoing(one, person)
    if review is None:
        raise SpecsightError("there is nothing to take back, or it is too late: review the part anew")
    return review
