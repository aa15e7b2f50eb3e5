"""Where a defect lies: a person draws around what was missed, or found elsewhere, and it joins their review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError
from specsight.line.records import Review, Role
from specsight.line.regions import POINTS, POLYGONS, Region, region_of
from specsight.service.access import Person
from specsight.service.line.api import KEPT, part_of
from specsight.service.line.context import LineContext
from specsight.service.line.pictures import shown_size
from specsight.service.line.shown import OPERATING, defects_of, shown
from specsight.service.pages import Pages, checked_form, only
from specsight.service.texts import TYPE, written

Operating = Annotated[Person, Depends(only(*OPERATING))]
Fields = Annotated[Mapping[str, str], Depends(checked_form)]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
COLOUR = "#ffb000"
"""Of what persons drew, as in region.css."""
ENGINEER = "engineer"
"""Who came from the engineer's page goes back to it."""


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The page, and what it sends."""
    router = APIRouter(include_in_schema=False)

    def draw(request: Request, id: str, person: Operating, back: str = "") -> Response:
        """The picture, to be drawn on."""
        (one,) = shown(context, [part_of(context, id)])
        defects = defects_of(context, one.part)
        return pages.page(
            "where.html.j2",
            request,
            one=one,
            defects=defects,
            back=back == ENGINEER,
            polygons=POLYGONS,
            points=POINTS,
        )

    def save(id: str, fields: Fields, person: Operating) -> Response:
        """The part is to be rejected for what lies there; of a review that says so already, reason and type stay."""
        (one,) = shown(context, [part_of(context, id)])
        said = one.said if one.said is not None and one.said.verdict == "reject" else None
        type_ = written(fields, "type", TYPE)
        region = _region(fields.get("region", ""))
        reason = "" if said is None else said.reason
        role = cast(Role, person.role)
        context.store.review(Review(one.part.id, person.code, role, "reject", reason, type_, region))
        there = f"/engineer/{one.part.model}#part-{id}" if fields.get("back") == ENGINEER else f"/part/{id}"
        return RedirectResponse(there, 303)

    def drawn(id: str, number: Number) -> Response:
        """What the review of that number drew, to be laid over the picture."""
        (one,) = shown(context, [part_of(context, id)])
        for review in one.reviews:
            if review.number == number and review.region is not None:
                text = _svg(review.region, shown_size(context.store, one.part))
                return Response(text, media_type="image/svg+xml", headers=KEPT)
        raise HTTPException(404, "nothing was drawn there")

    path = "/part/{id}/where"
    router.add_api_route(f"{path}/{{number}}", drawn, methods=["GET"], response_model=None)
    router.add_api_route(path, draw, methods=["GET"], response_model=None)
    router.add_api_route(path, save, methods=["POST"], response_model=None)
    return router


def _svg(region: Region, size: tuple[int, int]) -> str:
    """Polygons in the proportions of a picture of `size` (rows, columns), transparent elsewhere."""
    height, width = size
    # Each by itself, and what an odd number of its own lines surround: as `regions.mask_of` takes them.
    paths = "".join(
        f'<path d="M{"L".join(f"{float(x) * width:.2f} {float(y) * height:.2f}" for x, y in polygon)}Z" '
        'vector-effect="non-scaling-stroke"/>'
        for polygon in region
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<g fill="{COLOUR}" fill-opacity=".2" fill-rule="evenodd" stroke="{COLOUR}" stroke-width="3" '
        f'stroke-linejoin="round">{paths}</g></svg>'
    )


def _region(text: str) -> Region:
    try:
        return region_of(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise SpecsightError("nothing was drawn: draw around the defect first") from error
