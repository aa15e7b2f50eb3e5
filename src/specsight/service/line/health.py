"""How a server is: for those who restart it (`/health`), and those who watch it (`/metrics`)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from specsight.service.line.answers import MEANINGS, Health, Problem, Queue, content
from specsight.service.line.context import LineContext, context_of
from specsight.service.pages import Pages
from specsight.version import __version__

Context = Annotated[LineContext, Depends(context_of)]


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The two routes."""
    router = APIRouter(tags=["server"])
    answers: dict[int | str, dict[str, Any]] = {
        200: {"model": Health, "description": "It is ready."},
        503: {"model": Health, "description": "It is not ready."},
        429: {"model": Problem, "description": MEANINGS[429]},
    }
    router.add_api_route("/health", health, methods=["GET"], responses=answers)
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
        found.problems = {**context.fleet.broken, **context.follower.problems}
        found.version = __version__
    return JSONResponse(found.model_dump(exclude_none=True), 200 if found.ready else 503)


async def metrics(context: Context) -> Response:
    """Prometheus metrics: parts by line and verdict, seconds by stage, the queue, refusals, versions that judge."""
    return Response(context.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
