"""Frames → facts: what a sentence demands, by the class of its predicate.

In: the frames of one reading. Out: `Fact`s, of which `grammar` makes clauses. A frame whose parts do not fit together
("stains over 2 mm are acceptable", "the tread is fine") raises `NotUnderstood`: its sentence is left unread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from specsight.reading.frames import Frame
from specsight.reading.items import Name, NotUnderstood
from specsight.reading.lexicon import words_of
from specsight.reading.limits import ABOVE, Limit
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


def facts_of(frames: Sequence[Frame], vocabulary: Names) -> list[Fact]:
    """What frames demand together. Raises NotUnderstood where one of them makes no sense."""
    reading = Reading(vocabulary)
    for k, frame in enumerate(frames):
        _prefix(frame, frames[k + 1 :])
        shares = reading.last is not None and "shared" in reading.last.flags
        if (
            frame.pred
            and "or" in frame.flags
            and "inherited" not in frame.flags
            and reading.facts
            and not shares
        ):
            raise NotUnderstood("")
        if "except" in frame.flags and not reading.facts and reading.last is None:
            reading.pending = frame
            continue
        if frame.flags & {"except", "if"}:
            _exception(reading, frame)
        elif frame.order:
            _main(reading, frame)
        if reading.pending is not None and reading.last is not None:
            pending, reading.pending = reading.pending, None
            _exception(reading, pending)
    if reading.rest and reading.inspected:
        _promote(reading)
    if reading.pending is not None or not reading.facts:
        raise NotUnderstood("")
    return list(dict.fromkeys(reading.facts))


def _prefix(frame: Frame, others: Sequence[Frame]) -> None:
    """A place that stands before a comma holds for what follows: "on the tread, cracks are rejected"."""
    bounded = set(frame.order) <= {"limit", "if", "be"} and frame.limit is not None
    if bounded and others and others[0].limit is None and others[0].names:
        others[0].limit = frame.limit
        frame.order, frame.flags = (), set()
        return
    told = set(frame.order) <= {"if", "names", "limit", "be", "place", "present"} and "if" in frame.flags
    if told and frame.names and others and others[0].pred and others[0].subjectless:
        # "If a stain is smaller than 1 mm, ignore it."
        others[0].names, others[0].places, others[0].limit = frame.names, frame.places, frame.limit
        frame.order, frame.flags = (), set()
        return
    topic = set(frame.order) <= {"names", "conj"} and frame.order and others
    plain = "verbless" in others[0].flags and "pred" not in others[0].order if topic else False
    if topic and (plain or "all" in others[0].flags) and others[0].limit is not None and not others[0].names:
        # "As for creases, anything up to 1 cm is acceptable."
        others[0].names = frame.names
        frame.order, frame.flags = (), set()
        return
    alone = set(frame.order) <= {"place", "outside", "else", "if", "onlyone"} and frame.order
    own = others and others[0].pred and not others[0].flags & {"inherited", "shared"} and not others[0].places
    if not alone or not others or ("inherited" in frame.flags and not own):
        return
    for other in others:
        if other.places or other.outside or "else" in other.flags:
            break
        other.places, other.outside = frame.places, frame.outside
        other.flags |= frame.flags & {"else"}
        if frame.only:
            other.only = other.only or "place"
    frame.order, frame.flags = (), set()


def _main(reading: Reading, frame: Frame) -> None:
    frame = _completed(reading, frame)
    if set(frame.order) <= {"onlyone", "be", "there", "but"} and reading.last is not None:
        _alone(reading)
        return
    if frame.pred in ("inspect", "limitto"):
        _inspection(reading, frame)
    elif frame.pred in ("lookfor", "known", "occur", "present"):
        _knowledge(reading, frame)
    elif "rest" in frame.flags:
        _rest(reading, frame)
    elif frame.names:
        _of_defects(reading, frame)
    else:
        _of_parts(reading, frame)
    reading.last = frame
    reading.names = frame.names or reading.names
    reading.places = frame.places or frame.parts or reading.places


def _completed(reading: Reading, frame: Frame) -> Frame:
    """With the names, places and limit that the frame takes from what was said before it."""
    last = reading.last
    if "there" in frame.flags and frame.pred != "present":
        if not reading.places:
            raise NotUnderstood("")
        frame.places = reading.places
    if last is None:
        return frame
    new = frame.limit or frame.any_size or frame.none or frame.flags & {"else", "there"}
    if frame.subjectless and "inherited" not in frame.flags and frame.pred and not new:
        # "are acceptable and need not be reported": all that was said before is meant.
        frame.names, frame.parts, frame.places = last.names, last.parts, last.places
        frame.limit, frame.flags = last.limit, frame.flags | (last.flags & {"generic", "all", "rest"})
        if not frame.names and not frame.parts and "onlyone" in frame.order:
            frame.pred = last.pred
    elif (
        not frame.names and not frame.parts and not frame.flags & {"rest", "all", "nothing"} and reading.names
    ):
        frame.names = reading.names
    narrower = frame.only == "place" or (frame.only == "limit" and "place" not in frame.order)
    if "but" in frame.flags and "inherited" in frame.flags and narrower and "names" not in frame.order:
        # "but only up to 2 mm", "but only on the web": what was said before is made narrower.
        said = {name.text for name in last.names}
        reading.facts = [fact for fact in reading.facts if fact.defect not in said]
        frame.limit, frame.places = frame.limit or last.limit, frame.places or last.places
    if frame.names and "same" in frame.flags:
        frame.limit, frame.places = frame.limit or last.limit, frame.places or last.places
        frame.negated = last.negated
    return frame


def _polarity(frame: Frame) -> int:
    sign = ACCEPTS[frame.pred] if frame.pred else 1
    return -sign if frame.negated else sign


def _of_defects(reading: Reading, frame: Frame) -> None:
    """Tolerance, ignore, only: what is said of types of defect."""
    _free(frame)
    _of_subject(frame)
    if "hasbeen" in frame.flags:
        raise NotUnderstood("")
    contrast = frame.negated and "inherited" in frame.flags and frame.limit is None and not frame.places
    if frame.pred == "ignore" and contrast and "names" in frame.order:
        # "Ignore stains but not scratches": nothing changes for scratches.
        return
    turned = reading.last is not None and reading.last.negated and not frame.negated and not frame.only
    if frame.pred == "report" and "inherited" in frame.flags and turned and frame.limit is None:
        # "Creases do not matter, dents do": nothing changes for dents.
        return
    if "inherited" in frame.flags and frame.limit is not None and set(frame.order) <= {"limit", "may", "be"}:
        # "Only allowed on the web, up to 2 mm": the limit belongs to what was said before.
        _with_limit(reading, frame, _within(frame.limit, frame, _polarity(frame) > 0), unlimited=True)
        return
    bare = frame.limit is None and not (frame.negated or frame.any_size or frame.places)
    reported = frame.pred == "report" and not frame.only and all(_defect_like(name) for name in frame.names)
    taught_by = "noun" in frame.flags or reported
    if taught_by and bare and not any(name.known or name.within for name in frame.names):
        # "Plucking is a defect": a type that no specification has is taught.
        taught = [name.whole or name.text for name in frame.names]
        reading.facts += [Fact("knowledge", defect=name, confidence=0.85) for name in taught]
        return
    limit = _limit_of(reading, frame)
    places = _places(frame)
    if "there" in frame.flags:
        _forget(reading, frame.names, places)
    alone = frame.only not in ("", "place") and not frame.negated and frame.limit is None and not frame.none
    if alone and frame.pred in ("report", "reject", ""):
        _only(reading, frame)
        return
    if frame.parts:
        if frame.pred != "ignore" or frame.limit is not None or frame.negated or places != (None,):
            raise NotUnderstood("")
        reading.facts += [Fact("scope-out", part.text, confidence=part.confidence) for part in frame.parts]
    sure = INHERITED if frame.flags & {"inherited", "shared"} else PLAIN
    for name in (_type_of(reading, one) for one in frame.names):
        reading.facts += [_accepted(name, place, limit, sure) for place in places]
        if frame.outside:
            if limit == 0.0:
                raise NotUnderstood("")
            reading.facts += [_accepted(name, place, 0.0, sure) for place in frame.outside]
        elif frame.only == "place" and limit != 0.0 and places != (None,):
            reading.facts.append(_accepted(name, None, 0.0, sure))
        elif frame.only == "place" and limit == 0.0:
            raise NotUnderstood("")


def _of_subject(frame: Frame) -> None:
    """ "The well tolerates specks up to 1 mm": the part that accepts is the place."""
    before = frame.order[: frame.order.index("pred")] if "pred" in frame.order else ()
    if (
        frame.pred in ("accept", "reject")
        and frame.parts
        and frame.names
        and "parts" in before
        and not frame.places
    ):
        frame.places, frame.parts = frame.parts, ()


def _forget(reading: Reading, names: Sequence[Name], places: Sequence[Name | None]) -> None:
    """Drop what was said of types on parts, where a relative sentence says it more closely."""
    anew = {(name.text, place.text) for name in names for place in places if place is not None}
    reading.facts = [fact for fact in reading.facts if (fact.defect, fact.part) not in anew]


def _free(frame: Frame) -> None:
    """ "The tread must be free of cracks", "the tread may have stains up to 2 mm": the part is the place."""
    has = "have" in frame.order and ("must" in frame.flags or "may" in frame.flags or "no" in frame.flags)
    if "free" in frame.flags or (has and not frame.pred):
        if "free" in frame.flags:
            frame.negated = not frame.negated
        frame.places += frame.parts
        frame.parts = ()
        frame.pred = frame.pred or "accept"
        if has and "must" in frame.flags and not frame.negated:
            raise NotUnderstood("")


def _limit_of(reading: Reading, frame: Frame) -> float | None:
    """Up to what length the frame accepts: None for all lengths, 0 for none."""
    if frame.none:
        if frame.limit is not None or frame.any_size:
            raise NotUnderstood("")
        if frame.pred == "reject":
            return None
        return 0.0
    if not frame.pred and frame.limit is None:
        forbidden = frame.negated and "must" in frame.flags and "be" in frame.order and frame.places
        if "no" in frame.flags or ("inherited" in frame.flags and frame.negated) or forbidden:
            return 0.0
        if not frame.only:
            raise NotUnderstood("")
    if not frame.pred and "must" in frame.flags and frame.limit is not None and frame.limit.side == ABOVE:
        raise NotUnderstood("")
    accepts = _polarity(frame) > 0
    if frame.limit is None:
        if frame.pred == "limit" and frame.any_size:
            return None
        if frame.pred == "limit":
            if "no" in frame.flags or frame.negated:
                return None if "no" in frame.flags and "limit" in frame.flags else 0.0
            raise NotUnderstood("")
        if frame.pred == "ignore" and not accepts and "inherited" not in frame.flags:
            raise NotUnderstood("")
        return None if accepts else 0.0
    return _within(frame.limit, frame, accepts)


def _within(limit: Limit, frame: Frame, accepts: bool) -> float:
    if frame.any_size:
        raise NotUnderstood("")
    if frame.pred == "limit" or "limit" in frame.flags:
        if limit.side == ABOVE and accepts and frame.pred == "limit":
            raise NotUnderstood("")
        if frame.pred == "limit":
            return limit.mm
    if accepts:
        if limit.side == ABOVE:
            raise NotUnderstood("")
        states = not frame.pred and "be" in frame.order and not frame.flags & {"must", "may", "verbless"}
        bare = not frame.pred and not limit.side and not frame.flags & {"must", "verbless"}
        if states or bare:
            raise NotUnderstood("")
        return limit.mm
    if limit.side != ABOVE or limit.spans:
        raise NotUnderstood("")
    return limit.mm


def _places(frame: Frame) -> tuple[Name | None, ...]:
    if frame.places and "else" in frame.flags:
        raise NotUnderstood("")
    return frame.places or (None,)


def _accepted(name: Name, place: Name | None, limit: float | None, sure: float) -> Fact:
    confidence = name.confidence * sure * (place.confidence if place else 1.0)
    kind = "ignore" if limit is None else "tolerance"
    return Fact(kind, place.text if place else None, name.text, limit, confidence)


def _type_of(reading: Reading, name: Name) -> Name:
    """The name as that of a type of defect.

    A name that is in no specification is one where it looks like one, or where the reader takes it for a known one.
    Raises NotUnderstood for all others.
    """
    vocabulary = reading.vocabulary
    if name.known or not vocabulary.defects:
        return name
    if vocabulary.guess is not None and (guessed := vocabulary.guess(name.text)):
        return Name(guessed[0], True, guessed[1])
    if name.within:
        raise NotUnderstood(f"'{name.text}' is no type of defect of the product, which knows '{name.within}'")
    if not _defect_like(name):
        raise NotUnderstood(f"'{name.text}' is no part and no type of defect of the product")
    return name


def _only(reading: Reading, frame: Frame) -> None:
    if frame.places or frame.outside or frame.parts or frame.any_size:
        raise NotUnderstood("")
    for name in (_type_of(reading, one) for one in frame.names):
        reading.facts.append(Fact("only", defect=name.text, confidence=name.confidence))


def _inspection(reading: Reading, frame: Frame) -> None:
    parts = frame.parts or frame.places
    if frame.names and not parts and not any(name.known for name in frame.names):
        if reading.vocabulary.parts:
            raise NotUnderstood(f"'{frame.names[0].text}' is no part of the product")
        parts, frame.names, frame.parts = frame.names, (), frame.names
    if frame.names and frame.only == "names" and not parts and not frame.negated:
        _only(reading, frame)
        return
    if (
        frame.names
        or frame.limit is not None
        or (frame.any_size and not frame.negated)
        or "hasbeen" in frame.flags
    ):
        raise NotUnderstood("")
    if "rest" in frame.flags:
        _rest(reading, frame)
        return
    if frame.outside and not parts:
        if not frame.negated:
            raise NotUnderstood("")
        _scope(reading, "scope", frame.outside)
        return
    if not parts:
        if "all" in frame.flags or "nothing" in frame.flags:
            return
        if frame.only == "alone" and reading.inspected:
            _promote(reading)
            return
        raise NotUnderstood("")
    if frame.negated:
        if frame.only and frame.only != "alone":
            raise NotUnderstood("")
        _scope(reading, "scope-out", parts)
    elif frame.only or frame.pred == "limitto":
        _scope(reading, "scope", parts, PLAIN if frame.only or frame.pred != "limitto" else FOCUSED)
    else:
        reading.inspected = parts


def _scope(reading: Reading, kind: str, parts: Sequence[Name], sure: float = PLAIN) -> None:
    reading.facts += [Fact(kind, part.text, confidence=part.confidence * sure) for part in parts]


def _promote(reading: Reading) -> None:
    """What is to be inspected is all that is: "inspect the tread, and nothing else"."""
    _scope(reading, "scope", reading.inspected)
    reading.inspected = ()


def _knowledge(reading: Reading, frame: Frame) -> None:
    """Types that are looked for: one more, or (with "only") these alone; not looked for: ignored."""
    if frame.parts or frame.outside or frame.limit is not None or frame.any_size or not frame.names:
        raise NotUnderstood("")
    must_not = frame.negated and frame.pred in ("occur", "present")
    if must_not:
        if not frame.flags & {"must", "may", "no"}:
            raise NotUnderstood("")
        reading.facts += [
            _accepted(name, place, 0.0, PLAIN) for name in frame.names for place in frame.places or (None,)
        ]
        return
    if frame.negated:
        if frame.pred != "lookfor":
            raise NotUnderstood("")
        reading.facts += [
            _accepted(name, place, None, PLAIN) for name in frame.names for place in _places(frame)
        ]
        return
    if frame.pred in ("occur", "present") and not frame.flags & {"may", "observed"}:
        raise NotUnderstood("")
    if frame.pred == "present" and not any(name.known or _defect_like(name) for name in frame.names):
        raise NotUnderstood("")
    if frame.only:
        if frame.pred != "lookfor" or frame.places:
            raise NotUnderstood("")
        _only(reading, frame)
        return
    sure = 0.7 if frame.places else 0.9
    reading.facts += [
        Fact("knowledge", defect=name.whole or name.text, confidence=sure) for name in frame.names
    ]


def _defect_like(name: Name) -> bool:
    return stem(name.text.split()[-1]) in words_of("defect heads")


def _rest(reading: Reading, frame: Frame) -> None:
    """The rest is left out: what was named alone counts."""
    leaves_out = (frame.pred in ("ignore", "accept") and not frame.negated) or (
        frame.pred in ("report", "inspect", "lookfor", "reject") and frame.negated
    )
    last = reading.last
    if frame.names or frame.limit is not None:
        raise NotUnderstood("")
    if (
        not leaves_out
        and last is not None
        and last.limit is not None
        and last.names
        and frame.pred in ("reject", "accept")
    ):
        # "Up to 2 mm is fine, anything above that is rejected": no more than what the limit says.
        return
    if not leaves_out:
        raise NotUnderstood("")
    if last is None and not reading.facts:
        reading.rest = True
        return
    _alone(reading)


def _alone(reading: Reading) -> None:
    """What was named alone counts: "look for cracks and nothing else"."""
    if reading.inspected:
        _promote(reading)
        return
    last = reading.last
    if any(fact.kind in ("scope", "only") for fact in reading.facts):
        return
    if last is not None and last.names and last.places and _limit_so_far(reading, last) != 0.0:
        # "Accept rust on the web but nowhere else."
        reading.facts += [_accepted(name, None, 0.0, PLAIN) for name in last.names]
        return
    if last is not None and last.names and last.limit is None and not last.places and not last.negated:
        counts = {"lookfor", "report", "reject"}
        if last.pred in counts:
            names = {name.text for name in last.names}
            reading.facts = [
                replace(fact, kind="only", limit=None) if fact.defect in names else fact
                for fact in reading.facts
            ]
            return
    raise NotUnderstood("")


def _of_parts(reading: Reading, frame: Frame) -> None:
    """Scope: what is said of parts, or of any defect on them."""
    parts = frame.parts or frame.places
    if "hasbeen" in frame.flags or frame.limit is not None or "else" in frame.flags:
        raise NotUnderstood("")
    generic = bool(frame.flags & {"all", "generic", "nothing"}) or not frame.places or frame.only == "place"
    if frame.outside and not parts:
        out = (frame.pred in ("ignore", "accept") and not frame.negated) or (
            frame.pred == "report" and frame.negated
        )
        if not out:
            raise NotUnderstood("")
        _scope(reading, "scope", frame.outside)
        return
    if not parts:
        if frame.flags & {"all", "nothing", "generic"} and frame.pred in ACCEPTS and not frame.any_size:
            return
        raise NotUnderstood("")
    if not frame.pred:
        if frame.only and not frame.negated and frame.parts:
            _scope(reading, "scope", parts)
            return
        raise NotUnderstood("")
    if frame.pred == "ignore" and not frame.negated and generic:
        _scope(reading, "scope-out", parts)
    elif frame.pred == "report" and generic and (frame.negated or frame.only):
        if frame.negated and frame.only:
            raise NotUnderstood("")
        _scope(reading, "scope-out" if frame.negated else "scope", parts)
    elif frame.pred == "accept" and not frame.negated and frame.places and frame.flags & {"all", "generic"}:
        _scope(reading, "scope-out", parts, 0.85)
    else:
        raise NotUnderstood("")


def _exception(reading: Reading, frame: Frame) -> None:
    """What an exception or a condition adds to the frame before it."""
    last = reading.last
    if last is None or "hasbeen" in frame.flags:
        raise NotUnderstood("")
    if "if" in frame.flags:
        _condition(reading, frame, last)
        return
    places = frame.places or frame.parts
    if last.flags & {"all", "nothing", "generic"} and not last.names and not reading.facts:
        _all_but(reading, frame, last, places)
    elif last.names and last.pred in (*ACCEPTS, "") and not frame.names:
        _but_for(reading, frame, last, places)
    else:
        raise NotUnderstood("")
    reading.places = places or reading.places
    reading.last = _exceptional(frame, last)


def _exceptional(frame: Frame, last: Frame) -> Frame:
    """What later frames go on from: the exception's place, under the predicate of what it is from."""
    return replace(last, places=frame.places or frame.parts, limit=None)


