"""What programs ask of a line's records: what was judged, what persons said of it, what is new."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from specsight.line.history import Wanted, find
from specsight.line.kept_pictures import NotKept
from specsight.line.records import JudgedPart, Review, Role, Verdict
from specsight.line.regions import POLYGONS, region_of
from specsight.line.verdicts import check_reason
from specsight.service.access import Person
from specsight.service.line.answers import ReviewedPart, content, returns
from specsight.service.line.context import LineContext, context_of
from specsight.service.line.inspecting import SIGNAL
from specsight.service.line.pictures import SIDE, kept_picture, overlay
from specsight.service.pages import Pages, only
from specsight.service.texts import Text

Context = Annotated[LineContext, Depends(context_of)]
LARGEST = (1 << 62) - 1
"""Numbers of records: what databases hold."""
FOLLOWERS = 256
"""Programs and pages that follow lines on one server; further ones are told to come back."""
STALLED = 20.0
"""Seconds after which a follower that takes nothing is let go; it resumes where it was."""
BEATS = 10.0
"""Seconds without news after which a follower is told so."""
KEPT = {"Cache-Control": "private, max-age=3600, immutable"}
"""Pictures never change."""

Number = Annotated[int, Query(ge=0, le=LARGEST)]
Word = Annotated[Text, Query(max_length=200)]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Of an inspection: 32 hexadecimal digits.")]
Side = Annotated[int, Query(ge=16, le=2048, description="Longest side in pixels.")]


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The routes of programs."""
    router = APIRouter(tags=["inspections"])
    parts = returns(list[JudgedPart], "Judged parts.")
    router.add_api_route("/inspections", list_parts, methods=["GET"], responses=parts)
    one = returns(ReviewedPart, "The part.", 404)
    router.add_api_route("/inspections/{id}", one_part, methods=["GET"], responses=one)
    reviewed = returns(Review, "The review, as it is on record.", 400, 404, 411, 413, 415)
    router.add_api_route("/inspections/{id}/reviews", review, methods=["POST"], responses=reviewed)
    files: tuple[tuple[str, Callable[..., Response], str], ...] = (
        ("picture", picture, "image/webp"),
        ("overlay", marked, "image/webp"),
        ("map", map_, "image/png"),
        ("original", original, "application/octet-stream"),
    )
    for name, route, kind in files:
        found = content(kind, "The file.", 404)
        address = f"/inspections/{{id}}/{name}"
        router.add_api_route(address, route, methods=["GET"], response_class=Response, responses=found)
    stream = content("text/event-stream", "A stream of events.")
    router.add_api_route("/events", events, methods=["GET"], response_class=Response, responses=stream)
    return router


