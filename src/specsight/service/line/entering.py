"""`/enter`: where a browser brings a token, which moves into a cookie (`service.guard`)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from specsight.service.guard import ENTERING
from specsight.service.line.context import LineContext
from specsight.service.pages import Pages


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The form for a token."""
    router = APIRouter(include_in_schema=False)

    def enter(request: Request) -> Response:
        return pages.page("enter.html.j2", request, unknown="unknown" in request.query_params)

    router.add_api_route(ENTERING, enter, methods=["GET"])
    return router
