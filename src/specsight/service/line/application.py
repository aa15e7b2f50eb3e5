"""The application of a line: its routes, and what begins and ends with the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError
from specsight.line.feedback.work import Work
from specsight.line.fleet import Fleet
from specsight.line.judging import PLACES, PartJudge
from specsight.line.kept_pictures import NotKept
from specsight.line.store import LineStore
from specsight.service.languages import LANGUAGES
from specsight.service.line import (
    alarms,
    api,
    auditor,
    documentation,
    engineer,
    entering,
    health,
    inspecting,
    models,
    operator,
    past,
    where,
)
from specsight.service.line.context import LineContext
from specsight.service.line.daily import Daily
from specsight.service.line.feed import Feed
from specsight.service.line.following import Follower
from specsight.service.line.metrics import Metrics, Present
from specsight.service.line.watching import Watcher
from specsight.service.pages import Pages
from specsight.version import __version__

TITLE = "Specsight"
ABOUT = """Judges pictures of parts, and keeps the record. Programs bring a token: `Authorization: Bearer …`. Every
problem is JSON with a `detail`. Numbers of inspections rise; ids never change."""


def line_context(
    fleet: Fleet,
    store: LineStore,
    lines: tuple[str, ...] = (),
    places: int = PLACES,
    daily: Daily | None = None,
) -> LineContext:
    """Everything that a server of lines answers from, with `places` in its queue and every model loaded;
    `close_line` ends it. Without `daily` no rules of retention apply. Raises SpecsightError where no model can be
    loaded."""
    fleet.load_all()
    if not fleet.loaded():
        raise SpecsightError("; ".join(f"{name}: {why}" for name, why in fleet.unloaded().items()))
    feed, metrics = Feed(store), Metrics()
    judge = PartJudge(fleet, store, [feed.told, metrics.told], places)
    metrics.registry.register(Present(judge, fleet))
    watcher = Watcher(store, fleet, feed)
    metrics.registry.register(watcher)
    daily = daily or Daily(store)
    return LineContext(
        store, fleet, judge, feed, lines, Follower(fleet), Work(fleet), metrics, watcher, daily
    )


def close_line(context: LineContext) -> None:
    """Finish the parts that wait, and close the database."""
    context.work.close()
    context.judge.close()
    context.store.close()


def application(context: LineContext) -> FastAPI:
    """The application that answers for `context`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await context.feed.start()
        await context.follower.start()
        await context.watcher.start()
        await context.daily.start()
        yield
        await context.daily.stop()
        await context.watcher.stop()
        await context.follower.stop()
        await context.feed.stop()

    pages = Pages(__package__, TITLE, tuple(LANGUAGES))
    app = pages.application(lifespan=lifespan, title=TITLE, version=__version__, description=ABOUT)
    app.state.line = context
    app.add_exception_handler(
        NotKept, lambda request, error: pages.mistake(request, HTTPException(404, str(error)))
    )
    for part in (
        inspecting,
        api,
        models,
        health,
        entering,
        documentation,
        engineer,
        auditor,
        operator,
        past,
        where,
    ):
        app.include_router(part.routes(context, pages))
    app.include_router(alarms.routes(context))
    return app
