"""What is answered: sentences, what each of them rests on, and the checks that it passed.

Every number and name in a sentence is a slot that is filled from evidence; none is written by a language model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from specsight.asking.query import Query
from specsight.records import Verdict

Source = Literal[
    "findings",
    "part map",
    "decision",
    "calibration",
    "presence",
    "knowledge",
    "specification",
    "note",
    "reference",
    "question",
]


@dataclass(frozen=True)
class Evidence:
    """What one sentence rests on. Findings are numbered from 1, the strongest first, as in `Inspection.findings`."""

    sources: tuple[Source, ...]
    picture: str = ""
    """Id of the picture; empty: no picture says it."""
    findings: tuple[int, ...] = ()
    clauses: tuple[str, ...] = ()
    """Sentences of specification and instruction."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """What the sentence was filled with, by name: sizes, counts, names."""
    verdict: Verdict | None = None
    score: float | None = None
    threshold: float | None = None
    map_threshold: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields that say something."""
        values: dict[str, Any] = {"sources": list(self.sources)}
        if self.picture:
            values["picture"] = self.picture
        if self.findings:
            values["findings"] = list(self.findings)
        if self.clauses:
            values["clauses"] = list(self.clauses)
        if self.slots:
            values["slots"] = dict(self.slots)
        for name in ("verdict", "score", "threshold", "map_threshold"):
            if getattr(self, name) is not None:
                values[name] = getattr(self, name)
        return values


@dataclass(frozen=True)
class SentenceCheck:
    """One thing that a sentence was held to."""

    name: str
    """ "numbers", "names", "verdict", "findings"."""
    passed: bool
    found: str = ""
    """What in the sentence has no evidence; empty where it passed."""

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"check": self.name, "passed": self.passed, **({"found": self.found} if self.found else {})}


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer, about one picture or about all of them."""

    text: str
    evidence: Evidence
    abstains: bool = False
    """Whether it says that the question cannot be answered, and what would be needed."""
    checks: tuple[SentenceCheck, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {
            "text": self.text,
            "evidence": self.evidence.to_json(),
            **({"abstains": True} if self.abstains else {}),
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(frozen=True)
class Rewording:
    """What a language model made of an answer."""

    text: str
    accepted: bool
    checks: tuple[SentenceCheck, ...]
    """Those that failed, where it was not accepted."""

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {
            "text": self.text,
            "accepted": self.accepted,
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(frozen=True)
class Answer:
    """The answer to one question."""

    question: str
    queries: tuple[Query, ...]
    """What was understood."""
    sentences: tuple[Sentence, ...]
    pictures: tuple[str, ...]
    """Ids of the pictures that were asked about."""
    remarks: tuple[str, ...] = ()
    """What of the question was set aside, and which words were taken for others."""
    understood_by: str = "rules"
    """ "rules", or the language model that told which kind of question it is."""
    reworded: Rewording | None = None
    seconds: float = 0.0
    """Without looking at pictures."""

    @property
    def text(self) -> str:
        """The answer in words: as a language model put it where that passed all checks, else the sentences."""
        told = self.reworded.text if self.reworded and self.reworded.accepted else self.plain_text
        return " ".join([told, *self.remarks])

    @property
    def lines(self) -> list[str]:
        """The answer for a screen: a line for each picture that it speaks of, and one for each remark."""
        if self.reworded and self.reworded.accepted:
            return [self.reworded.text, *self.remarks]
        found: list[str] = []
        picture: str | None = None
        for one in self.sentences:
            if found and one.evidence.picture == picture:
                found[-1] = f"{found[-1]} {one.text}"
            else:
                found.append(one.text)
            picture = one.evidence.picture
        return [*found, *self.remarks]

    @property
    def plain_text(self) -> str:
        """The checked sentences, without remarks."""
        return " ".join(one.text for one in self.sentences)

    @property
    def abstained(self) -> str:
        """Why there is no answer, and what it would take; empty where any sentence answers."""
        if not self.sentences or not all(one.abstains for one in self.sentences):
            return ""
        return self.plain_text

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        return {
            "question": self.question,
            "understood": [query.to_json() for query in self.queries],
            "understood_by": self.understood_by,
            "answer": self.text,
            "abstained": self.abstained or None,
            "sentences": [one.to_json() for one in self.sentences],
            "pictures": list(self.pictures),
            "remarks": list(self.remarks),
            "reworded": self.reworded.to_json() if self.reworded else None,
            "seconds": round(self.seconds, 4),
        }
