"""What answers look like, for the page that documents them (OpenAPI)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

MEANINGS = {
    401: "No token, or one that is good no longer.",
    403: "Not for this role, or not from this page.",
    404: "There is no such thing here, or it is kept no longer.",
    409: "The key belongs to another picture.",
    411: "A body needs a length.",
    413: "Too many bytes, or pictures.",
    415: "A body of another type.",
    422: "A field is wrong.",
    429: "Too many requests: `Retry-After` says when to ask again.",
    503: "The queue is full, or the database away: nothing was taken; `Retry-After` says when to ask again.",
}


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Refusals that a route may answer with."""
    return {code: {"model": Problem, "description": MEANINGS[code]} for code in codes}


REFUSED = responses(401, 403, 429, 503)
"""What any route may answer."""
