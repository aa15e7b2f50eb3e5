"""What a sentence demands, fact by fact, and what later frames of the sentence may refer to.

In: names and limits that frames hold. Out: `Fact`s in the words of the JSON form. A name that is in no specification is
that of a defect where it looks like one; `NotUnderstood` for all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from specsight.reading.frames import Frame
from specsight.reading.items import Name, NotUnderstood
from specsight.reading.lexicon import words_of
from specsight.reading.names import Names
from specsight.reading.normal import stem

ACCEPTS = {"accept": 1, "ignore": 1, "reject": -1, "report": -1, "limit": 1}
"""Predicate → whether what it is said of passes (1) or counts (-1), where it is not negated."""


INHERITED, FOCUSED, PLAIN = 0.9, 0.75, 1.0


@dataclass(frozen=True)
class Fact:
    """One demand: a clause of `kind` in the words of the JSON form, before names are checked."""

    kind: str
    part: str | None = None
    defect: str | None = None
    limit: float | None = None
    confidence: float = 1.0


@dataclass
class Reading:
    """The facts of a sentence as they are put together, and what later frames may refer to."""

    vocabulary: Names
    facts: list[Fact] = field(default_factory=list)
    names: tuple[Name, ...] = ()
    places: tuple[Name, ...] = ()
    inspected: tuple[Name, ...] = ()
    """Parts that are to be inspected, and nothing has said yet that they alone are."""
    rest: bool = False
    """Whether the rest has been left out, before it was said of what."""
    pending: Frame | None = None
    """An exception before what it is an exception from."""
    last: Frame | None = None


def fact_of(name: Name, place: Name | None, limit: float | None, sure: float) -> Fact:
    """That a type is accepted up to a limit: 0 for not at all, None for whatever its size."""
    confidence = name.confidence * sure * (place.confidence if place else 1.0)
    kind = "ignore" if limit is None else "tolerance"
    return Fact(kind, place.text if place else None, name.text, limit, confidence)


def type_of(reading: Reading, name: Name, lenient: bool = False) -> Name:
    """The name as that of a type of defect.

    A name that is in no specification is one where it looks like one, or where the reader takes it for a known one.
    Raises NotUnderstood for all others, and with `lenient`, where something is accepted, for a name that is taken for
    a known one.
    """
    vocabulary = reading.vocabulary
    if name.known or not vocabulary.defects:
        return name
    if vocabulary.guess is not None and (guessed := vocabulary.guess(name.text)):
        if lenient:
            raise NotUnderstood(
                f"'{name.text}' is no name of '{guessed[0]}' in the specification, the nearest type"
            )
        return Name(guessed[0], True, guessed[1])
    if name.within:
        raise NotUnderstood(f"'{name.text}' is no type of defect of the product, which knows '{name.within}'")
    if not defect_like(name):
        raise NotUnderstood(f"'{name.text}' is no part and no type of defect of the product")
    return name


def defect_like(name: Name) -> bool:
    """Whether a name ends as names of defects do."""
    return stem(name.text.split()[-1]) in words_of("defect heads")


def put_only(reading: Reading, frame: Frame) -> None:
    """The frame's types alone count. Raises NotUnderstood where parts or sizes are named beside them."""
    if frame.places or frame.outside or frame.parts or frame.any_size:
        raise NotUnderstood("")
    for name in (type_of(reading, one) for one in frame.names):
        reading.facts.append(Fact("only", defect=name.text, confidence=name.confidence))


def put_scope(reading: Reading, kind: str, parts: Sequence[Name], sure: float = PLAIN) -> None:
    """A scope, or with `kind` "scope-out" what is left out of it."""
    reading.facts += [Fact(kind, part.text, confidence=part.confidence * sure) for part in parts]


def make_scope(reading: Reading) -> None:
    """What is to be inspected is all that is: "inspect the tread, and nothing else"."""
    put_scope(reading, "scope", reading.inspected)
    reading.inspected = ()


def with_limit(reading: Reading, last: Frame, mm: float, unlimited: bool = False) -> None:
    """Give what was said of the same types a limit; `unlimited`: only where it has none."""
    names = {name.text for name in last.names}
    open_to = ("ignore",) if unlimited else ("tolerance", "ignore")
    if not any(fact.kind in open_to and fact.defect in names for fact in reading.facts):
        raise NotUnderstood("")
    reading.facts = [
        replace(fact, kind="tolerance", limit=mm) if fact.kind in open_to and fact.defect in names else fact
        for fact in reading.facts
    ]


def limit_so_far(reading: Reading, last: Frame) -> float | None:
    """The limit that was said last of a frame's types. Raises NotUnderstood where none was."""
    names = {name.text for name in last.names}
    found = [fact for fact in reading.facts if fact.defect in names and fact.kind in ("tolerance", "ignore")]
    if not found:
        raise NotUnderstood("")
    return found[-1].limit


def forget(reading: Reading, names: Sequence[Name], places: Sequence[Name | None]) -> None:
    """Drop what was said of types on parts, where a relative sentence says it more closely."""
    anew = {(name.text, place.text) for name in names for place in places if place is not None}
    reading.facts = [fact for fact in reading.facts if (fact.defect, fact.part) not in anew]
