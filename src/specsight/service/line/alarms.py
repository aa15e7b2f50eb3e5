"""Alarms on the engineer's page: what no longer is as it was, since which part, what it may mean, who knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from specsight.errors import SpecsightError
from specsight.line.history import Wanted, find
from specsight.line.monitoring.alarms import PROMISE, Alarm, Watch, acknowledge, standing_of
from specsight.line.monitoring.references import command, reset
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore
from specsight.service.access import Person
from specsight.service.languages import marked
from specsight.service.line.context import LineContext
from specsight.service.line.models import Name
from specsight.service.pages import checked_form, only
from specsight.service.texts import NOTE, written

TITLES = {
    "score": marked("Scores of accepted parts"),
    "rejected": marked("Share of rejected parts"),
    "brightness": marked("Brightness"),
    "sharpness": marked("Sharpness"),
    "row": marked("Position, up and down"),
    "column": marked("Position, left and right"),
    PROMISE: marked("False rejects: the promise no longer holds"),
}
MEANINGS = {
    "score": marked(
        "Look at other alarms first. Otherwise a new batch of material, or wear: if parts are as wanted, take a new "
        "reference."
    ),
    "rejected": marked("There are more or fewer defects, or good parts are rejected: review them."),
    "brightness": marked("Look at the lamp, the exposure, dirt on the glass."),
    "sharpness": marked("Look at the focus, vibration, the exposure time."),
    "row": marked("Look at the fixture, the trigger, the camera's mount."),
    "column": marked("Look at the fixture, the trigger, the camera's mount."),
    PROMISE: marked(
        "Good parts are rejected more often than was promised: confirm what persons said, and make another threshold, "
        "or find the cause."
    ),
}
PLACES = (marked("the last one before"), marked("since this part"), marked("found with this part"))
Engineer = Annotated[Person, Depends(only("engineer"))]
Fields = Annotated[Mapping[str, str], Depends(checked_form)]


@dataclass(frozen=True)
class ShownAlarm:
    """An alarm with the parts to look at."""

    alarm: Alarm
    parts: tuple[tuple[str, JudgedPart], ...]
    """What each is (`PLACES`), and the part; those that are on record no longer are left out."""

    @property
    def title(self) -> str:
        """What it is about, to be translated."""
        return TITLES.get(self.alarm.kind, self.alarm.kind)

    @property
    def meaning(self) -> str:
        """What it may mean, to be translated."""
        return MEANINGS.get(self.alarm.kind, "")

    @property
    def numbers(self) -> tuple[float, float] | None:
        """Before and since; None: it does not say."""
        evidence = self.alarm.evidence
        before, since = ("promised", "rate") if self.alarm.kind == PROMISE else ("reference", "since")
        pair = evidence.get(before), evidence.get(since)
        return (float(pair[0]), float(pair[1])) if None not in pair else None  # type: ignore[arg-type]


def shown_alarms(store: LineStore, model: str, version: str) -> list[ShownAlarm]:
    """The alarms that stand under a version of a model, those that nobody knows of first."""
    found = [ShownAlarm(one, _parts(store, one)) for one in standing_of(store, model, version)]
    return sorted(found, key=lambda one: bool(one.alarm.acknowledged))


def without_reference(context: LineContext, model: str) -> list[str]:
    """What takes a reference (`command`) for each line of the model that has none; before it judged any part, for the
    lines that the server was started with."""
    known = context.watcher.under(model)
    names = [one.line for one in known if one.state == "no reference"]
    return [command(name, model) for name in (names if known else context.lines or ("LINE",))]


def routes(context: LineContext) -> APIRouter:
    """What an engineer says to alarms."""
    router = APIRouter(include_in_schema=False, prefix="/engineer")

    def know(name: Name, fields: Fields, person: Engineer) -> Response:
        """An engineer knows of an alarm."""
        one = _alarm(context, name, fields)
        acknowledge(context.store, one.number, person.code, _note(fields), "engineer")
        return RedirectResponse(f"/engineer/{name}#alarms", 303)

    def anew(name: Name, fields: Fields, person: Engineer) -> Response:
        """The cause of an alarm is removed: its watch begins anew after the line's last part."""
        one = _alarm(context, name, fields)
        watch: Watch = "promise" if one.kind == PROMISE else "drift"
        reset(context.store, one.line, name, watch, person.code, _note(fields))
        return RedirectResponse(f"/engineer/{name}#alarms", 303)

    for path, answer in (("acknowledge", know), ("anew", anew)):
        router.add_api_route(f"/{{name}}/{path}", answer, methods=["POST"], response_model=None)
    return router


def _alarm(context: LineContext, model: str, fields: Mapping[str, str]) -> Alarm:
    live = context.store.live(model)
    found = standing_of(context.store, model, live.version) if live else []
    for one in found:
        if str(one.number) == fields.get("alarm"):
            return one
    raise SpecsightError("this alarm stands no longer: open the page anew")


def _note(fields: Mapping[str, str]) -> str:
    return written(fields, "note", NOTE)


def _parts(store: LineStore, alarm: Alarm) -> tuple[tuple[str, JudgedPart], ...]:
    """The part before the alarm's, its first one, and the one at which the evidence sufficed."""
    numbers = (alarm.since - 1, alarm.since, int(alarm.evidence.get("alarm", alarm.since)))
    found: dict[str, tuple[str, JudgedPart]] = {}
    for place, number in zip(PLACES, numbers, strict=True):
        for part in find(store, Wanted(alarm.line, alarm.model, before=number + 1), 1):
            if place == PLACES[0] or part.number == number:
                found.setdefault(part.id, (place, part))
    return tuple(found.values())