def _all_but(reading: Reading, frame: Frame, last: Frame, places: Sequence[Name]) -> None:
    """Everything but these: of parts, or of types."""
    if frame.any_size or (frame.pred and frame.pred != last.pred):
        raise NotUnderstood("")
    inspects = last.pred in ("inspect", "limitto", "report", "lookfor")
    counts = inspects != last.negated if inspects else last.pred == "reject" and not last.negated
    excuses = (last.pred in ("ignore", "accept")) != last.negated
    if inspects and not reading.vocabulary.parts and not any(name.known for name in frame.names):
        places, frame.names = frame.names or places, ()
    if frame.names and not places:
        if (inspects and last.negated) or (last.pred == "ignore" and not last.negated):
            if frame.limit is not None:
                raise NotUnderstood("")
            frame.only = "names"
            _only(reading, frame)
        elif (last.pred in ("reject", "report", "accept") and not excuses) or (
            last.pred == "accept" and last.negated
        ):
            limit = None if frame.limit is None else frame.limit.mm
            if frame.limit is not None and frame.limit.side == ABOVE:
                raise NotUnderstood("")
            reading.facts += [_accepted(name, None, limit, PLAIN) for name in frame.names]
        else:
            raise NotUnderstood("")
    elif places and not frame.names and frame.limit is None and not frame.none:
        if last.pred in ("inspect", "limitto", "report", "ignore"):
            _scope(reading, "scope-out" if counts else "scope", places)
        else:
            raise NotUnderstood("")
    else:
        raise NotUnderstood("")


