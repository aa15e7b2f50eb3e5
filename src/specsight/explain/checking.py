"""Any text against the evidence of a picture: which claims are supported, unsupported, contradicted.

In: a text and a `Report`. Out: one `Check` a claim and slot. A number is supported where it is the evidence's within
the rounding in which it is written; a cell where the finding lies or reaches and the map rises above its threshold;
words that were not understood are unsupported (methods.md B.8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specsight.errors import excerpt
from specsight.explain.attributes import outcome_of
from specsight.explain.claiming import claims_of
from specsight.explain.claims import (
    Attribute,
    Claim,
    CleanClaim,
    FeatureClaim,
    FindingsClaim,
    Mention,
    NoRegionClaim,
    NumberClaim,
    RepeatedClaim,
    RestClaim,
    Saying,
    ThresholdClaim,
    UnreadClaim,
    VerdictClaim,
)
from specsight.explain.matching import Matcher
from specsight.explain.mentions import mentions
from specsight.explain.report import Report
from specsight.explain.sentences import LISTED
from specsight.explain.slot_checks import checks_of_slots
from specsight.explain.slots import filled, parted_objects
from specsight.explain.terms import Terms
from specsight.records import Check, Outcome

LONGEST = 10_000
"""Characters of a text that are read; what is longer is no statement about one picture."""


class StatementChecker:
    """Checks any number of texts against the evidence of one picture.

    Parameters: `terms` are the names that may be used of the product.
    """

    def __init__(self, report: Report, terms: Terms) -> None:
        self._report, self._sayings = report, sayings_of(report)
        self._terms = terms.knowing(
            (one.feature for one in report.required),
            (name for one in report.findings for name in (one.type, *one.also) if name),
            (one.part for one in report.findings if one.part),
            (one.severity for one in report.findings if one.severity),
        )

    def check(self, text: str, extra: Sequence[Saying] = ()) -> tuple[Check, ...]:
        """Every claim of `text` against the evidence; empty for a text that claims nothing.

        Parameters: `extra` is what may be repeated besides what the report says itself. A text that holds a JSON object
        of slots (`explain.slots`) is checked slot by slot.
        """
        if len(text) > LONGEST:
            return (Check("words", excerpt(text), "unsupported", f"longer than {LONGEST:,} characters"),)
        objects, text = parted_objects(text)
        claims = claims_of(mentions(text, self._terms, (*self._sayings, *extra)))
        return (
            *(one for value in objects for one in _object(value, self._report, self._terms)),
            *_ClaimChecker(self._report, self._terms).checks(claims),
        )


def sayings_of(report: Report) -> list[Saying]:
    """What a text may repeat: clauses in quotation marks, reasons and promises, and what is known of types."""
    quoted = [Saying(excerpt(words), "clause", words, quoted=True) for words in report.quotable]
    own = [Saying(one, "clause") for one in report.sayings]
    if report.reason.startswith("'"):
        own.append(Saying(report.reason, "clause"))
    known = [
        Saying(words, "knowledge", one.type)
        for one in report.findings
        for words in (*one.causes, one.consequence, one.action)
        if words and one.type
    ]
    return [*own, *quoted, *dict.fromkeys(known)]


def _object(value: Mapping[str, Any], report: Report, terms: Terms) -> Iterator[Check]:
    """A JSON object, slot by slot; what fills no slot was not understood."""
    slots, rest = filled(value)
    yield from checks_of_slots(slots, report, terms)
    for key in rest:
        yield Check("words", excerpt(str(key)), "unsupported", "not understood")


class _ClaimChecker:
    """The claims of one text, in their order: what it has spoken of decides what "another" is."""

    def __init__(self, report: Report, terms: Terms) -> None:
        self.report = report
        self.matcher = Matcher(report, terms)

    def checks(self, claims: Sequence[Claim]) -> Iterator[Check]:
        described = [one for one in claims if isinstance(one, FindingsClaim)]
        yield from self.matcher.distinct(described)
        for claim in claims:
            if isinstance(claim, FindingsClaim):
                yield from self.matcher.checks(claim)
            elif isinstance(claim, VerdictClaim):
                yield self._judged(claim)
            elif isinstance(claim, CleanClaim):
                yield from self._clean(claim)
            elif isinstance(claim, NumberClaim):
                yield self._valued(claim)
            elif isinstance(claim, ThresholdClaim):
                yield self._related(claim)
            elif isinstance(claim, FeatureClaim):
                yield self._featured(claim)
            elif isinstance(claim, RepeatedClaim):
                yield self._repeated(claim)
            elif isinstance(claim, RestClaim):
                yield self._rest(claim)
            elif isinstance(claim, NoRegionClaim):
                counted = len(self.report.counted)
                yield Check("count", claim.said, outcome_of(not counted), f"{counted} findings")
            elif isinstance(claim, UnreadClaim):
                yield Check("words", claim.said, "unsupported", "not understood")

    def _judged(self, claim: VerdictClaim) -> Check:
        verdict = self.report.verdict or "no verdict"
        stated = claim.verdict or "no verdict"
        if stated != verdict:
            return Check("polarity", claim.said, "contradicted", verdict)
        return Check("polarity", claim.said, "unsupported" if claim.hedged else "supported", verdict)

    def _clean(self, claim: CleanClaim) -> Iterator[Check]:
        if claim.where:
            whole = FindingsClaim(
                heads=[Mention("generic", said=claim.said)],
                attributes=[Attribute(one.mention) for one in claim.where],
                negated=not claim.negated,
            )
            yield from self.matcher.checks(whole)
            return
        clean = not self.report.findings and self.report.verdict == "accept"
        evidence = f"{self.report.verdict or 'no verdict'}, {len(self.report.findings)} findings"
        yield Check("polarity", claim.said, outcome_of(clean is not claim.negated), evidence)

    def _valued(self, claim: NumberClaim) -> Check:
        report = self.report
        known: dict[str, list[float]] = {
            "score": [report.compared, report.score],
            "threshold": [] if report.threshold is None else [report.threshold],
            "limit": list(report.limits_mm),
        }
        values = known[claim.what]
        unit = "mm" if claim.what == "limit" else ""
        if not values or claim.quantity.unit != unit:
            return Check("score", claim.said, "unsupported", f"no {claim.what} in '{unit or 'raw numbers'}'")
        right = any(claim.quantity.rounds_to(value) for value in values)
        return Check(
            "score", claim.said, outcome_of(right), ", ".join(dict.fromkeys(f"{value:g}" for value in values))
        )

    def _related(self, claim: ThresholdClaim) -> Check:
        threshold = self.report.threshold
        if threshold is None:
            return Check("score", claim.said, "unsupported", "no threshold")
        above = self.report.compared > threshold
        return Check(
            "score",
            claim.said,
            outcome_of(above is claim.above),
            f"{self.report.compared:g} and {threshold:g}",
        )

    def _featured(self, claim: FeatureClaim) -> Check:
        looked = [one for one in self.report.required if one.feature == claim.feature]
        if not looked:
            return Check("required", claim.said, "unsupported", "was not looked for")
        present = any(one.found > 0 for one in looked)
        return Check("required", claim.said, outcome_of(present is claim.present), looked[0].words)

    def _repeated(self, claim: RepeatedClaim) -> Check:
        saying = claim.saying
        if saying.kind == "knowledge":
            shown = any(one.type == saying.value and one.counted for one in self.report.findings)
            outcome: Outcome = "supported" if shown else "unsupported"
            return Check("knowledge", saying.text, outcome, f"what is known of {saying.value}")
        return Check("clause", saying.text, "supported", "the evidence says so")

    def _rest(self, claim: RestClaim) -> Check:
        report = self.report
        by_clause = [len(report.counted)]
        by_clause += [sum(one.clause == words for one in report.findings) for words in report.quotable]
        return Check(
            "count",
            f"{claim.count} {claim.said}",
            outcome_of(claim.count + LISTED in by_clause),
            str(by_clause[0]),
        )
