"""What a text says of findings, compared with the findings: head, place, part, size, severity and number together.

In: descriptions (`claims.Described`). Out: checks. A description is supported where as many findings as it speaks of
are all that it says, each all of it; where none is, it is held against the one that is most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.explain.claims import Attribute, Described
from specsight.explain.mentions import Quantity, Terms
from specsight.explain.report import Report, ReportedFinding
from specsight.findings import WHOLE_PICTURE
from specsight.records import Check, Outcome, Slot
from specsight.specification.vocabulary import same_name

ABOUT = 0.1
"""Share by which "about" may be off."""
SHARE = 0.1
"""Share of a finding's mass above the threshold that makes a cell one of those that it lies in."""
SLOTS: dict[str, Slot] = {"place": "cell", "part": "part", "size": "size", "severity": "severity"}
EPSILON = 1e-9
Answer = bool | None
"""Whether the evidence says so; None: it says nothing about it."""


class Matcher:
    """The findings of a report, to compare descriptions with."""

    def __init__(self, report: Report, terms: Terms) -> None:
        self.report, self.terms = report, terms
        self.mentioned: set[int] = set()

    def checks(self, group: Described) -> Iterator[Check]:
        """The checks of one description, and what it says not to be there."""
        if group.negated:
            yield self._absent(group)
            return
        pool = self._pool(group)
        if not pool:
            slot: Slot = "type" if any(head.kind == "type" for head in group.heads) else "count"
            yield Check(slot, group.said, "contradicted", "no finding")
            return
        several = group.least > 1 or (group.count or 0) > 1
        answers = {one.number: self._answers(group, one, several) for one in pool}
        matching = [one for one in pool if all(one_ is True for _, _, one_, _ in answers[one.number])]
        best = self._best(matching, answers, pool)
        for slot, said, answer, evidence in answers[best.number]:
            yield Check(slot, said, outcome_of(answer), evidence, best.number)
        if several:
            yield from self._each_said(group, matching)
        yield from self._number(group, matching, pool)
        self.mentioned |= {one.number for one in (matching if several else [best])}

    def distinct(self, groups: Sequence[Described]) -> Iterator[Check]:
        """Whether the descriptions of one sentence that are not said of the same finding can all be of others."""
        by_sentence: dict[int, list[Described]] = {}
        for group in groups:
            single = (
                group.heads
                and group.least == 1
                and not (group.negated or group.definite)
                and group.listed is None
            )
            if single:
                by_sentence.setdefault(group.sentence, []).append(group)
        for several in by_sentence.values():
            if len(several) < 2:
                continue
            fits = [[one.number for one in self._pool(group) if self._fits(group, one)] for group in several]
            if all(fits) and not _pairing(fits):
                said = "; ".join(group.said for group in several)
                yield Check("count", said, "contradicted", f"{len(self.report.findings)} findings")

    def _fits(self, group: Described, finding: ReportedFinding) -> bool:
        return all(answer is True for _, _, answer, _ in self._answers(group, finding, False))

    def _pool(self, group: Described) -> Sequence[ReportedFinding]:
        """The findings that a description may be of: numbers are those of findings that count, if nothing else is
        said."""
        counted = group.count is not None or group.only or group.every
        if group.of_all or group.excused is not None or not counted:
            return self.report.findings
        return self.report.counted

    def _answers(
        self, group: Described, finding: ReportedFinding, several: bool
    ) -> list[tuple[Slot, str, Answer, str]]:
        """(slot, what is said, whether the finding is that, what the finding is)."""
        found: list[tuple[Slot, str, Answer, str]] = []
        types = [head for head in group.heads if head.kind == "type"]
        if types:
            found.append(
                (
                    "type",
                    " or ".join(head.said for head in types),
                    self._type(group, finding),
                    _named(finding),
                )
            )
        by_kind: dict[str, list[Attribute]] = {}
        for attribute in group.attributes:
            by_kind.setdefault(attribute.mention.kind, []).append(attribute)
        for kind, attributes in by_kind.items():
            said = ", ".join(one.mention.said for one in attributes)
            each = [self.attribute(one, finding) for one in attributes]
            # Of several findings, each of several values may be one's own.
            answer = _any(each) if several and len(each) > 1 else _all(each)
            found.append((SLOTS[kind], said, answer, _evidence(kind, finding)))
            if kind == "place" and finding.cells is not None:
                held = [_held(one, finding) for one in attributes]
                answer = _any(held) if several and len(held) > 1 else _all(held)
                found.append(("map", said, answer, _masses(finding)))
        if group.excused is not None:
            counts = finding.counted and self.report.verdict != "accept"
            found.append(
                ("status", group.said, counts is not group.excused, "counts" if counts else "observed")
            )
        return found

    def _type(self, group: Described, finding: ReportedFinding) -> Answer:
        names = [str(head.value) for head in group.heads if head.kind == "type"]
        if finding.type is None:
            return None
        known = (finding.type, *finding.also) if group.any_of or group.hedged else (finding.type,)
        right = all(any(self.terms.same_type(name, one) for one in known) for name in names)
        if not right and any(self.terms.same_type(name, one) for name in names for one in finding.also):
            return None
        return right

    def attribute(self, attribute: Attribute, finding: ReportedFinding) -> Answer:
        """Whether a finding has an attribute."""
        kind, value = attribute.mention.kind, attribute.mention.value
        answer: Answer
        if kind == "place":
            answer = _lies(value, finding)
        elif kind == "part":
            answer = None if finding.part is None else self.terms.parts.same(value, finding.part)
        elif kind == "severity":
            answer = None if finding.severity is None else same_name(value, finding.severity)
        else:
            answer = _measures(attribute, finding)
        return (not answer) if attribute.negated and answer is not None else answer

    def _best(
        self,
        matching: Sequence[ReportedFinding],
        answers: dict[int, list[tuple[Slot, str, Answer, str]]],
        pool: Sequence[ReportedFinding],
    ) -> ReportedFinding:
        fresh = [one for one in matching if one.number not in self.mentioned]
        if matching:
            return (fresh or matching)[0]

        def right(one: ReportedFinding) -> tuple[int, int]:
            slots = answers[one.number]
            return sum(a is True for _, _, a, _ in slots if a is True), sum(
                s == "type" and a is True for s, _, a, _ in slots
            )

        return max(pool, key=lambda one: (right(one)[1], right(one)[0], -one.number))

    def _each_said(self, group: Described, matching: Sequence[ReportedFinding]) -> Iterator[Check]:
        """Of several findings, each of several values must be one's."""
        kinds = [one.mention.kind for one in group.attributes]
        for attribute in group.attributes:
            if kinds.count(attribute.mention.kind) > 1:
                one_has = any(self.attribute(attribute, one) is True for one in matching)
                yield Check(
                    SLOTS[attribute.mention.kind],
                    attribute.mention.said,
                    outcome_of(one_has),
                    "of one of them",
                )

    def _number(
        self, group: Described, matching: Sequence[ReportedFinding], pool: Sequence[ReportedFinding]
    ) -> Iterator[Check]:
        count = len(matching)
        if group.count is not None:
            yield Check("count", group.said, outcome_of(count == group.count), str(count))
        elif group.least > 1:
            yield Check("count", group.said, outcome_of(count >= group.least), str(count))
        if group.listed:
            listed = group.count if group.count is not None else group.least
            yield Check("count", f"{group.listed} listed", outcome_of(group.listed == listed), str(listed))
        if group.every:
            yield Check(
                "count", f"every {group.said}", outcome_of(count == len(pool)), f"{count} of {len(pool)}"
            )
        if group.only:
            among = [one for one in pool if not group.only_of_type or self._type(group, one) is not False]
            alone = count == len(among) and (group.least > 1 or count == 1)
            yield Check("count", f"only {group.said}", outcome_of(alone), f"{count} of {len(among)}")
        if group.other:
            fresh = len([one for one in matching if one.number not in self.mentioned])
            # The first one that a text speaks of is another one only where there are two.
            more = fresh if self.mentioned else fresh - 1
            yield Check("count", f"another {group.said}", outcome_of(more >= group.least), f"{more} more")

    def _absent(self, group: Described) -> Check:
        """That no finding is what is described; and, of places, that the map does not rise there either."""
        slot: Slot = "type" if any(head.kind == "type" for head in group.heads) else "count"
        findings = self.report.findings
        if group.other:
            rest = [
                one
                for one in findings
                if one.number not in self.mentioned and self._may_be(group, one) is not False
            ]
            return Check("count", f"no other {group.said}", outcome_of(not rest), f"{len(rest)} more")
        answers = [self._may_be(group, one) for one in findings]
        bare = not group.attributes and all(head.kind == "generic" for head in group.heads)
        if bare and (findings or self.report.verdict == "reject"):
            return Check(
                "polarity", group.said, "contradicted", f"{self.report.verdict}, {len(findings)} findings"
            )
        if True in answers:
            return Check(slot, group.said, "contradicted", _named(findings[answers.index(True)]))
        places = [one.mention.value for one in group.attributes if one.mention.kind == "place"]
        generic = all(head.kind == "generic" for head in group.heads)
        if generic and any(self.report.held.get(place) for place in places):
            return Check("map", group.said, "contradicted", "the map rises above its threshold there")
        return Check(
            slot, group.said, "unsupported" if None in answers else "supported", f"{len(findings)} findings"
        )

    def _may_be(self, group: Described, finding: ReportedFinding) -> Answer:
        """Whether a finding is what is described, its other possible types counted as unknown."""
        answers = [answer for slot, _, answer, _ in self._answers(group, finding, False) if slot != "map"]
        return _all(answers)