def _but_for(reading: Reading, frame: Frame, last: Frame, places: Sequence[Name]) -> None:
    """An exception from what was said of types: another part, or another limit."""
    accepted = _limit_so_far(reading, last)
    if not places and frame.limit is not None:
        _bounded(reading, frame.limit, last, accepted)
        return
    if not places or frame.outside:
        raise NotUnderstood("")
    limit = _exceptional_limit(frame, accepted)
    for name in last.names:
        reading.facts += [_accepted(name, place, limit, 0.95) for place in places]


def _exceptional_limit(frame: Frame, accepted: float | None) -> float | None:
    """The limit on the excepted part: what is said there, else the opposite of what holds in general."""
    if frame.none:
        return 0.0
    if frame.limit is not None:
        if frame.limit.side == ABOVE and accepted != 0.0:
            raise NotUnderstood("")
        return frame.limit.mm
    if frame.any_size:
        return None
    return None if accepted == 0.0 else 0.0


def _bounded(reading: Reading, limit: Limit, last: Frame, accepted: float | None) -> None:
    """ "Accept stains unless they exceed 2 mm", "reject dents unless they are under 1 mm"."""
    fits = limit.side == ABOVE if accepted is None else accepted == 0.0 and limit.side != ABOVE
    if not fits:
        raise NotUnderstood("")
    _with_limit(reading, last, limit.mm)


