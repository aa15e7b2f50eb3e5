"""What a text says of findings, compared with the findings: head, place, part, size, severity and number together.

In: descriptions (`claims.FindingsClaim`). Out: checks. A description is supported where as many findings as it speaks
of are all that it says, each all of it; where none is, it is held against the one that is most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from specsight.explain.attributes import (
    Answer,
    all_of,
    any_of,
    has_attribute,
    in_evidence,
    map_rises,
    masses,
    named,
    outcome_of,
)
from specsight.explain.claims import Attribute, FindingsClaim
from specsight.explain.report import Report, ReportedFinding
from specsight.explain.terms import Terms
from specsight.records import Check, Slot

SLOTS: dict[str, Slot] = {"place": "cell", "part": "part", "size": "size", "severity": "severity"}


class SlotComparison(NamedTuple):
    """What a description says of one slot, against one finding."""

    slot: Slot
    said: str
    answer: Answer
    evidence: str
    """What the finding is."""


class Matcher:
    """The findings of a report, to compare descriptions with."""

    def __init__(self, report: Report, terms: Terms) -> None:
        self.report, self.terms = report, terms
        self.mentioned: set[int] = set()

    def checks(self, group: FindingsClaim) -> Iterator[Check]:
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
        compared = {one.number: self._compared(group, one, several) for one in pool}
        matching = [one for one in pool if all(slot.answer is True for slot in compared[one.number])]
        best = self._best(matching, compared, pool)
        for slot, said, answer, evidence in compared[best.number]:
            yield Check(slot, said, outcome_of(answer), evidence, best.number)
        if several:
            yield from self._each_said(group, matching)
        yield from self._number(group, matching, pool)
        self.mentioned |= {one.number for one in (matching if several else [best])}

    def distinct(self, groups: Sequence[FindingsClaim]) -> Iterator[Check]:
        """Whether the descriptions of one sentence that are not said of the same finding can all be of others."""
        by_sentence: dict[int, list[FindingsClaim]] = {}
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

    def _fits(self, group: FindingsClaim, finding: ReportedFinding) -> bool:
        return all(slot.answer is True for slot in self._compared(group, finding, several=False))

    def _pool(self, group: FindingsClaim) -> Sequence[ReportedFinding]:
        """The findings that a description may be of: numbers are those of findings that count, if nothing else is
        said."""
        counted = group.count is not None or group.only or group.every
        if group.of_all or group.excused is not None or not counted:
            return self.report.findings
        return self.report.counted

    def _compared(
        self, group: FindingsClaim, finding: ReportedFinding, several: bool
    ) -> list[SlotComparison]:
        """All that a description says, against one finding; `several`: it describes more than this one."""
        found: list[SlotComparison] = []
        types = [head for head in group.heads if head.kind == "type"]
        if types:
            said = " or ".join(head.said for head in types)
            found.append(SlotComparison("type", said, self._type(group, finding), named(finding)))
        by_kind: dict[str, list[Attribute]] = {}
        for attribute in group.attributes:
            by_kind.setdefault(attribute.mention.kind, []).append(attribute)
        for kind, attributes in by_kind.items():
            said = ", ".join(one.mention.said for one in attributes)
            # Of several findings, each of several values may be one's own.
            together = any_of if several and len(attributes) > 1 else all_of
            answer = together([has_attribute(one, finding, self.terms) for one in attributes])
            found.append(SlotComparison(SLOTS[kind], said, answer, in_evidence(kind, finding)))
            if kind == "place" and finding.cells is not None:
                rises = together([map_rises(one, finding) for one in attributes])
                found.append(SlotComparison("map", said, rises, masses(finding)))
        if group.excused is not None:
            counts = finding.counted and self.report.verdict != "accept"
            evidence = "counts" if counts else "observed"
            found.append(SlotComparison("status", group.said, counts is not group.excused, evidence))
        return found

    def _type(self, group: FindingsClaim, finding: ReportedFinding) -> Answer:
        names = [str(head.value) for head in group.heads if head.kind == "type"]
        if finding.type is None:
            return None
        known = (finding.type, *finding.also) if group.any_of or group.hedged else (finding.type,)
        right = all(any(self.terms.same_type(name, one) for one in known) for name in names)
        if not right and any(self.terms.same_type(name, one) for name in names for one in finding.also):
            return None
        return right

    def _best(
        self,
        matching: Sequence[ReportedFinding],
        compared: Mapping[int, Sequence[SlotComparison]],
        pool: Sequence[ReportedFinding],
    ) -> ReportedFinding:
        """The first finding that matches and was not spoken of; where none matches, the one that is most of what is
        said, its type first."""
        if matching:
            return next((one for one in matching if one.number not in self.mentioned), matching[0])

        def likeness(one: ReportedFinding) -> tuple[bool, int, int]:
            right = [slot.slot for slot in compared[one.number] if slot.answer is True]
            return "type" in right, len(right), -one.number

        return max(pool, key=likeness)

    def _each_said(self, group: FindingsClaim, matching: Sequence[ReportedFinding]) -> Iterator[Check]:
        """Of several findings, each of several values must be one's."""
        kinds = [one.mention.kind for one in group.attributes]
        for attribute in group.attributes:
            if kinds.count(attribute.mention.kind) > 1:
                one_has = any(has_attribute(attribute, one, self.terms) is True for one in matching)
                yield Check(
                    SLOTS[attribute.mention.kind],
                    attribute.mention.said,
                    outcome_of(one_has),
                    "of one of them",
                )

    def _number(
        self, group: FindingsClaim, matching: Sequence[ReportedFinding], pool: Sequence[ReportedFinding]
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

    def _absent(self, group: FindingsClaim) -> Check:
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
            return Check(slot, group.said, "contradicted", named(findings[answers.index(True)]))
        places = [one.mention.value for one in group.attributes if one.mention.kind == "place"]
        generic = all(head.kind == "generic" for head in group.heads)
        if generic and any(self.report.held.get(place) for place in places):
            return Check("map", group.said, "contradicted", "the map rises above its threshold there")
        return Check(
            slot, group.said, "unsupported" if None in answers else "supported", f"{len(findings)} findings"
        )

    def _may_be(self, group: FindingsClaim, finding: ReportedFinding) -> Answer:
        """Whether a finding is what is described, its other possible types counted as unknown."""
        compared = self._compared(group, finding, several=False)
        return all_of([one.answer for one in compared if one.slot != "map"])


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
