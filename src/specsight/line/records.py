"""What is kept of a part on a line, and sent on to pages, streams and outlets; every record has `to_json`.

In: an inspection and where its picture came from. Out: one flat record that says who judged what, with which model,
version, words and threshold.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import Any, Literal

from specsight.records import Inspection

Verdict = Literal["accept", "reject"]
Role = Literal["operator", "engineer", "auditor"]
ROLES: tuple[Role, ...] = ("operator", "engineer", "auditor")
"""operator: sees, judges, reviews. engineer: also confirms, changes versions and tokens. auditor: reads and exports."""


def now() -> datetime:
    """The time of a record, in UTC."""
    return datetime.now(timezone.utc)


def iso(time: datetime) -> str:
    """A time in ISO 8601, in UTC."""
    return time.astimezone(timezone.utc).isoformat()


def new_id() -> str:
    """An id that no other record has: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Record:
    """What is kept, and sent on."""

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values; times in ISO 8601 with their zone, UTC."""
        # No deep copies: an inspection has hundreds of values, and this is done several times a part.
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: iso(v) if isinstance(v, datetime) else v for name, v in values}


@dataclass(frozen=True)
class JudgedPart(Record):
    """One part of a line, judged once. Judged again, it is another record."""

    line: str
    part: str
    """Name of the part, as the line gives it; several records may have it."""
    model: str
    version: str
    """Which version of the model: the first 12 digits of the digest of its checksum list."""
    id: str = field(default_factory=new_id)
    number: int = 0
    """Rises with every record of a store; 0 before it is stored, and without a store."""
    key: str = ""
    """What makes the record the only one of its line: asked again with the same key, nothing is judged anew. Empty: its
    own id."""
    received: datetime = field(default_factory=now)
    judged: datetime = field(default_factory=now)
    words: str = ""
    """The instruction, as it was given; empty: none."""
    picture: str = ""
    """SHA-256 of the picture's bytes, as they were given."""
    depth: str = ""
    """SHA-256 of the depth's bytes; empty: none was given."""
    signals: Mapping[str, str] = field(default_factory=dict)
    """Further channels by name ("ir", "normals", "light_1") → SHA-256 of their bytes."""
    map: str = ""
    """SHA-256 of the map as it is kept; empty: none is."""
    verdict: Verdict | None = None
    """None: the model has no threshold, or the picture could not be judged (`error`)."""
    score: float | None = None
    threshold: float | None = None
    clause: str = ""
    """The sentence of the clause that decided; empty: the score did."""
    statement: str = ""
    findings: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time by stage: "wait" for its turn, and those of `Inspection.seconds`."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What was measured of the picture itself (brightness, sharpness, ...), for the watch over drift."""
    inspection: Mapping[str, Any] = field(default_factory=dict)
    """The whole answer, as `Inspection.to_json` gives it; empty where there is none."""
    error: str = ""
    """Why the picture could not be judged; empty where it was."""

    @property
    def contents(self) -> list[tuple[str, str]]:
        """(what it is, SHA-256) of all bytes that belong to it: "picture", "depth", "signal ir", "map"."""
        signals = [(f"signal {name}", digest) for name, digest in sorted(self.signals.items())]
        every = [("picture", self.picture), ("depth", self.depth), *signals, ("map", self.map)]
        return [(what, digest) for what, digest in every if digest]

    @property
    def word(self) -> str:
        """The verdict in one word: "accept", "reject", "undecided" or "unreadable"."""
        return "unreadable" if self.error else self.verdict or "undecided"

    @property
    def title(self) -> str:
        """The part's name; its number where it has none."""
        return self.part or f"{self.number}"

    def answer(self) -> Inspection:
        """The whole answer. Raises ValueError where there is none."""
        return Inspection.from_json(self.inspection)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> JudgedPart:
        """Read what `to_json` gave. Raises ValueError or TypeError for anything else."""
        known = {one.name for one in fields(cls)}
        if unknown := values.keys() - known:
            raise ValueError(f"a judged part has no field '{sorted(unknown)[0]}'")
        times = {name: datetime.fromisoformat(values[name]) for name in ("received", "judged")}
        return cls(**{**values, **times})


@dataclass(frozen=True)
class Review(Record):
    """What a person said of a judged part; of several, the last one holds (`verdicts.standing`)."""

    inspection: str
    """Id of the judged part."""
    person: str
    role: Role
    verdict: Verdict | Literal[""]
    """Empty: nothing holds, for a person takes back what they said of a part that the model has no verdict of."""
    reason: str = ""
    type: str = ""
    """Which defect it is, in the person's words or those of the specification; empty: not said."""
    region: list[list[list[float]]] | None = None
    """Where it lies (`regions`): polygons of points [x, y], shares of the picture's width and height; None: not
    said."""
    at: datetime = field(default_factory=now)
    number: int = 0


@dataclass(frozen=True)
class Version(Record):
    """One version of a model that was ever offered to a line; none is forgotten."""

    model: str
    version: str
    kind: Literal["given", "threshold", "supervised"]
    """How it came about: as a folder of the engineer's, or from confirmed outcomes."""
    note: str = ""
    parent: str = ""
    """The version that it was made from; empty: none."""
    person: str = ""
    at: datetime = field(default_factory=now)
    number: int = 0


@dataclass(frozen=True)
class Activation(Record):
    """A version of a model that went live; the last one of a model is."""

    model: str
    version: str
    person: str
    reason: str = ""
    at: datetime = field(default_factory=now)
    number: int = 0


@dataclass(frozen=True)
class Entry(Record):
    """One line of the audit trail: who did what to what, chained to the entry before it on the same line."""

    line: str
    person: str
    role: str
    action: str
    """ "judged", "reviewed", "confirmed", "registered", "went live", "exported", "deleted", ..."""
    subject: str
    """Id of what it is about."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=now)
    number: int = 0
    previous: str = ""
    """`digest` of the entry before it on this line; empty: it is the first."""
    digest: str = ""