def _with_limit(reading: Reading, last: Frame, mm: float, unlimited: bool = False) -> None:
    """Give what was said of the same types a limit; `unlimited`: only where it has none."""
    names = {name.text for name in last.names}
    open_to = ("ignore",) if unlimited else ("tolerance", "ignore")
    if not any(fact.kind in open_to and fact.defect in names for fact in reading.facts):
        raise NotUnderstood("")
    reading.facts = [
        replace(fact, kind="tolerance", limit=mm) if fact.kind in open_to and fact.defect in names else fact
        for fact in reading.facts
    ]


def _limit_so_far(reading: Reading, last: Frame) -> float | None:
    names = {name.text for name in last.names}
    found = [fact for fact in reading.facts if fact.defect in names and fact.kind in ("tolerance", "ignore")]
    if not found:
        raise NotUnderstood("")
    return found[-1].limit


def _condition(reading: Reading, frame: Frame, last: Frame) -> None:
    """ "Accept stains if they are under 2 mm": a limit or a place; no other condition can be held to."""
    only_limit = frame.limit is not None and not (
        frame.names or frame.parts or frame.places or frame.pred or frame.none
    )
    if not only_limit or frame.limit is None or not last.names or last.limit is not None:
        raise NotUnderstood("")
    accepted = _limit_so_far(reading, last)
    side_above = frame.limit.side == ABOVE
    if frame.negated:
        side_above = not side_above
    if (
        (accepted is None and side_above)
        or (accepted == 0.0 and not side_above)
        or (accepted not in (None, 0.0))
    ):
        raise NotUnderstood("")
    _with_limit(reading, last, frame.limit.mm)
