"""Addresses of the curation page: an overview, the next item, an item with its pictures, and what was decided about it.

In: a store and the severity levels of the product. Out: an application for `LocalServer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from specsight.benchmark.curation.agreement import agreement
from specsight.benchmark.curation.decisions import Saved
from specsight.benchmark.curation.entries import ADJUDICATED, Entry
from specsight.benchmark.curation.queue import next_item, progress
from specsight.benchmark.curation.store import Conflict, CurationStore
from specsight.benchmark.records import Item
from specsight.benchmark.tasks import TASKS
from specsight.errors import SpecsightError
from specsight.service import pictures
from specsight.service.access import Person
from specsight.service.curation.forms import Form
from specsight.service.pages import Pages, checked_form, person_of

CURATOR, LEAD = "curator", "lead"
"""Roles: a lead adjudicates what two persons decided differently, besides."""
MOST_DISPUTED = 200
"""Disputed items that the overview lists."""
LAST_NUMBER = 2**63 - 1
"""Larger ones the database does not take."""


def application(store: CurationStore, levels: Sequence[str] = ()) -> FastAPI:
    """The page over a store. `levels`: of severity, mildest first; none: severities are not asked for."""
    return _Curation(store, tuple(levels)).app


class _Curation:
    def __init__(self, store: CurationStore, levels: tuple[str, ...]) -> None:
        self.store, self.levels = store, levels
        self.pages = Pages("specsight.service.curation", f"Curate {store.about['name']}")
        self.app = self.pages.application()
        for path, answer, method in (
            ("/", self.overview, "GET"),
            ("/next", self.next, "GET"),
            ("/item/{number}", self.item, "GET"),
            ("/item/{number}", self.save, "POST"),
            ("/item/{number}/picture/{index}", self.picture, "GET"),
            ("/item/{number}/marks/{index}", self.marks, "GET"),
        ):
            self.app.add_api_route(path, answer, methods=[method], response_model=None)

    def overview(self, request: Request, done: bool = False) -> Response:
        """How far it is; how far two persons agree; and, for a lead, what they decided differently."""
        tasks = progress(self.store)
        lead = person_of(request).role == LEAD
        disputed: list[Entry] = []
        if lead:
            for entry in self.store.entries("disputed"):
                disputed.append(entry)
                if len(disputed) == MOST_DISPUTED:
                    break
        return self.pages.page(
            "overview.html.j2",
            request,
            about=self.store.about,
            tasks=[(task, info.title, tasks[task]) for task, info in TASKS.items() if task in tasks],
            agreement=agreement(self.store, self.levels) if lead else {},
            disputed=disputed,
            all_disputed=sum(one.disputed for one in tasks.values()),
            lead=lead,
            done=done,
        )

    def next(self, request: Request, after: int = -1, task: str = "") -> Response:
        """To the next open item."""
        after = min(max(after, -1), LAST_NUMBER)
        number = next_item(self.store, person_of(request).code, after, task or None)
        where = (
            "/?done=1" if number is None else f"/item/{number}" + (f"?task={task}" if task in TASKS else "")
        )
        return RedirectResponse(where, 303)

    def item(self, request: Request, number: int, task: str = "", start: int | None = None) -> Response:
        """One item; who adjudicates may start from the decision on a seat."""
        entry, item, seat = self._asked(request, number)
        start = start if seat == ADJUDICATED else None
        form = None if seat is None else Form.of(item, entry, seat, start)
        return self._page(request, entry, item, seat, form, task)

    def save(
        self, request: Request, number: int, fields: Annotated[Mapping[str, str], Depends(checked_form)]
    ) -> Response:
        """Save a decision, and on to the next item; what cannot be saved is shown again, as it was sent."""
        entry, item, seat = self._asked(request, number)
        form, action, task = Form.sent(item, fields), fields.get("action", ""), fields.get("task", "")
        if seat is None:
            taken = "this item was decided by others meanwhile, and nothing was saved"
            return self._page(request, entry, item, None, None, task, taken, 409)
        saved = entry.at(seat)
        try:
            decision = form.decision(item, saved.decision if saved else None, action)
            code = person_of(request).code
            self.store.save(code, number, decision, form.revision, seat == ADJUDICATED)
        except Conflict as conflict:
            return self._conflict(request, number, form, task, conflict)
        except SpecsightError as error:
            return self._page(request, entry, item, seat, form, task, str(error), 422)
        return RedirectResponse(f"/next?after={number}" + (f"&task={task}" if task in TASKS else ""), 303)

    def picture(self, number: int, index: int) -> Response:
        """One picture of an item."""
        item = self.store.item(number)
        return self._drawn(pictures.picture, item, index)

    def marks(self, number: int, index: int) -> Response:
        """What is known of its defects."""
        item = self.store.item(number)
        return self._drawn(pictures.marks, item, index)

    def _drawn(self, draw: Any, item: Item, index: int) -> Response:
        try:
            content = draw(self.store.benchmark, item, self.store.sample(item.sample), index)
        except SpecsightError as error:
            raise HTTPException(404, str(error)) from error
        return Response(content, media_type="image/webp")

    def _conflict(self, request: Request, number: int, form: Form, task: str, conflict: Conflict) -> Response:
        """What the other person saved, above what this person was about to save, which may replace it now."""
        entry, item, seat = self._asked(request, number)
        kept = None if seat is None else replace(form, revision=entry.revision(seat))
        words = f"{conflict}: nothing of yours was saved"
        return self._page(request, entry, item, seat, kept, task, words, 409, conflict.current)

    def _asked(self, request: Request, number: int) -> tuple[Entry, Item, int | None]:
        """An item, and the seat that the person who asks would save to."""
        if not 0 <= number <= LAST_NUMBER:
            raise HTTPException(404, "there is no such item")
        try:
            entry, item = self.store.entry(number), self.store.item(number)
        except SpecsightError as error:
            raise HTTPException(404, str(error)) from error
        return entry, item, _seat(entry, person_of(request))

    def _page(
        self,
        request: Request,
        entry: Entry,
        item: Item,
        seat: int | None,
        form: Form | None,
        task: str,
        problem: str = "",
        status: int = 200,
        current: Saved | None = None,
    ) -> Response:
        sample = self.store.sample(item.sample)
        person = person_of(request)
        return self.pages.page(
            "item.html.j2",
            request,
            status,
            item=item,
            sample=sample,
            entry=entry,
            form=form,
            problem=problem,
            current=current,
            task=task if task in TASKS else "",
            title=TASKS[item.task].title,
            levels=self.levels,
            adjudicating=seat == ADJUDICATED,
            others=[saved for saved in entry.decisions if _may_see(saved, entry, person)],
            history=[saved for saved in self.store.history(entry.number) if _may_see(saved, entry, person)],
            pictures=pictures.layers(self.store.benchmark, item, sample),
        )


def _seat(entry: Entry, person: Person) -> int | None:
    """A lead adjudicates what was decided by all it was given to; whatever was adjudicated only a lead changes."""
    if person.role == LEAD and (entry.at(ADJUDICATED) or (entry.seats > 1 and entry.state != "open")):
        return ADJUDICATED
    return None if entry.at(ADJUDICATED) else entry.seat_of(person.code)


def _may_see(saved: Saved, entry: Entry, person: Person) -> bool:
    """Two persons decide without seeing each other's decision; a lead sees both as soon as both are there."""
    if entry.seats == 1 or saved.curator == person.code:
        return True
    return entry.state != "open" and person.role == LEAD
