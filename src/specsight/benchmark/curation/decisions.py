"""One person's decision about one item, and the item that it leads to."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from specsight.benchmark.forms import unlike_its_form
from specsight.benchmark.records import Item, Provenance, Record
from specsight.errors import SpecsightError, excerpt
from specsight.explain.slots import Slots

Action = Literal["accept", "edit", "reject"]
ACTIONS: tuple[Action, ...] = ("accept", "edit", "reject")
LONGEST_TEXT = 1 << 20
"""Characters of a field."""
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class Edit(Record):
    """What an item says after an edit; None: as before."""

    question: Text | None = None
    options: Mapping[str, Text] | None = None
    answer: Text | None = None
    instruction: Text | None = None


class Decision(Record):
    """Accept as it is, keep as edited, or reject; with the severity that the person sees, where there is a defect."""

    action: Action
    reason: Text = ""
    severity: Annotated[str, Field(max_length=200)] | None = None
    edit: Edit | None = None

    @model_validator(mode="after")
    def _whole(self) -> Decision:
        if (self.action == "edit") != (self.edit is not None):
            raise ValueError("an edit says what the item reads now, and nothing else does")
        if self.action == "reject" and not self.reason.strip():
            raise ValueError("a rejection needs a reason")
        return self

    def agrees_with(self, other: Decision) -> bool:
        """Whether both lead to the same item."""
        return (self.action, self.edit) == (other.action, other.edit)


class Saved(Record):
    """A decision as it is kept."""

    decision: Decision
    curator: str
    seat: int
    """0: adjudicated; 1, 2, …: the first, the second person who decides about the item."""
    revision: int
    """1 for the first saving, then one more for each change."""
    at: datetime


def decided(action: str, reason: str = "", severity: str | None = None, edit: Edit | None = None) -> Decision:
    """A decision, checked. Raises SpecsightError that says what is wrong with it."""
    try:
        return Decision.model_validate(
            {"action": action, "reason": reason.strip(), "severity": severity or None, "edit": edit}
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SpecsightError(
            f"{place + ': ' if place else ''}{first['msg'].removeprefix('Value error, ')}"
        ) from error


def decided_on(
    item: Item,
    before: Decision | None,
    action: str,
    edit: Edit | None,
    reason: str = "",
    severity: str | None = None,
) -> Decision:
    """A decision about an item whose words a person had before them, changed as `edit` says; `before` is the one that
    stood. Raises SpecsightError where words and action do not go together, or where the edit leaves no item."""
    if action == "edit" and edit is None:
        raise SpecsightError("nothing is changed: accept the item, or change its words")
    former = before.edit if before is not None else None
    if edit is not None and action != "edit" and not (action == "reject" and edit == former):
        changed = ", ".join(edit.model_dump(exclude_none=True))
        raise SpecsightError(
            f"{action} keeps no changes, and there are some ({changed}): choose edit, or put the words back"
        )
    decision = decided(action, reason, severity, edit if action == "edit" else None)
    applied(item, decision)
    return decision


def edit_of(
    item: Item,
    question: str | None = None,
    options: Mapping[str, str] | None = None,
    answer: str | None = None,
    instruction: str | None = None,
) -> Edit | None:
    """What differs from the item, as an edit; None where nothing does. Line ends are compared as line feeds."""
    unchanged = options is None or (
        options.keys() == item.options.keys() and all(_same(options[k], v) for k, v in item.options.items())
    )
    edit = Edit(
        question=_changed(item.question, question),
        options=None if unchanged else {letter: _lines(text) for letter, text in (options or {}).items()},
        answer=_changed(item.answer, answer),
        instruction=_changed(item.instruction or "", instruction),
    )
    return None if edit == Edit() else edit


def applied(item: Item, decision: Decision, by: tuple[str, ...] = (), version: str | None = None) -> Item:
    """The item after a decision that keeps it; `by`: codes of the persons, added to its provenance.

    Where an answer is changed, slots that rested on the old one are taken from the new one, or given up. Raises
    SpecsightError where the edited item could not be answered.
    """
    changes: dict[str, object] = {} if version is None else {"version": version}
    if decision.edit is not None:
        given = decision.edit.model_dump(exclude_none=True)
        changes |= given
        if "instruction" in given:
            changes["instruction"] = given["instruction"] or None
        if "answer" in given and given["answer"] != item.answer:
            changes["slots"] = _slots(item, str(given["answer"]))
        # Others accepted what the set, a rule or a model had said; an edit is the person's own words.
        experts = tuple(Provenance(source="expert", by=code) for code in by)
        changes["provenance"] = (*item.provenance, *(e for e in experts if e not in item.provenance))
    after = item.model_copy(update=changes)
    if decision.edit is not None:
        check_item(after)
    return after


def check_item(item: Item) -> None:
    """Raise SpecsightError, which says why, for an item whose question or options are empty or whose answer is none."""
    problem = unlike_its_form(item)
    if not item.question.strip():
        problem = "the question is empty"
    elif any(not text.strip() for text in item.options.values()):
        problem = "an option is empty"
    if problem:
        raise SpecsightError(f"{problem}: '{excerpt(item.answer)}'" if "answer" in problem else problem)


def _slots(item: Item, answer: str) -> Slots:
    """What an answer that a person wrote says in slots, as far as its form tells."""
    with contextlib.suppress(ValueError, TypeError):  # `check_item` says what is wrong with it
        if item.form == "report":
            return Slots.model_validate_json(answer)
        if item.form == "box":
            return Slots(boxes=(tuple(json.loads(answer)),))
    return Slots()


def _changed(before: str, now: str | None) -> str | None:
    return None if now is None or _same(now, before) else _lines(now)


def _same(first: str | None, second: str) -> bool:
    return first is not None and _lines(first) == _lines(second)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
