"""Frames → facts: what a sentence demands, by the class of its predicate.

In: the frames of one reading. Out: `Fact`s, of which `grammar` makes clauses. A frame whose parts do not fit together
("stains over 2 mm are acceptable", "the tread is fine") raises `NotUnderstood`: its sentence is left unread.
"""

from __future__ import annotations

from collections.abc import Sequence

from specsight.reading.about_defects import knowledge, of_defects
from specsight.reading.about_parts import inspection, leave_out_rest, make_alone, of_parts
from specsight.reading.exceptions import except_from
from specsight.reading.facts import Fact, Reading, make_scope
from specsight.reading.frames import Frame
from specsight.reading.items import NotUnderstood
from specsight.reading.names import Names


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
            except_from(reading, frame)
        elif frame.order:
            _main(reading, frame)
        if reading.pending is not None and reading.last is not None:
            pending, reading.pending = reading.pending, None
            except_from(reading, pending)
    excluded = bool(reading.facts) and all(fact.kind == "scope-out" for fact in reading.facts)
    if reading.inspected and (reading.rest or excluded):
        # "Inspect the sidewall, not the lettering": both are meant.
        make_scope(reading)
    if reading.inspected:
        raise NotUnderstood("")
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
    if frame.pred and frame.subjectless and others and "if" in others[0].flags and others[0].names:
        # "It is fine if there are scratches on the grip."
        condition = others[0]
        if not condition.pred and not frame.limit:
            frame.names, frame.places, frame.limit = condition.names, condition.places, condition.limit
            condition.order, condition.flags = (), set()
            return
    counts = frame.only == "alone" or frame.pred in ("report", "reject")
    if others and "if" in others[0].flags and others[0].limit is not None and counts:
        # "Only a problem when longer than 1 mm": the limit is what is meant.
        frame.only = ""
    told = "if" in frame.flags and set(frame.order) <= {
        "if",
        "names",
        "limit",
        "be",
        "place",
        "parts",
        "have",
        "pred",
    }
    told = told and frame.pred in ("", "present")
    if told and frame.names and others and others[0].pred and others[0].subjectless:
        # "If a stain is smaller than 1 mm, ignore it."
        others[0].names, others[0].limit = frame.names, frame.limit
        others[0].places = frame.places or frame.parts
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
        make_alone(reading)
        return
    if frame.pred in ("inspect", "limitto"):
        inspection(reading, frame)
    elif frame.pred in ("lookfor", "known", "occur", "present"):
        knowledge(reading, frame)
    elif "rest" in frame.flags:
        leave_out_rest(reading, frame)
    elif frame.names:
        of_defects(reading, frame)
    else:
        of_parts(reading, frame)
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
