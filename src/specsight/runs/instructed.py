"""Answers of one picture under one instruction each, as lines of `instructions.jsonl`.

A line holds the truth, what was read of the text, and the decisions: under the true clauses, under the raw text, under
a text drawn at random, without any instruction, and under rewordings that say the same. Where the map under the text
is another than without it, and which pixels are inspected and found, lies beside it in `instructions/<seed>/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import ConfigDict
from typing_extensions import TypedDict

from specsight.record_json import Count, Finite, Text, check
from specsight.records import Decision, Inspection, Verdict
from specsight.specification import Clause
from specsight.specification.clauses import clause_from_json, clause_to_json

INSTRUCTIONS = "instructions.jsonl"
FOLDER = "instructions"
PART = "part"
"""Kind of the questions that the evaluation asks itself: each part of each picture as the only one to inspect."""
NAME = "name"
"""Kind of the questions that teach all types which the specification lacks, of pictures that show one of them."""
TOGETHER, OTHER_ORDER = "with another instruction", "order"
"""Rewordings: the instruction before another one of its picture, and behind it; they are compared with each other."""

LEFT_OUT, INSPECTED, OBSERVED, COUNTED = range(4)
"""Pixels of `instructions/<seed>/<picture>.<number>.png`: outside of the scope, in it, of a finding that does not
count, of a finding that counts."""


class AnswerJson(TypedDict):
    """See `Answer`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    verdict: Literal["accept", "reject"] | None
    score: Finite
    threshold: Finite | None
    deciding: dict[Text, Any] | None
    counted: list[Text | None]
    observed: Count
    not_applied: list[Text]
    statement: Text


class WordingJson(TypedDict):
    """See `Reworded`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    text: Text
    verdict: Literal["accept", "reject"] | None
    score: Finite


class InstructedJson(TypedDict):
    """A line of `instructions.jsonl`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    seed: Count
    id: Text
    number: Count
    group: Text | None
    kind: Text
    pair: Text
    text: Text
    truth: Literal["accept", "reject"]
    outside: bool
    shows: Text
    named: dict[Text, Text | None]
    clauses: list[dict[Text, Any]]
    read: list[dict[Text, Any]]
    answers: dict[Text, AnswerJson]
    random_text: Text
    wordings: dict[Text, WordingJson]
    drawn: bool
    own_map: bool


@dataclass(frozen=True)
class Answer:
    """One decision."""

    verdict: Verdict | None
    score: float
    threshold: float | None
    deciding: Clause | None = None
    counted: tuple[str | None, ...] = ()
    """Types of the findings that count, the strongest first."""
    observed: int = 0
    """Findings that do not count."""
    not_applied: tuple[str, ...] = ()
    """Why clauses had no effect."""
    statement: str = ""

    @classmethod
    def of(cls, inspection: Inspection) -> Answer:
        """What an inspection decided."""
        decision: Decision = inspection.decision
        return cls(
            decision.verdict,
            float(decision.score),
            None if decision.threshold is None else float(decision.threshold),
            decision.deciding,
            tuple(finding.type for finding in decision.counted),
            len(decision.observed),
            tuple(f"{one.clause.words}: {one.reason}" for one in decision.not_applied),
            inspection.statement,
        )

    @property
    def margin(self) -> float:
        """Score less threshold; the score alone where there is no threshold."""
        return self.score - (self.threshold or 0.0)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        line = {**asdict(self), "counted": list(self.counted), "not_applied": list(self.not_applied)}
        return line | {"deciding": None if self.deciding is None else clause_to_json(self.deciding)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Answer:
        """Read what `to_json` gave, as part of a line that is checked."""
        deciding = values["deciding"]
        return cls(
            **{
                **values,
                "counted": tuple(values["counted"]),
                "not_applied": tuple(values["not_applied"]),
                "deciding": None if deciding is None else clause_from_json(deciding),
            }
        )


@dataclass(frozen=True)
class Reworded:
    """The decision under other words that say the same."""

    text: str
    verdict: Verdict | None
    score: float


@dataclass(frozen=True)
class Instructed:
    """One picture under one instruction."""

    seed: int
    id: str
    """Of the sample."""
    number: int
    """Of the instruction among those of its picture."""
    group: str | None
    """The physical object that the picture shows."""
    kind: str
    """"scope", "tolerance", "requirement", "knowledge" of a matched pair, or `PART`."""
    pair: str
    """Of a matched pair: the same for both of its instructions; else empty."""
    text: str
    truth: Verdict
    outside: bool
    """Of a question of kind `PART`: whether defects lie outside of the part and none on it."""
    clauses: tuple[Clause, ...]
    """What the text means in truth."""
    read: tuple[Clause, ...]
    """What was read of it."""
    answers: Mapping[str, Answer]
    """"clauses", "text", "ignored" (without the instruction) and, of a matched pair, "random"."""
    random_text: str = ""
    shows: str = ""
    """Of a question of kind `NAME`: the type of the picture's defects."""
    named: Mapping[str, str | None] = field(default_factory=dict)
    """Of a question of kind `NAME`: "clauses" and "text" → the type of the strongest finding on the defect; without a
    key where no finding lies on it."""
    wordings: Mapping[str, Reworded] = field(default_factory=dict)
    """By the name of the rewording."""
    drawn: bool = False
    """Whether the pixels that are inspected and found were written."""
    own_map: bool = False
    """Whether the map under the text is another than without it, and was written."""

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "named": dict(self.named),
            "clauses": [clause_to_json(clause) for clause in self.clauses],
            "read": [clause_to_json(clause) for clause in self.read],
            "answers": {name: answer.to_json() for name, answer in self.answers.items()},
            "wordings": {name: asdict(one) for name, one in self.wordings.items()},
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Instructed:
        """Read what `to_json` gave. Raises ValueError, which names the value in one line, for anything else."""
        check(InstructedJson, line)
        return cls(
            **{name: line[name] for name in _PLAIN},
            clauses=tuple(map(clause_from_json, line["clauses"])),
            read=tuple(map(clause_from_json, line["read"])),
            answers={name: Answer.from_json(one) for name, one in line["answers"].items()},
            wordings={name: Reworded(**one) for name, one in line["wordings"].items()},
        )


_PLAIN = (
    *("seed", "id", "number", "group", "kind", "pair", "text", "truth", "outside", "shows", "named"),
    *("random_text", "drawn", "own_map"),
)
