"""Items → frames: one predicate with what it is said of, its limit, its negation and its exceptions.

In: the items of one reading. Out: `Frame`s in the order of the sentence; a segment without a predicate of its own takes
that of its neighbour ("stains up to 2 mm and dents up to 1 mm are acceptable").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from specsight.reading.items import Item, Name, NotUnderstood
from specsight.reading.limits import Limit

STRONG = frozenset(
    {"accept", "reject", "ignore", "inspect", "report", "lookfor", "known", "limit", "limitto", "occur"}
)


@dataclass
class Frame:
    """What one segment of a sentence says."""

    pred: str = ""
    negated: bool = False
    only: str = ""
    """What "only" stands next to: names, parts, place, limit, or "alone" where it stands by itself."""
    names: tuple[Name, ...] = ()
    parts: tuple[Name, ...] = ()
    places: tuple[Name, ...] = ()
    outside: tuple[Name, ...] = ()
    limit: Limit | None = None
    any_size: bool = False
    none: bool = False
    flags: set[str] = field(default_factory=set)
    """Kinds of other items that occur: all, rest, else, there, generic, must, may, except, but, if, nothing, same."""
    postposed: bool = False
    """Whether the predicate stands behind what it is said of."""
    order: tuple[str, ...] = ()
    """Kinds of the items from left to right."""
    first: bool = False
    """Whether a joint "or" leads to it."""

    @property
    def empty(self) -> bool:
        """Whether it says nothing at all."""
        return not (self.order or self.flags)

    @property
    def subjectless(self) -> bool:
        """Whether it names nothing that something could be said of."""
        return not (
            self.names
            or self.parts
            or self.places
            or self.outside
            or self.flags & {"all", "rest", "generic", "nothing"}
        )


def frames_of(items: Sequence[Item]) -> list[Frame]:
    """The frames of a reading. Raises NotUnderstood where an item has no place in any."""
    frames = [frame for frame in map(_frame, _segments(_prepared(items))) if not frame.empty]
    if any(item.kind == "colon" for item in items):
        _keyed(frames, items)
    listed = [item for item in items if item.kind == "names" and item.value == "commas"]
    if listed and sum(frame.limit is not None for frame in frames) > 1:
        raise NotUnderstood("of a list it cannot be told which of its types the limits belong to")
    return _with_predicates(frames)


def _prepared(items: Sequence[Item]) -> list[Item]:
    """The items with "rim: no chips" as "on the rim, no chips", and "stains, if under 2 mm, pass" without commas."""
    found = [
        item
        for k, item in enumerate(items)
        if not (item.kind == "be" and k and items[k - 1].kind == "anysize")
    ]
    if [item.kind for item in found[:2]] == ["parts", "colon"] and any(
        item.kind == "names" for item in found
    ):
        found[:2] = [replace(found[0], kind="place"), replace(found[1], kind="conj", text=",")]
    k = 0
    while k < len(found):
        end = k + 2
        while end < len(found) and found[end].kind in ("be", "must", "may"):
            end += 1
        inserted = found[k].kind == "conj" and k + 1 < len(found) and found[k + 1].kind == "if"
        closed = [item.kind for item in found[end : end + 2]] == ["limit", "conj"]
        if inserted and closed and end + 2 < len(found) and found[end + 2].kind in ("be", "must", "may"):
            found[k : end + 2] = [found[end]]
        k += 1
    return found


def _keyed(frames: Sequence[Frame], items: Sequence[Item]) -> None:
    """A key and its values: "scratches: head 2 mm, neck none", "scope: head"."""
    head = [item.kind for item in items[: [item.kind for item in items].index("colon")]]
    if "place" in head and "names" not in head:
        for frame in frames[1:]:
            frame.places = frame.places or (frames[0].places if not (frame.parts or frame.outside) else ())
    for frame in frames:
        frame.flags.add("verbless")
        if frame.any_size and not frame.pred:
            frame.pred = "accept"
        if (frame.limit is not None or frame.none or frame.any_size) and frame.parts and not frame.places:
            frame.places, frame.parts = frame.parts, ()
    if frames and frames[0].pred == "inspect" and items[0].kind == "pred" and items[1].kind == "colon":
        frames[0].only = frames[0].only or "parts"


def _segments(items: Sequence[Item]) -> list[list[Item]]:
    """Pieces between joints; an exception and a relative "where" begin pieces of their own."""
    segments: list[list[Item]] = [[]]
    for k, item in enumerate(items):
        after_all = k > 0 and items[k - 1].kind in ("all", "nothing", "generic", "none")
        beside = {items[j].kind for j in (k - 1, k + 1) if 0 <= j < len(items)}
        if item.kind == "conj" and "anysize" in beside:
            continue
        if item.kind == "conj":
            segments.append([])
            if item.text == "nor":
                segments[-1].append(replace(item, kind="nor"))
            if item.text == "or":
                segments[-1].append(replace(item, kind="or"))
        elif item.kind == "but":
            segments.append([replace(item, kind="except" if after_all else "but")])
        elif item.kind == "except":
            segments.append([item])
        elif item.kind == "where" or (item.kind == "if" and item.text == "where" and k > 0):
            there = Item("there", item.start, item.end)
            last = next((segment for segment in reversed(segments) if segment), [])
            if last and last[0].kind == "except":
                segments = [segment for segment in segments if segment]
            else:
                segments.append([there])
        elif item.kind == "if" and k > 0:
            segments.append([item])
        elif item.kind == "colon":
            continue
        else:
            segments[-1].append(item)
    return [segment for segment in segments if segment]


IGNORED = frozenset({"be", "have", "product", "naming", "following", "present"})
FLAGS = frozenset(
    {
        "unlimited",
        "nor",
        "observed",
        "all",
        "rest",
        "else",
        "there",
        "generic",
        "must",
        "may",
        "except",
        "but",
        "if",
        "nothing",
        "same",
        "or",
        "free",
        "hasbeen",
        "without",
        "no",
    }
)


def _frame(segment: Sequence[Item]) -> Frame:
    frame = Frame(order=tuple(item.kind for item in segment))
    focus_pending = False
    for k, item in enumerate(segment):
        kind = item.kind
        if kind == "pred":
            _add_predicate(frame, item)
        elif kind == "not":
            frame.negated = not frame.negated
        elif kind in ("names", "parts", "place", "outside"):
            if focus_pending and frame.only != "place":
                frame.only, focus_pending = kind, False
            _add_names(frame, item)
        elif kind == "limit":
            if frame.limit is not None:
                raise NotUnderstood("")
            if focus_pending:
                frame.only, focus_pending = "limit", False
            frame.limit = item.limit
        elif kind == "anysize":
            frame.any_size = True
        elif kind == "none":
            frame.none = True
        elif kind == "onlyone":
            before = segment[k - 1].kind if k else ""
            frame.only = before if before in ("names", "parts", "place", "limit") else "alone"
            focus_pending = frame.only == "alone" or k + 1 < len(segment)
        elif kind in FLAGS:
            if kind in ("nothing", "no", "without"):
                frame.negated = not frame.negated
            if kind == "all" and focus_pending:
                frame.only = "alone"
            if kind == "generic" and focus_pending:
                frame.only, focus_pending = "generic", False
            frame.flags.add(kind)
        elif kind == "ensure":
            frame.flags.add("must")
        elif kind == "asdefect":
            frame.pred = "reject" if frame.pred in ("", "report", "accept") else frame.pred
            frame.flags.add("noun")
        elif kind == "lacking":
            raise NotUnderstood(f"the product has no part '{item.text}'")
        elif kind not in IGNORED and not (kind == "num" and item.text == "both"):
            raise NotUnderstood("")
    return frame


NOUNS = frozenset(
    {"defect", "defects", "flaw", "flaws", "fault", "faults", "anomaly", "anomalies", "imperfection"}
)
"""Predicates that name what something is: "plucking is a defect" teaches it."""


def _add_predicate(frame: Frame, item: Item) -> None:
    """Take a predicate; two of them fit into one segment only where one says no more than the other."""
    if item.kind == "pred" and item.value == "reject" and item.text in NOUNS:
        frame.flags.add("noun")
    if item.value == "require" and frame.negated and frame.pred == "inspect":
        return
    if item.value not in STRONG and item.value != "present":
        raise NotUnderstood("")
    before, new = frame.pred, item.value
    if before == new == "inspect" and frame.negated and frame.parts and not frame.postposed:
        # "Inspect the tread, the bead is not inspected": not both of them are said to be left out.
        raise NotUnderstood("")
    if not before or before == "present":
        frame.pred = new
    elif new == "limit" or before == "limit":
        frame.flags.add("limit")
        frame.pred = before if new == "limit" else new
    elif {before, new} == {"known", "lookfor"}:
        frame.pred = "known"
    elif {before, new} == {"inspect", "limitto"}:
        frame.pred = "limitto"
    elif not (new == "present" or (before == new and new in ("inspect", "accept", "known"))):
        raise NotUnderstood("")
    subjects = frame.flags & {"generic", "all", "nothing", "rest"}
    frame.postposed = bool(frame.names or frame.parts or frame.places or subjects)


def _add_names(frame: Frame, item: Item) -> None:
    if item.kind == "names":
        frame.names += item.names
    elif item.kind == "parts":
        frame.parts += item.names
    elif item.kind == "place":
        frame.places += item.names
    else:
        frame.outside += item.names


def _with_predicates(frames: list[Frame]) -> list[Frame]:
    """Every frame with a predicate: its own, else that of the frame before or, where that one's stands last, behind."""
    for frame in frames:
        if not frame.pred and frame.flags & {"observed", "unlimited"}:
            frame.pred = "occur" if "observed" in frame.flags else "accept"
    for k, frame in enumerate(frames):
        if frame.pred or "except" in frame.flags or "if" in frame.flags:
            continue
        before = next(
            (other for other in reversed(frames[:k]) if other.pred and "except" not in other.flags), None
        )
        behind = next((other for other in frames[k + 1 :] if other.pred), None)
        if before is None and behind is None:
            if k and frames[k - 1].limit is not None and frame.limit is not None:
                frame.flags.add("verbless")
            continue
        if "no" in frame.flags or frame.none:
            continue
        if before is None or (
            before.postposed and behind is not None and behind.postposed and not frame.negated
        ):
            follows = behind is not None and behind.subjectless and "be" in behind.order
            if behind is None or not (behind.postposed or follows) or "no" in behind.flags:
                continue
            frame.pred = behind.pred
            frame.negated ^= behind.negated
            frame.flags |= {"shared"}
        else:
            frame.pred = before.pred
            frame.flags |= {"inherited"}
            if not frame.negated:
                # "Inspect the sidewall only, not the lettering": "only" belongs to what is inspected.
                frame.only = frame.only or ("" if before.only in ("limit", "place") else before.only)
            # "up to 2 mm but not on the band": the "not" turns what is inherited round, but for "stains are".
            own = "be" in frame.order or frame.flags & {"may", "must"}
            frame.negated ^= before.negated and not own and not before.flags & {"no", "nothing"}
            if "nor" in frame.flags:
                frame.negated = before.negated
    return frames
