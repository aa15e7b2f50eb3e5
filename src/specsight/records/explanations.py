"""What is said of a picture, with what each sentence rests on and how it was checked.

An `Explanation` belongs to an `Inspection`: its statements name findings by their number there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["supported", "unsupported", "contradicted"]
"""The evidence says it; the evidence does not say it, or it was not understood; the evidence says otherwise."""
Slot = Literal[
    "polarity",
    "type",
    "cell",
    "map",
    "part",
    "size",
    "severity",
    "count",
    "score",
    "status",
    "clause",
    "required",
    "knowledge",
    "words",
    "completeness",
]
"""What a claim is about. `map`: whether the map holds mass above its threshold in the stated cell; `status`: whether a
finding counts; `words`: what could not be read; `completeness`: what a rewrite must say and does not."""
StatementKind = Literal["verdict", "findings", "required", "excused", "applied", "knowledge"]
REWRITTEN: tuple[StatementKind, ...] = ("verdict", "findings")
"""Kinds of statements that a language model may rewrite; the others quote clauses, or say what is known of types."""


@dataclass(frozen=True)
class Check:
    """One claim of a text against the evidence."""

    slot: Slot
    said: str
    """As it stands in the text."""
    outcome: Outcome
    evidence: str = ""
    """What the evidence says."""
    finding: int | None = None
    """Number of the finding that it was compared with."""


@dataclass(frozen=True)
class Statement:
    """One sentence with its evidence."""

    text: str
    kind: StatementKind
    findings: tuple[int, ...] = ()
    """Numbers of the findings that it speaks of, in `Inspection.findings`."""
    clause: str = ""
    """Words of the clause that it rests on; empty: on none."""
    checks: tuple[Check, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether every claim is supported."""
        return all(check.outcome == "supported" for check in self.checks)


@dataclass(frozen=True)
class Known:
    """What is known of a type of defect on the product (`ontology`)."""

    superclass: str = ""
    causes: tuple[str, ...] = ()
    consequence: str = ""
    action: str = ""


@dataclass(frozen=True)
class Rewrite:
    """What a language model made of the statement. Where it was not accepted, the statement stands as it was."""

    model: str
    text: str
    accepted: bool
    checks: tuple[Check, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """Why it was not accepted."""
        return tuple(check for check in self.checks if check.outcome != "supported")


@dataclass(frozen=True)
class Explanation:
    """Everything that is said of one picture."""

    statements: tuple[Statement, ...]
    knowledge: Mapping[str, Known] = field(default_factory=dict)
    """Type of a finding that counts → what is known of it."""
    rewrite: Rewrite | None = None
    """None: no language model was asked."""

    @property
    def text(self) -> str:
        """The statement of the picture: sentences on verdict and findings, by templates or as a rewrite that was
        accepted, and what was required, excused and not applied; without what is known of types."""
        rewrite = self.rewrite
        opening = rewrite.text if rewrite is not None and rewrite.accepted else self.part(*REWRITTEN)
        return f"{opening} {self.part('required', 'excused', 'applied')}".strip()

    def part(self, *kinds: StatementKind) -> str:
        """The statements of some kinds, as templates say them."""
        return " ".join(one.text for one in self.statements if one.kind in kinds)

    @property
    def sound(self) -> bool:
        """Whether every claim of every statement is supported."""
        return all(one.sound for one in self.statements)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values; defaults are left out."""
        return {
            "statements": [_plain(one) for one in self.statements],
            "knowledge": {name: _plain(one) for name, one in self.knowledge.items()},
            **({} if self.rewrite is None else {"rewrite": _plain(self.rewrite)}),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Explanation:
        """Read what `to_json` gave, as part of an inspection that checks it."""
        rewrite = values.get("rewrite")
        return cls(
            tuple(
                Statement(
                    **{
                        **one,
                        "findings": tuple(one.get("findings", ())),
                        "checks": _checks(one),
                    }
                )
                for one in values["statements"]
            ),
            {
                name: Known(**{**known, "causes": tuple(known.get("causes", ()))})
                for name, known in values["knowledge"].items()
            },
            None if rewrite is None else Rewrite(**{"text": "", **rewrite, "checks": _checks(rewrite)}),
        )


def _checks(values: Mapping[str, Any]) -> tuple[Check, ...]:
    return tuple(Check(**{"said": "", **check}) for check in values.get("checks", ()))


def _plain(record: Any) -> dict[str, Any]:
    """A record without empty fields, nested ones too."""

    def dense(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: dense(v) for k, v in value.items() if v not in ("", None, (), [])}
        return [dense(one) for one in value] if isinstance(value, list | tuple) else value

    plain: dict[str, Any] = dense(asdict(record))
    return plain
