"""What programs ask of a line: parts to judge, what was judged, what is new."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from specsight.line.records import JudgedPart
from specsight.service.line.context import LineContext, context_of
from specsight.service.line.pictures import kept_picture, overlay
from specsight.service.pages import Pages

Context = Annotated[LineContext, Depends(context_of)]


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The routes of programs."""
    router = APIRouter(tags=["inspections"])
    router.add_api_route("/inspections", list_parts, methods=["GET"])
    router.add_api_route("/inspections/{id}", one_part, methods=["GET"])
    router.add_api_route("/inspections/{id}/picture", picture, methods=["GET"], response_class=Response)
    router.add_api_route("/inspections/{id}/overlay", marked, methods=["GET"], response_class=Response)
    router.add_api_route("/events", events, methods=["GET"], response_class=EventSourceResponse)
    return router


def list_parts(
    context: Context,
    line: str | None = None,
    model: str | None = None,
    part: str | None = None,
    verdict: str | None = None,
    after: int | None = None,
    before: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """Judged parts, the newest first; the next page begins `before` the last number."""
    found = context.store.parts(
        line,
        model,
        name=part,
        verdict=verdict,
        after=after,
        before=before,
        since=since,
        until=until,
        limit=limit,
    )
    return JSONResponse([one.to_json() for one in found])


def part_of(context: LineContext, id_: str) -> JudgedPart:
    """A part by its id. Raises HTTPException 404 where there is none."""
    part = context.store.part(id_)
    if part is None:
        raise HTTPException(404, "there is no such inspection")
    return part


def one_part(context: Context, id: str) -> JSONResponse:
    """One judged part, with its reviews."""
    part = part_of(context, id)
    reviews = context.store.reviews([id]).get(id, [])
    return JSONResponse({**part.to_json(), "reviews": [one.to_json() for one in reviews]})


def picture(context: Context, id: str) -> Response:
    """The picture, turned upright, as WebP."""
    return Response(kept_picture(context.store, part_of(context, id)), media_type="image/webp")


def marked(context: Context, id: str) -> Response:
    """The map in heat colours and the outlines of findings, to be laid over the picture: WebP with transparency."""
    return Response(overlay(context.store, part_of(context, id)), media_type="image/webp")


def events(context: Context, line: str | None = None, after: int | None = None) -> EventSourceResponse:
    """Parts as they are judged, as server-sent events: `id` is the number, `data` the record as JSON."""

    async def told() -> AsyncIterator[ServerSentEvent]:
        async for part in context.feed.follow(line, after):
            if part is None:
                yield ServerSentEvent(comment="nothing new")
            else:
                yield ServerSentEvent(json.dumps(part.to_json()), event="part", id=str(part.number))

    return EventSourceResponse(told())
