"""Models of the lines: which version judges, which there were, and which is to go live."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from specsight.line.feedback.going_live import change
from specsight.line.names import MODEL
from specsight.line.records import Activation
from specsight.service.access import Person
from specsight.service.line.answers import History, Model, returns
from specsight.service.line.context import LineContext, context_of
from specsight.service.pages import Pages, only
from specsight.service.texts import Text

Context = Annotated[LineContext, Depends(context_of)]
Name = Annotated[str, Path(pattern=f"^{MODEL.pattern}$")]
Engineer = Annotated[Person, Depends(only("engineer"))]


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The routes of models."""
    router = APIRouter(tags=["models"])
    router.add_api_route("/models", models, methods=["GET"], responses=returns(list[Model], "The models."))
    path = "/models/{name}/versions"
    router.add_api_route(path, versions, methods=["GET"], responses=returns(History, "Its versions.", 404))
    gone = returns(Activation, "What is live now.", 400, 404, 411, 413, 415)
    router.add_api_route("/models/{name}/live", go_live, methods=["POST"], responses=gone)
    found = returns(list[Model], "The models.", 400, 411, 413, 415)
    router.add_api_route("/models/scan", scan, methods=["POST"], responses=found)
    return router


def models(context: Context) -> JSONResponse:
    """The models of the lines."""
    problems = context.problems()
    loaded = context.fleet.loaded()
    answer = []
    for name in context.fleet.names():
        live = context.store.live(name)
        answer.append(
            Model(
                name=name,
                version=live.version if live else "",
                loaded=loaded[name].version if name in loaded else "",
                problem=problems.get(name, ""),
            ).model_dump()
        )
    return JSONResponse(answer)


def versions(context: Context, name: Name) -> JSONResponse:
    """All versions of a model that were ever offered, and which went live when; none is forgotten."""
    found = context.store.versions(name)
    if not found:
        raise HTTPException(404, f"there is no model '{name}'")
    live = context.store.activations(name)
    return JSONResponse(
        {"versions": [one.to_json() for one in found], "activations": [one.to_json() for one in live]}
    )


class Wanted(BaseModel):
    """Which version is to go live, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"version": "e7c909ca523d", "reason": "fewer false rejects"}},
    )

    version: str = Field(pattern="^[0-9a-f]{12}$")
    reason: Text = Field("", max_length=2000)
    without_preview: Text = Field("", max_length=2000)
    """Why it goes live although nobody has previewed it against what is live; the former version needs no preview."""


async def go_live(context: Context, name: Name, wanted: Wanted, person: Engineer) -> JSONResponse:
    """Let a version go live that was previewed against what is live, or go back to the former one. It is loaded before
    it judges, while the former one goes on."""
    known = await asyncio.to_thread(context.store.versions, name)
    if wanted.version not in [one.version for one in known]:
        raise HTTPException(404, f"model '{name}' has no version '{wanted.version}'")
    done = await asyncio.to_thread(
        change, context.fleet, name, wanted.version, person.code, wanted.reason, wanted.without_preview
    )
    return JSONResponse(done.to_json())


async def scan(context: Context, person: Engineer) -> JSONResponse:
    """Look for models and versions that were put into the folder since the server began."""
    await asyncio.to_thread(context.fleet.scan)
    await asyncio.to_thread(context.fleet.load_all)
    return await asyncio.to_thread(models, context)