def _lies(place: str, finding: ReportedFinding) -> bool:
    return place == finding.place or (finding.cells or {}).get(place, 0.0) >= SHARE


def _held(attribute: Attribute, finding: ReportedFinding) -> bool:
    """Whether the map rises above its threshold where a finding is said to lie, inside the finding's box."""
    place = attribute.mention.value
    return place == WHOLE_PICTURE or ((finding.cells or {}).get(place, 0.0) > 0) is not attribute.negated


def _measures(attribute: Attribute, finding: ReportedFinding) -> Answer:
    stated: Quantity = attribute.mention.value
    values = {
        "mm": finding.length_mm,
        "px": finding.length_px,
        "mm2": finding.area_mm2,
        "px2": float(finding.area_px),
    }
    unit = stated.unit if stated.unit.endswith("2") or not attribute.area else f"{stated.unit}2"
    value = values[unit]
    if value is None:
        return None
    if attribute.bound in ("at least", "more than"):
        return value >= stated.value - EPSILON
    if attribute.bound == "at most":
        return value <= stated.value + EPSILON
    slack = ABOUT * value if attribute.bound == "about" else 0.0
    return abs(value - stated.value) <= max(stated.half * (1 + 1e-6), slack) + EPSILON


def _named(finding: ReportedFinding) -> str:
    also = f" (or {' or '.join(finding.also)})" if finding.also else ""
    return f"{finding.type or 'a finding without a type'}{also}"


