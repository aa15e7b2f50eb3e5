"""Exceptions and conditions → facts: "except on the rim, where 1 mm is allowed", "unless longer than 2 mm".

In: the frame of an exception, and what it is an exception from. Out: facts that are added to the reading, or changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specsight.reading.facts import (
    ACCEPTS,
    PLAIN,
    Reading,
    fact_of,
    limit_so_far,
    put_only,
    put_scope,
    with_limit,
)
from specsight.reading.frames import Frame
from specsight.reading.items import Name, NotUnderstood
from specsight.reading.limits import ABOVE, Limit


def except_from(reading: Reading, frame: Frame) -> None:
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
    strange = next((name.text for name in frame.names if not name.known), "")
    if last.pred in ("inspect", "limitto") and strange and not places:
        raise NotUnderstood(f"'{strange}' is no part of the product")
    if frame.names and not places:
        if (inspects and last.negated) or (last.pred == "ignore" and not last.negated):
            if frame.limit is not None:
                raise NotUnderstood("")
            frame.only = "names"
            put_only(reading, frame)
        elif (last.pred in ("reject", "report", "accept") and not excuses) or (
            last.pred == "accept" and last.negated
        ):
            limit = None if frame.limit is None else frame.limit.mm
            if frame.limit is not None and frame.limit.side == ABOVE:
                raise NotUnderstood("")
            reading.facts += [fact_of(name, None, limit, PLAIN) for name in frame.names]
        else:
            raise NotUnderstood("")
    elif places and not frame.names and frame.limit is None and not frame.none:
        if last.pred in ("inspect", "limitto", "report", "ignore"):
            put_scope(reading, "scope-out" if counts else "scope", places)
        else:
            raise NotUnderstood("")
    else:
        raise NotUnderstood("")


def _but_for(reading: Reading, frame: Frame, last: Frame, places: Sequence[Name]) -> None:
    """An exception from what was said of types: another part, or another limit."""
    accepted = limit_so_far(reading, last)
    if not places and frame.limit is not None:
        _bounded(reading, frame.limit, last, accepted)
        return
    if not places or frame.outside:
        raise NotUnderstood("")
    limit = _exceptional_limit(frame, accepted)
    for name in last.names:
        reading.facts += [fact_of(name, place, limit, 0.95) for place in places]


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
    with_limit(reading, last, limit.mm)


def _condition(reading: Reading, frame: Frame, last: Frame) -> None:
    """ "Accept stains if they are under 2 mm": a limit or a place; no other condition can be held to."""
    only_limit = frame.limit is not None and not (
        frame.names or frame.parts or frame.places or frame.pred or frame.none
    )
    if not only_limit or frame.limit is None or not last.names or last.limit is not None:
        raise NotUnderstood("")
    accepted = limit_so_far(reading, last)
    side_above = frame.limit.side == ABOVE
    if frame.negated:
        side_above = not side_above
    if (
        (accepted is None and side_above)
        or (accepted == 0.0 and not side_above)
        or (accepted not in (None, 0.0))
    ):
        raise NotUnderstood("")
    with_limit(reading, last, frame.limit.mm)
