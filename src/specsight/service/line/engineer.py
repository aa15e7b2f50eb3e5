"""The engineer's page: what persons said, to be confirmed; versions made of it; what they would change; what is live.

Whatever takes longer than a moment is made in another process (`line.feedback.work`); the page says how far it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError
from specsight.line.feedback.confirming import confirm, looked_at, reviewed
from specsight.line.feedback.going_live import go_live, roll_back, version_before
from specsight.line.feedback.preview import DAYS, PARTS, Preview, comparable, disagreeing, previews
from specsight.line.feedback.selection import WAYS
from specsight.line.fleet import Unloadable
from specsight.line.monitoring import references
from specsight.service.access import Person
from specsight.service.languages import marked
from specsight.service.line.alarms import shown_alarms, without_reference
from specsight.service.line.context import LineContext
from specsight.service.line.models import Name
from specsight.service.pages import Pages, checked_form, only
from specsight.service.texts import REASON, TYPE, written

WAITING = 60
"""Reviewed parts that one page lists; as these are confirmed, others follow."""
HOW = {
    "overruled reject": marked("rejected, and a person accepts it"),
    "overruled accept": marked("accepted, and a person rejects it"),
    "agreed": marked("a person agrees"),
    "undecided": marked("there was no verdict"),
}
WAY = {
    "overruled": marked("false rejects alone"),
    "all": marked("all that are confirmed as good"),
    "even": marked("both verdicts at the same share"),
}
KIND = {
    "given": marked("put in the folder"),
    "threshold": marked("another threshold"),
    "supervised": marked("learned from defects"),
}
WORDS = {
    "accept": marked("accepted"),
    "reject": marked("rejected"),
    "undecided": marked("undecided"),
    "good": marked("good"),
    "defect": marked("defective"),
    "": marked("nobody looked"),
}
Reading = Annotated[Person, Depends(only("engineer", "auditor"))]
Engineer = Annotated[Person, Depends(only("engineer"))]
Fields = Annotated[Mapping[str, str], Depends(checked_form)]
Number = Annotated[int, Path(ge=1, lt=1 << 62)]


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The routes of the engineer's page."""
    page = _Engineer(context, pages)
    router = APIRouter(include_in_schema=False, prefix="/engineer")
    for path, answer, method in (
        ("", page.first, "GET"),
        ("/{name}", page.model, "GET"),
        ("/{name}/task", page.task, "GET"),
        ("/{name}/preview/{number}", page.preview, "GET"),
        ("/{name}/confirm", page.confirm, "POST"),
        ("/{name}/candidate", page.make, "POST"),
        ("/{name}/preview", page.make_preview, "POST"),
        ("/{name}/cancel", page.cancel, "POST"),
        ("/{name}/live", page.go_live, "POST"),
        ("/{name}/rollback", page.roll_back, "POST"),
        ("/{name}/scan", page.scan, "POST"),
    ):
        router.add_api_route(path, answer, methods=[method], response_model=None)
    return router


