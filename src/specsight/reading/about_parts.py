"""Frames about parts, and about all the rest → scope.

In: a frame, and what was said before it. Out: facts that are added to the reading.
"""

from __future__ import annotations

from dataclasses import replace

from specsight.reading.facts import (
    ACCEPTS,
    FOCUSED,
    PLAIN,
    Reading,
    fact_of,
    limit_so_far,
    make_scope,
    put_only,
    put_scope,
)
from specsight.reading.frames import Frame
from specsight.reading.items import NotUnderstood


def inspection(reading: Reading, frame: Frame) -> None:
    """What is to be inspected: parts, or "only for cracks"."""
    parts = frame.parts or frame.places
    if frame.names and not parts and not any(name.known for name in frame.names):
        if reading.vocabulary.parts:
            raise NotUnderstood(f"'{frame.names[0].text}' is no part of the product")
        parts, frame.names, frame.parts = frame.names, (), frame.names
    if frame.names and frame.only == "names" and not parts and not frame.negated:
        put_only(reading, frame)
        return
    if (
        frame.names
        or frame.limit is not None
        or (frame.any_size and not frame.negated)
        or "hasbeen" in frame.flags
    ):
        raise NotUnderstood("")
    if "rest" in frame.flags:
        leave_out_rest(reading, frame)
        return
    if frame.outside and not parts:
        if not frame.negated:
            raise NotUnderstood("")
        put_scope(reading, "scope", frame.outside)
        return
    if not parts:
        if "all" in frame.flags or "nothing" in frame.flags:
            return
        if frame.only == "alone" and reading.inspected:
            make_scope(reading)
            return
        raise NotUnderstood("")
    if frame.negated:
        if frame.only and frame.only != "alone":
            raise NotUnderstood("")
        put_scope(reading, "scope-out", parts)
    elif frame.only or frame.pred == "limitto":
        put_scope(reading, "scope", parts, PLAIN if frame.only or frame.pred != "limitto" else FOCUSED)
    else:
        reading.inspected += parts


def of_parts(reading: Reading, frame: Frame) -> None:
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
        put_scope(reading, "scope", frame.outside)
        return
    if not parts:
        if frame.flags & {"all", "nothing", "generic"} and frame.pred in ACCEPTS and not frame.any_size:
            return
        raise NotUnderstood("")
    if not frame.pred:
        if frame.only and not frame.negated and frame.parts:
            put_scope(reading, "scope", parts)
            return
        raise NotUnderstood("")
    if frame.pred == "ignore" and not frame.negated and generic:
        put_scope(reading, "scope-out", parts)
    elif frame.pred == "report" and generic and (frame.negated or frame.only):
        if frame.negated and frame.only:
            raise NotUnderstood("")
        put_scope(reading, "scope-out" if frame.negated else "scope", parts)
    elif frame.pred == "accept" and not frame.negated and frame.places and frame.flags & {"all", "generic"}:
        put_scope(reading, "scope-out", parts, 0.85)
    else:
        raise NotUnderstood("")


def leave_out_rest(reading: Reading, frame: Frame) -> None:
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
    make_alone(reading)


def make_alone(reading: Reading) -> None:
    """What was named alone counts: "look for cracks and nothing else"."""
    if reading.inspected:
        make_scope(reading)
        return
    last = reading.last
    if any(fact.kind in ("scope", "only") for fact in reading.facts):
        return
    if last is not None and last.names and last.places and limit_so_far(reading, last) != 0.0:
        # "Accept rust on the web but nowhere else."
        reading.facts += [fact_of(name, None, 0.0, PLAIN) for name in last.names]
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
