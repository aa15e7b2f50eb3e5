"""How a server is, for those who restart it (`/health`) and those who watch it (`/metrics`), and how its lines are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError
from specsight.line.monitoring.alarms import acknowledge
from specsight.service.access import Person
from specsight.service.line.answers import MEANINGS, Health, Problem, Queue, content, returns
from specsight.service.line.context import LineContext, context_of
from specsight.service.pages import Pages, only
from specsight.service.texts import Text
from specsight.storage.database import Unavailable
from specsight.version import __version__

Context = Annotated[LineContext, Depends(context_of)]
Reviewer = Annotated[Person, Depends(only("operator", "engineer"))]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Note(BaseModel):
    """What is done about an alarm."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"note": "the lamp was changed"}})

    note: Text = Field("", max_length=2000)


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """Their routes."""
    router = APIRouter(tags=["server"])
    answers: dict[int | str, dict[str, Any]] = {
        200: {"model": Health, "description": "It is ready."},
        503: {"model": Health, "description": "It is not ready."},
        429: {"model": Problem, "description": MEANINGS[429]},
    }
    router.add_api_route("/health", health, methods=["GET"], responses=answers)
    lines = returns(list[dict[str, Any]], "How the line does, by each model that judged its parts.")
    router.add_api_route("/lines/{line:path}/health", of_line, methods=["GET"], responses=lines)
    known = returns(dict[str, int], "The alarm that is known now.", 400, 404, 411, 413, 415)
    router.add_api_route("/alarms/{number}/acknowledge", know, methods=["POST"], responses=known)
    text = content("text/plain", "Metrics.")
    router.add_api_route("/metrics", metrics, methods=["GET"], response_class=Response, responses=text)
    return router


async def health(context: Context, request: Request) -> JSONResponse:
    """Whether the server judges and stores: 200 while it is ready, otherwise 503. Anybody may ask."""
    loaded = context.fleet.loaded()
    live = context.judge.alive
    found = Health(live=live, ready=live and bool(loaded) and not context.feed.problem)
    if getattr(request.state, "person", None) is not None:
        found.queue = Queue(waiting=context.judge.waiting, places=context.judge.places)
        found.database = context.feed.problem
        found.models = {name: model.version for name, model in loaded.items()}
        found.problems = context.problems()
        found.daily = context.daily.problem
        found.version = __version__
    return JSONResponse(found.model_dump(exclude_none=True), 200 if found.ready else 503)


def of_line(context: Context, line: str) -> JSONResponse:
    """How a line does by its records: what drifted against its reference, and whether the promise on false rejects
    holds; an empty list for a line without parts. As of a few seconds ago."""
    return JSONResponse([one.to_json() for one in context.watcher.health(line)])


def know(context: Context, number: Number, person: Reviewer, note: Note) -> JSONResponse:
    """Say that you know of an alarm, and what you do; it stands until an engineer begins the watch anew."""
    try:
        acknowledge(
            context.store,
            number,
            person.code,
            note.note,
            "engineer" if person.role == "engineer" else "operator",
        )
    except Unavailable:
        raise
    except SpecsightError as error:
        raise HTTPException(404, str(error)) from error
    return JSONResponse({"number": number})


async def metrics(context: Context) -> Response:
    """Prometheus metrics: parts by line and verdict, seconds by stage, the queue, refusals, versions that judge."""
    return Response(context.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
