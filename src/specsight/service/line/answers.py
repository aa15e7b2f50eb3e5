"""What answers look like, for the page that documents them (OpenAPI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from specsight.line.records import Activation, JudgedPart, Review, Version

MEANINGS = {
    400: "The body cannot be read.",
    401: "No token, or one that is good no longer.",
    403: "Not for this role, or not from this page.",
    404: "There is no such thing here, or it is kept no longer.",
    409: "The key belongs to another picture, model, part or instruction.",
    411: "A body needs a length.",
    413: "Too many bytes, or pictures.",
    415: "A body of another type.",
    422: "A field is wrong.",
    429: "Too many requests: `Retry-After` says when to ask again.",
    503: "The queue is full, or the database away: nothing was taken; `Retry-After` says when to ask again.",
}


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str = Field(examples=["there is no such inspection"])


@dataclass(frozen=True)
class ReviewedPart(JudgedPart):
    """A judged part with what persons said of it."""

    reviews: tuple[Review, ...] = ()


class Model(BaseModel):
    """A model of the lines."""

    name: str = Field(examples=["tyre"])
    version: str = Field(description="Which one is live, by the records.", examples=["e7c909ca523d"])
    loaded: str = Field(
        description="Which one this server judges by; it follows within seconds.", examples=["e7c909ca523d"]
    )
    problem: str = Field(description="Why it cannot follow; empty: nothing is wrong.", examples=[""])


@dataclass(frozen=True)
class History:
    """All versions of a model, and which went live when, the oldest first."""

    versions: list[Version]
    activations: list[Activation]


class Queue(BaseModel):
    """The parts that wait."""

    waiting: int
    places: int


class Health(BaseModel):
    """How a server is. What stands beside `live` and `ready` is told to persons alone."""

    live: bool = Field(description="It judges and stores.")
    ready: bool = Field(description="It is live, its models are loaded, and its database answers.")
    queue: Queue | None = None
    database: str | None = Field(default=None, description="Why the database cannot be asked; empty: it can.")
    models: dict[str, str] | None = Field(default=None, description="Name → version that judges here.")
    problems: dict[str, str] | None = Field(
        default=None, description="Model → why it cannot be used, or not followed."
    )
    daily: str | None = Field(
        default=None,
        description="What of the daily work (noting the trail, rules of retention) fails, and why; empty: nothing.",
    )
    version: str | None = Field(default=None, description="Of Specsight.")


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Refusals that a route may answer with, beside those that any may."""
    return {
        code: {"model": Problem, "description": MEANINGS[code]} for code in (401, 403, 422, 429, 503, *codes)
    }


def returns(model: Any, description: str, *codes: int) -> dict[int | str, dict[str, Any]]:
    """What a route answers with, and its refusals."""
    return {200: {"model": model, "description": description}, **responses(*codes)}


def content(kind: str, description: str, *codes: int) -> dict[int | str, dict[str, Any]]:
    """The same of a route that answers with a file."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": {kind: file}, "description": description}, **responses(*codes)}
