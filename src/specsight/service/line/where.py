"""Where a defect lies: a person draws around what was missed, or found elsewhere, and it joins their review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from specsight.errors import SpecsightError
from specsight.line.records import Review, Role
from specsight.line.regions import Region, region_of
from specsight.service.access import Person
from specsight.service.line.api import part_of
from specsight.service.line.context import LineContext
from specsight.service.line.shown import OPERATING, defects_of, shown
from specsight.service.pages import Pages, checked_form, only

Operating = Annotated[Person, Depends(only(*OPERATING))]
Fields = Annotated[Mapping[str, str], Depends(checked_form)]
ENGINEER = "engineer"
"""Who came from the engineer's page goes back to it."""


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The page, and what it sends."""
    router = APIRouter(include_in_schema=False)

    def draw(request: Request, id: str, person: Operating, back: str = "") -> Response:
        """The picture, to be drawn on."""
        (one,) = shown(context, [part_of(context, id)])
        defects = defects_of(context, one.part)
        return pages.page("where.html.j2", request, one=one, defects=defects, back=back == ENGINEER)

    def save(id: str, fields: Fields, person: Operating) -> Response:
        """The part is to be rejected for what lies there; of a review that says so already, reason and type stay."""
        (one,) = shown(context, [part_of(context, id)])
        said = one.said if one.said is not None and one.said.verdict == "reject" else None
        type_ = fields.get("type", "").strip()[:200]
        region = _region(fields.get("region", ""))
        reason = "" if said is None else said.reason
        role = cast(Role, person.role)
        context.store.review(Review(one.part.id, person.code, role, "reject", reason, type_, region))
        there = f"/engineer/{one.part.model}#part-{id}" if fields.get("back") == ENGINEER else f"/part/{id}"
        return RedirectResponse(there, 303)

    path = "/part/{id}/where"
    router.add_api_route(path, draw, methods=["GET"], response_model=None)
    router.add_api_route(path, save, methods=["POST"], response_model=None)
    return router


def _region(text: str) -> Region:
    try:
        return region_of(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise SpecsightError("nothing was drawn: draw around the defect first") from error