class _Engineer:
    def __init__(self, context: LineContext, pages: Pages) -> None:
        self.context, self.pages = context, pages

    def first(self, person: Reading) -> Response:
        """The page of the first model."""
        names = self.context.fleet.names()
        if not names:
            raise HTTPException(404, "no model is live")
        return RedirectResponse(f"/engineer/{names[0]}", 303)

    def model(self, request: Request, name: Name, person: Reading) -> Response:
        """The page of one model. Raises HTTPException 404 for a name that no model has."""
        fleet, store = self.context.fleet, self.context.store
        live = self._live(name)
        waiting = reviewed(store, name, waiting=True, limit=WAITING + 1)
        activations = store.activations(name)
        return self.pages.page(
            "engineer.html.j2",
            request,
            model=name,
            names=fleet.names(),
            waiting=waiting[:WAITING],
            more=len(waiting) > WAITING,
            looked=looked_at(store, name),
            types=self._types(name, waiting),
            versions=store.versions(name)[::-1],
            live=live,
            former=version_before(activations),
            activations=activations[::-1],
            seen=self._seen(name, live),
            task=self.context.work.task,
            days=DAYS,
            most=PARTS,
            problem=self.context.problems().get(name, ""),
            alarms=shown_alarms(store, name, live),
            without_reference=without_reference(self.context, name),
            reference_parts=references.PARTS,
            undone=self.context.daily.problem,
            **_words(),
        )

    def task(self, request: Request, name: Name, person: Reading) -> Response:
        """What is being made, as a piece of the page."""
        piece = self.pages.page(
            "engineer_task.html.j2", request, model=name, task=self.context.work.task, polled=True
        )
        task = self.context.work.task
        if task is None or task.finished:
            piece.headers["HX-Refresh"] = "true"
        return piece

    def preview(
        self, request: Request, name: Name, number: Number, person: Reading, other: int | None = None
    ) -> Response:
        """One preview with the parts that flip; `other`: beside another one on the same parts."""
        found = {one.number: one for one in previews(self.context.store, name)}
        if number not in found or (other is not None and other not in found):
            raise HTTPException(404, "there is no such preview")
        one, second = found[number], found[other] if other is not None else None
        shown = one.found["flipped"] if second is None else disagreeing(one, second)
        return self.pages.page(
            "engineer_preview.html.j2",
            request,
            model=name,
            one=one,
            second=second,
            others=[each for each in found.values() if each.number != one.number and comparable(one, each)],
            flipped=shown,
            live=self._live(name),
            **_words(),
        )

    def confirm(self, name: Name, fields: Fields, person: Engineer) -> Response:
        """An engineer takes a part for what it is."""
        outcome = fields.get("outcome", "")
        type_ = written(fields, "type", TYPE) if outcome == "defect" else ""
        confirm(self.context.store, fields.get("inspection", "")[:32], outcome, person.code, type_)
        return self._back(name, "waiting")

    def make(self, name: Name, fields: Fields, person: Engineer) -> Response:
        """Begin a candidate."""
        self._live(name)
        kind, way = fields.get("kind", "good"), fields.get("way", "all")
        if kind not in ("good", "defects") or way not in WAYS:
            raise SpecsightError("a candidate is made from good parts or defects: choose on the page")
        self.context.work.candidate(name, person.code, kind, way, "under_words" in fields)
        return self._back(name, "versions")

    def make_preview(self, name: Name, fields: Fields, person: Engineer) -> Response:
        """Begin a preview of a candidate, or of all that came after what is live."""
        live = self._live(name)
        known = [one.version for one in self.context.store.versions(name)]
        wanted = [one for one in fields.get("versions", "").split() if one in known and one != live]
        if not wanted:
            raise SpecsightError("name a version that is not live")
        days, most = (_number(fields, name, least) for name, least in (("days", 0.01), ("most", 1)))
        self.context.work.preview(name, wanted, person.code, days, int(most))
        return self._back(name, "versions")

    def cancel(self, name: Name, fields: Fields, person: Engineer) -> Response:
        """Stop what is being made."""
        self.context.work.cancel()
        return self._back(name, "versions")

    def go_live(self, name: Name, fields: Fields, person: Engineer) -> Response:
        """Let a version go live."""
        version, instead_of = fields.get("version", ""), fields.get("instead_of", "")
        reason, override = (written(fields, one, REASON, "reason") for one in ("reason", "override"))
        go_live(self.context.fleet, name, version, person.code, reason, instead_of, override)
        return self._back(name, "versions")

    def roll_back(self, name: Name, fields: Fields, person: Engineer) -> Response:
        """Let the former version go live again."""
        instead_of = fields.get("instead_of", "")
        roll_back(self.context.fleet, name, person.code, written(fields, "reason", REASON), instead_of)
        return self._back(name, "versions")

    def scan(self, name: Name, fields: Fields, person: Engineer) -> Response:
        """Look for versions that were put into the folder of models."""
        self.context.fleet.scan()
        return self._back(name, "versions")

    def _live(self, name: str) -> str:
        live = self.context.store.live(name)
        if live is None:
            raise HTTPException(404, f"there is no model '{name}'")
        return live.version

    def _seen(self, name: str, live: str) -> dict[str, Preview]:
        """The newest preview of each version against what is live."""
        return {one.candidate: one for one in reversed(previews(self.context.store, name, live))}

    def _types(self, name: str, waiting: Any) -> list[str]:
        """Types of defects that may be meant: those of the specification, and what persons said."""
        try:
            words = self.context.fleet.live(name).inspector.specification
        except Unloadable:  # the page shows why, and lets another version go live
            words = None
        named = [defect.name for defect in words.defects] if words else []
        return list(dict.fromkeys([*named, *(one.review.type for one in waiting if one.review.type)]))

    def _back(self, name: str, place: str) -> Response:
        return RedirectResponse(f"/engineer/{name}#{place}", 303)


def _words() -> dict[str, Any]:
    return {"how": HOW, "ways": WAY, "kinds": KIND, "words": WORDS, "share": _share}


def _share(number: Mapping[str, Any]) -> str:
    """A count with its interval, in whole percent; empty where nobody looked at such a part."""
    if not number["of"]:
        return ""
    return f"{number['count']} / {number['of']} ({100 * number['low']:.0f}–{100 * number['high']:.0f} %)"


def _number(fields: Mapping[str, str], name: str, least: float) -> float:
    try:
        value = float(fields.get(name, ""))
    except ValueError:
        value = float("nan")
    if not least <= value <= 100_000:
        raise SpecsightError(f"'{name}' is a number from {least:g} to 100000")
    return value
