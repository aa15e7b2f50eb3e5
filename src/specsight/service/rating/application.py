"""Addresses of the rating page: the guide with its anchors, and a statement with its pictures and scales.

In: a store. Out: an application for `LocalServer`. A rater reaches their own statements and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from specsight.benchmark.rating.folder import RatingFolder, Statement
from specsight.benchmark.rating.planning import BESIDE
from specsight.benchmark.rating.scales import HIGHEST, LOWEST
from specsight.benchmark.rating.store import Rated, RatingStore, Saving
from specsight.errors import SpecsightError
from specsight.service import pictures
from specsight.service.pages import Pages, checked_form, person_of
from specsight.storage import confined

RATER = "rater"


def application(store: RatingStore) -> FastAPI:
    """The page over a rating folder. Raises SpecsightError where its benchmark is not there."""
    return _RatingPage(store).app


class _RatingPage:
    def __init__(self, store: RatingStore) -> None:
        self.store = store
        prepare(store.folder)  # before requests come, all at once
        self.pages = Pages("specsight.service.rating", "Rate statements")
        self.app = self.pages.application()
        for path, answer, method in (
            ("/", self.guide, "GET"),
            ("/anchor/{index}/{layer}", self.anchor, "GET"),
            ("/next", self.next, "GET"),
            ("/statement/{place}", self.statement, "GET"),
            ("/statement/{place}", self.save, "POST"),
            ("/statement/{place}/picture/{index}", self.picture, "GET"),
            ("/statement/{place}/marks/{index}", self.marks, "GET"),
        ):
            self.app.add_api_route(path, answer, methods=[method], response_model=None)

    def guide(self, request: Request) -> Response:
        """Scales, anchors, and how far the rater is."""
        rater = person_of(request).code
        return self.pages.page(
            "guide.html.j2",
            request,
            scales=self.store.folder.scales,
            beside=BESIDE if self.store.folder.rating.kind == "statements" else "",
            anchors=self.store.folder.rating.anchors,
            done=len(self.store.rated(rater)),
            total=len(self.store.folder.of(rater)),
        )

    def anchor(self, index: int, layer: Literal["picture", "marks"]) -> Response:
        """The picture of an anchor, or its defects."""
        if not 0 <= index < len(self.store.folder.anchors):
            raise HTTPException(404, "there is no such anchor")
        sample, benchmark = self.store.folder.anchors[index], self.store.folder.benchmark
        try:
            if layer == "marks":
                content = pictures.marks_of(benchmark, sample)
            else:
                content = pictures.picture_of(benchmark, sample.image)
        except SpecsightError as error:
            raise HTTPException(404, str(error)) from error
        return Response(content, media_type="image/webp")

    def next(self, request: Request, after: int = 0) -> Response:
        """To the next statement that is not rated."""
        rater = person_of(request).code
        rated = self.store.rated(rater)
        left = [one.place for one in self.store.folder.of(rater) if (rater, one.place) not in rated]
        place = next((p for p in left if p > after), left[0] if left else None)
        return RedirectResponse("/" if place is None else f"/statement/{place}", 303)

    def statement(self, request: Request, place: int) -> Response:
        """One statement."""
        rater = person_of(request).code
        statement = self._asked(rater, place)
        rated = self.store.rated(rater).get((rater, place), Rated({}))
        return self._page(request, statement, rated)

    def save(
        self, request: Request, place: int, fields: Annotated[Mapping[str, str], Depends(checked_form)]
    ) -> Response:
        """Save a rating, and on to the next statement."""
        rater = person_of(request).code
        statement = self._asked(rater, place)
        allowed = {str(value): value for value in range(LOWEST, HIGHEST + 1)}
        values = {
            name: allowed[fields[name]] for name in self.store.folder.scales if fields.get(name) in allowed
        }
        rated = Rated(values, fields.get("comment", "").replace("\r\n", "\n").strip())
        try:
            self.store.save(rater, [Saving(place, rated)])
        except SpecsightError as error:
            return self._page(request, statement, rated, str(error), 422)
        return RedirectResponse(f"/next?after={place}", 303)

    def picture(self, request: Request, place: int, index: int) -> Response:
        """One picture of a statement's item."""
        return self._drawn(request, place, index, marks=False)

    def marks(self, request: Request, place: int, index: int) -> Response:
        """What is known of its defects."""
        return self._drawn(request, place, index, marks=True)

    def _drawn(self, request: Request, place: int, index: int, marks: bool) -> Response:
        statement = self._asked(person_of(request).code, place)
        try:
            content = _content(self.store.folder, statement, index, marks)
        except SpecsightError as error:
            raise HTTPException(404, str(error)) from error
        return Response(content, media_type="image/webp")

    def _asked(self, rater: str, place: int) -> Statement:
        statement = self.store.folder.statements.get((rater, place))
        if statement is None:
            raise HTTPException(404, f"there is no statement {place}")
        return statement

    def _page(
        self, request: Request, statement: Statement, rated: Rated, problem: str = "", status: int = 200
    ) -> Response:
        folder = self.store.folder
        return self.pages.page(
            "statement.html.j2",
            request,
            status,
            place=statement.place,
            total=len(folder.of(statement.rater)),
            text=statement.text,
            asked=folder.asked(statement),
            rated=rated,
            problem=problem,
            scales=folder.scales,
            values=range(LOWEST, HIGHEST + 1),
            pictures=_layers(folder, statement),
        )


def prepare(folder: RatingFolder) -> None:
    """Read what the pages show. Raises SpecsightError where something is missing, before a page opens."""
    if folder.rating.kind == "statements":
        for one in folder.statements.values():
            folder.asked(one)
    else:
        _ = folder.benchmark.data, folder.items, folder.anchors


def _layers(folder: RatingFolder, statement: Statement) -> list[tuple[str, str, bool]]:
    """Pictures of a statement: what each is, why it cannot be shown or "", whether defects can be shown over it."""
    if folder.rating.kind == "statements":
        missing = "" if _sheet(folder, statement).is_file() else "its file is gone"
        return [("picture, anomaly map, findings", missing, False)]
    return pictures.layers(folder.benchmark, *folder.items[statement.item])


def _content(folder: RatingFolder, statement: Statement, index: int, marks: bool) -> bytes:
    """A picture of a statement, or what is known of its defects. Raises SpecsightError where there is none."""
    if folder.rating.kind == "statements":
        path = _sheet(folder, statement)
        if index or marks or not path.is_file():
            raise SpecsightError("there is no such picture")
        return path.read_bytes()
    draw = pictures.marks if marks else pictures.picture
    return draw(folder.benchmark, *folder.items[statement.item], index)


def _sheet(folder: RatingFolder, statement: Statement) -> Path:
    return confined(folder.path, folder.asked(statement).images[0])