def list_parts(
    context: Context,
    line: Word | None = None,
    model: Word | None = None,
    part: Word | None = None,
    verdict: Literal["accept", "reject", "undecided", "unreadable"] | None = None,
    after: Number | None = None,
    before: Number | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """Judged parts, the newest first; the next page begins `before` the smallest number of this one. `verdict` is the
    model's, as in the record; what persons say of a part is in its reviews. Times without a zone are UTC."""
    wanted = Wanted(
        line=line,
        model=model,
        part=part,
        judged=verdict,
        after=after,
        before=before,
        since=in_utc(since),
        until=in_utc(until),
    )
    found = find(context.store, wanted, limit)
    return JSONResponse([one.to_json() for one in found])


def in_utc(time: datetime | None) -> datetime | None:
    """A time that may lack its zone, in UTC. Raises HTTPException 422 for times that databases do not hold."""
    if time is None:
        return None
    if not 1900 <= time.year <= 9000:
        raise HTTPException(422, "since, until: give a time of this century")
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time.astimezone(timezone.utc)


def part_of(context: LineContext, id_: str) -> JudgedPart:
    """A part by its id. Raises HTTPException 404 where there is none."""
    part = context.store.part(id_)
    if part is None:
        raise HTTPException(404, "there is no such inspection")
    return part


def one_part(context: Context, id: Id) -> JSONResponse:
    """One judged part, with its reviews."""
    part = part_of(context, id)
    reviews = context.store.reviews([id]).get(id, [])
    return JSONResponse({**part.to_json(), "reviews": [one.to_json() for one in reviews]})


class Said(BaseModel):
    """What a person says of a part."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"verdict": "accept", "reason": "dust"}}
    )

    verdict: Verdict
    reason: Text = Field("", max_length=2000)
    type: Text = Field("", max_length=200, description="Which defect it is.")
    region: list[list[list[float]]] | None = Field(
        None,
        max_length=POLYGONS,
        description="Where it lies, with `reject`: polygons of points [x, y], shares of its width and height.",
    )


def review(
    context: Context, id: Id, said: Said, person: Annotated[Person, Depends(only("operator", "engineer"))]
) -> JSONResponse:
    """Accept or overrule a verdict. Nothing is overwritten: of several reviews the last one holds."""
    part_of(context, id)
    check_reason(said.reason)
    region = None if said.region is None else region_of(said.region)
    if region is not None and said.verdict != "reject":
        raise HTTPException(422, "a part that is accepted has no region of a defect")
    given = Review(id, person.code, cast(Role, person.role), said.verdict, said.reason, said.type, region)
    return JSONResponse(context.store.review(given).to_json())


def picture(context: Context, id: Id, side: Side = SIDE) -> Response:
    """The picture, turned upright, for a browser."""
    return _kept(kept_picture(context.store, part_of(context, id), side), "image/webp")


def marked(
    context: Context, id: Id, side: Side = SIDE, opacity: Annotated[float, Query(ge=0, le=1)] = 1
) -> Response:
    """The map in heat colours and the outlines of findings, to be laid over the picture: transparent elsewhere."""
    return _kept(overlay(context.store, part_of(context, id), side, opacity), "image/webp")


def map_(context: Context, id: Id) -> Response:
    """The anomaly map as it is kept: 16 bits of grey, whose range the text chunk `specsight-range` names."""
    part = part_of(context, id)
    found = context.store.content(part.map) if part.map else None
    if found is None:
        raise NotKept("the map of this part is kept no longer")
    return _kept(found, "image/png")


def original(
    context: Context,
    id: Id,
    of: Annotated[
        Word, Query(description="picture, depth, or signal.NAME, as `/inspect` takes them.")
    ] = "picture",
) -> Response:
    """Bytes as they were given; `picture`, `depth` and `signals` of the record are their SHA-256."""
    part = part_of(context, id)
    signals = {f"{SIGNAL}{name}": digest for name, digest in part.signals.items()}
    digest = {"picture": part.picture, "depth": part.depth, **signals}.get(of)
    if not digest:
        raise NotKept("this part has nothing of that name")
    found = context.store.content(digest)
    if found is None:
        raise NotKept(f"the {of} of this part is kept no longer")
    headers = {**KEPT, "Content-Disposition": f'attachment; filename="{part.id}"'}
    return Response(found, media_type="application/octet-stream", headers=headers)


def _kept(found: bytes, kind: str) -> Response:
    return Response(found, media_type=kind, headers=KEPT)


async def events(
    context: Context,
    line: Annotated[Word | None, Query(description="Default: all lines.")] = None,
    after: Annotated[
        Number | None, Query(description="Begin after this number; default: with what is new.")
    ] = None,
    last_event_id: Annotated[
        str, Header(description="As `after`; browsers send it when they reconnect.")
    ] = "",
) -> EventSourceResponse:
    """Parts as they are judged, as server-sent events: `id` is the number, `data` the record as JSON.

    On one line nothing is left out, whichever server judged it: whoever reconnects goes on where they were. A follower
    that takes nothing for a while is let go.
    """
    if last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19:
        after = int(last_event_id)
    if context.metrics.open >= FOLLOWERS:
        raise HTTPException(503, "too many programs follow already", {"Retry-After": "10"})

    async def told() -> AsyncIterator[ServerSentEvent]:
        with context.metrics.following():
            async for part in context.feed.follow(line, after, BEATS):
                if part is None:
                    yield ServerSentEvent(comment="nothing new")
                else:
                    yield ServerSentEvent(json.dumps(part.to_json()), event="part", id=str(part.number))

    return EventSourceResponse(told(), send_timeout=STALLED, ping=3600)
