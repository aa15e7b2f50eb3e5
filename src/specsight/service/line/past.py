"""What was judged before: a list to search, and everything about one part."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from specsight.line.history import Wanted, find
from specsight.line.verdicts import UNDONE
from specsight.service.line.api import part_of
from specsight.service.line.context import LineContext
from specsight.service.line.shown import WORDS, about, shown
from specsight.service.pages import Pages, person_of

PAGE = 50
"""Parts on one page."""
LARGEST = 2**63 - 1


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The routes of the pages that look back."""
    page = _Past(context, pages)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/history", page.history, methods=["GET"], response_model=None)
    router.add_api_route("/part/{id}", page.part, methods=["GET"], response_model=None)
    return router


class _Past:
    def __init__(self, context: LineContext, pages: Pages) -> None:
        self.context, self.pages = context, pages

    def history(
        self,
        request: Request,
        line: str = "",
        model: str = "",
        verdict: str = "",
        overruled: bool = False,
        name: str = "",
        since: str = "",
        until: str = "",
        before: Annotated[int, Query(ge=0, le=LARGEST)] = LARGEST,
    ) -> Response:
        """Parts that are looked for, the newest first; times without a zone are by the server's clock."""
        wanted = Wanted(
            line=line or None,
            model=model or None,
            name=text_of(name),
            verdict=verdict,
            overruled=overruled,
            since=time_of(since),
            until=time_of(until),
            before=before,
        )
        found = searched(self.context, request, wanted)
        lines = dict.fromkeys([*self.context.lines, *sorted(self.context.feed.latest)])
        return self.pages.page(
            "history.html.j2",
            request,
            newest=urlencode(found["asked"]) if before != LARGEST else None,
            lines=list(lines),
            **found,
        )

    def part(self, request: Request, id: str) -> Response:
        """Everything that is known of one part."""
        (one,) = shown(self.context, [part_of(self.context, id)])
        findings = one.part.inspection.get("findings", [])
        values = about(self.context, one, person_of(request))
        return self.pages.page("part.html.j2", request, findings=findings, undone=UNDONE, **values)


def searched(context: LineContext, request: Request, wanted: Wanted) -> dict[str, Any]:
    """What pages say of a search: a page of parts, what was asked, what asks for older ones. An unknown verdict does
    not matter."""
    wanted = replace(wanted, verdict=wanted.verdict if wanted.verdict in WORDS else None)
    found = find(context.store, wanted, PAGE + 1)
    asked = asked_of(request)
    return {
        "parts": shown(context, found[:PAGE]),
        "asked": asked,
        "older": urlencode({**asked, "before": found[PAGE - 1].number}) if len(found) > PAGE else "",
        "models": context.fleet.names(),
        "words": WORDS,
    }


def asked_of(request: Request) -> dict[str, str]:
    """What a search asks for, whichever page of it is shown."""
    return {one: value for one, value in request.query_params.items() if value and one != "before"}


def text_of(given: str) -> str | None:
    """A text of a form; None: there is none."""
    return given.strip() or None


def time_of(given: str) -> datetime | None:
    """A time of a form; None: none, or nothing that is one."""
    try:
        time = datetime.fromisoformat(given.strip())
        return time.astimezone() if 1900 <= time.year <= 9000 else None
    except (ValueError, OverflowError, OSError):
        return None
