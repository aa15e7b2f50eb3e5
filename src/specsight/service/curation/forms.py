"""What the form of an item holds: its words as they are now, or as a person left them, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specsight.benchmark.curation.decisions import Decision, applied, decided_on, edit_of
from specsight.benchmark.curation.entries import Entry
from specsight.benchmark.records import Item
from specsight.errors import SpecsightError

OPTION = "option-"


@dataclass(frozen=True)
class Form:
    """Fields as text."""

    question: str
    options: Mapping[str, str]
    answer: str
    instruction: str
    reason: str
    severity: str
    revision: int

    @classmethod
    def of(cls, item: Item, entry: Entry, seat: int, start: int | None = None) -> Form:
        """As it is opened; `start`: the seat whose decision it begins with, in place of the person's own."""
        saved = entry.at(seat if start is None else start)
        decision = saved.decision if saved else Decision(action="accept")
        now = applied(item, decision)
        return cls(
            now.question,
            now.options,
            now.answer,
            now.instruction or "",
            decision.reason,
            decision.severity or "",
            entry.revision(seat),
        )

    @classmethod
    def sent(cls, item: Item, fields: Mapping[str, str]) -> Form:
        """As a person sent it. Raises SpecsightError for one that is not whole."""
        try:
            revision = int(fields["revision"])
            return cls(
                fields["question"],
                {letter: fields[OPTION + letter] for letter in item.options if OPTION + letter in fields},
                fields["answer"],
                fields["instruction"],
                fields["reason"],
                fields["severity"],
                revision,
            )
        except (KeyError, ValueError) as error:
            raise SpecsightError("the form is not whole: open the page anew") from error

    def decision(self, item: Item, before: Decision | None, action: str) -> Decision:
        """What was decided with `action`. Raises SpecsightError where it makes no sense."""
        edit = edit_of(item, self.question, self.options, self.answer, self.instruction)
        return decided_on(item, before, action, edit, self.reason, self.severity)
