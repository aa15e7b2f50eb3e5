"""Frames about types of defect → tolerance, ignore, only, knowledge.

In: a frame, and what was said before it. Out: facts that are added to the reading.
"""

from __future__ import annotations

from specsight.reading.facts import (
    ACCEPTS,
    INHERITED,
    PLAIN,
    Fact,
    Reading,
    defect_like,
    fact_of,
    forget,
    put_only,
    type_of,
    with_limit,
)
from specsight.reading.frames import Frame
from specsight.reading.items import Name, NotUnderstood
from specsight.reading.lexicon import words_of
from specsight.reading.limits import ABOVE, Limit


def of_defects(reading: Reading, frame: Frame) -> None:
    """Tolerance, ignore, only: what is said of types of defect."""
    _free(frame)
    _of_subject(frame)
    has = reading.last is not None and ("have" in reading.last.order or "carried" in reading.last.flags)
    if has and "no" in frame.flags and not frame.places and not frame.parts:
        # "The flank may have nicks up to 0.3 mm but no pits": no pits on the flank.
        frame.places, frame.flags = reading.places, frame.flags | {"carried"}
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
        with_limit(reading, frame, _within(frame.limit, frame, _polarity(frame) > 0), unlimited=True)
        return
    bare = frame.limit is None and not (frame.negated or frame.any_size)
    noun = "noun" in frame.flags and not frame.only
    reported = frame.pred == "report" and not frame.only and all(defect_like(name) for name in frame.names)
    taught_by = noun or (reported and not frame.places and not any(name.within for name in frame.names))
    if taught_by and bare and not any(name.known for name in frame.names):
        # "Plucking is a defect", "a worm on the sidewall is a defect": a type that no specification has is taught.
        for name in frame.names:
            on = () if name.whole else frame.places
            reading.facts += [
                Fact("knowledge", place.text if place else None, name.whole or name.text, None, 0.85)
                for place in on or (None,)
            ]
        return
    limit = _limit_of(reading, frame)
    places = _places(frame)
    if "there" in frame.flags:
        forget(reading, frame.names, places)
    alone = frame.only not in ("", "place") and not frame.negated and frame.limit is None and not frame.none
    if alone and frame.pred in ("report", "reject", ""):
        put_only(reading, frame)
        return
    if frame.parts:
        if frame.pred != "ignore" or frame.limit is not None or frame.negated or places != (None,):
            raise NotUnderstood("")
        reading.facts += [Fact("scope-out", part.text, confidence=part.confidence) for part in frame.parts]
    sure = INHERITED if frame.flags & {"inherited", "shared"} else PLAIN
    for name in (type_of(reading, one, limit != 0.0) for one in frame.names):
        reading.facts += [fact_of(name, place, limit, sure) for place in places]
        if frame.outside:
            if limit == 0.0:
                raise NotUnderstood("")
            reading.facts += [fact_of(name, place, 0.0, sure) for place in frame.outside]
        elif frame.only == "place" and limit != 0.0 and places != (None,):
            reading.facts.append(fact_of(name, None, 0.0, sure))
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


def _polarity(frame: Frame) -> int:
    sign = ACCEPTS[frame.pred] if frame.pred else 1
    return -sign if frame.negated else sign


def knowledge(reading: Reading, frame: Frame) -> None:
    """Types that are looked for: one more, or (with "only") these alone; not looked for: ignored."""
    if frame.parts or frame.outside or frame.limit is not None or frame.any_size or not frame.names:
        raise NotUnderstood("")
    must_not = frame.negated and frame.pred in ("occur", "present")
    if must_not:
        if not frame.flags & {"must", "may", "no"}:
            raise NotUnderstood("")
        reading.facts += [
            fact_of(name, place, 0.0, PLAIN) for name in frame.names for place in frame.places or (None,)
        ]
        return
    if frame.negated:
        if frame.pred != "lookfor":
            raise NotUnderstood("")
        reading.facts += [
            fact_of(name, place, None, PLAIN) for name in frame.names for place in _places(frame)
        ]
        return
    if frame.pred in ("occur", "present") and not frame.flags & {"may", "observed"}:
        raise NotUnderstood("")
    if frame.pred == "present" and not any(name.known or defect_like(name) for name in frame.names):
        raise NotUnderstood("")
    if any(not name.known and set(name.text.split()) <= words_of("generic defect") for name in frame.names):
        raise NotUnderstood("")
    if frame.only:
        if frame.pred != "lookfor" or frame.places:
            raise NotUnderstood("")
        put_only(reading, frame)
        return
    for place in _places(frame):
        sure = 0.9 * (place.confidence if place else 1.0)
        part = place.text if place else None
        # "Flank tears" are called so wherever they are: the part belongs to the name.
        reading.facts += [
            Fact("knowledge", None if name.whole else part, name.whole or name.text, confidence=sure)
            for name in frame.names
        ]