def _evidence(kind: str, finding: ReportedFinding) -> str:
    if kind == "place":
        return finding.place
    if kind == "part":
        return finding.part or "no part is known"
    if kind == "severity":
        return finding.severity or "no severity is known"
    length = f"{finding.length_px:.1f} px"
    return length if finding.length_mm is None else f"{finding.length_mm:.2f} mm, {length}"


def _masses(finding: ReportedFinding) -> str:
    shares = sorted((finding.cells or {}).items(), key=lambda one: -one[1])[:3]
    told = ", ".join(f"{share:.0%} of its mass {name}" for name, share in shares)
    return told or "the map does not rise above its threshold"


def _all(answers: Sequence[Answer]) -> Answer:
    return False if False in answers else None if None in answers else True


def _any(answers: Sequence[Answer]) -> Answer:
    return True if True in answers else None if None in answers else False


def outcome_of(answer: Answer) -> Outcome:
    """What becomes of a claim."""
    return "unsupported" if answer is None else "supported" if answer else "contradicted"


def _pairing(fits: Sequence[Sequence[int]]) -> bool:
    """Whether every description can have a finding of its own (augmenting paths)."""
    owner: dict[int, int] = {}

    def place(group: int, seen: set[int]) -> bool:
        for number in fits[group]:
            if number in seen:
                continue
            seen.add(number)
            if number not in owner or place(owner[number], seen):
                owner[number] = group
                return True
        return False

    return all(place(group, set()) for group in range(len(fits)))
