"""What is known of one part → the sections of its sheet: tables with a title and sentences.

In: `Evidence`. Out: sections, each for itself; text that neither steers nor turns what shows it is made of them in
`sheet`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from specsight.explain.sentences import describe
from specsight.line import trail
from specsight.line.auditing.clauses import fates, specification_at
from specsight.line.auditing.evidence import Evidence
from specsight.line.records import Review
from specsight.line.verdicts import UNDONE

WORDS = {
    "accept": "accepted",
    "reject": "rejected",
    "undecided": "undecided: no threshold",
    "unreadable": "unreadable",
}
MARKS = {"supported": "holds", "unsupported": "not shown", "contradicted": "CONTRADICTED"}


@dataclass(frozen=True)
class Section:
    """A title with sentences, and a table below them: two columns without a head, or more with one."""

    title: str
    text: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    strong: frozenset[int] = frozenset()
    """Rows that stand out."""


def sections_of(evidence: Evidence, models: Path | None, missing: str) -> list[Section]:
    """All sections. `models`: the folder of the line's models, if it is here; `missing`: why there are no pictures."""
    return [
        Section("Part", rows=_part_rows(evidence)),
        Section("Verdict", rows=_verdict_rows(evidence)),
        *_clauses(evidence, models),
        *_findings(evidence),
        *_statement(evidence),
        _people(evidence),
        Section("Content", [missing] if missing else [], ("what", "SHA-256", "bytes"), _contents(evidence)),
        _trail(evidence),
    ]


def number(value: float | None) -> str:
    """A score or threshold."""
    return "none" if value is None else f"{value:.6g}"


def who(said: Review) -> str:
    """Whose review it is."""
    return f"{said.person} ({said.role})"


def _part_rows(evidence: Evidence) -> list[tuple[str, str]]:
    part, entry = evidence.part, evidence.chain.entry
    return [
        ("part", part.part),
        ("line", part.line),
        ("inspection", part.id),
        ("number", f"{part.number}"),
        ("received", _time(part.received)),
        ("judged", _time(part.judged)),
        ("sent by", f"{entry.person or 'not named'} ({entry.role})" if entry else "not on the trail"),
        ("time by stage", ", ".join(f"{k} {1000 * v:.0f} ms" for k, v in part.seconds.items()) or "none"),
    ]


def _verdict_rows(evidence: Evidence) -> list[tuple[str, str]]:
    part, inspection, version = evidence.part, evidence.inspection, evidence.version
    rows = []
    if evidence.said is not None:
        reasons = "; ".join(one for one in (evidence.said.type, evidence.said.reason) if one)
        rows.append(
            (
                "holds",
                f"{WORDS[evidence.said.verdict]}, by {who(evidence.said)}{f': {reasons}' if reasons else ''}",
            )
        )
    rows.append(("the model said", WORDS[part.word]))
    rows.append(
        ("decided by", "nothing: it could not be judged" if part.error else part.clause or "the score")
    )
    compared = "no threshold" if part.threshold is None else f"threshold {number(part.threshold)}"
    rows.append(("score", f"{number(part.score)}; {compared}" if part.score is not None else "none"))
    if inspection is not None:
        decision = inspection.decision
        if decision.by_map:
            rows.append(("compared", "the largest map value among what counts"))
        if inspection.map_threshold is not None:
            rows.append(("threshold of the map", number(inspection.map_threshold)))
        rows += [("promise", one) for one in (decision.promise, decision.further_rejects) if one]
        rows += [("note", one) for one in inspection.notes]
        if inspection.lost:
            rows.append(("lacking", ", ".join(inspection.lost)))
    rows += [("words", part.words or "none were given"), ("model", part.model), ("version", part.version)]
    if version is not None:
        made = f"{version.kind}, noted {_time(version.at)} by {version.person or 'nobody named'}"
        rows.append(("made", f"{made}{f', from {version.parent}' if version.parent else ''}"))
        rows += [("about it", version.note)] if version.note else []
    if evidence.activation is not None:
        live = evidence.activation
        rows.append(("live since", f"{_time(live.at)}, by {live.person}: {live.reason or 'no reason given'}"))
    return rows


def _clauses(evidence: Evidence, models: Path | None) -> list[Section]:
    if evidence.inspection is None:
        return []
    part = evidence.part
    folder = None if models is None else models / ".versions" / part.model / part.version
    specification = None if folder is None else specification_at(folder)
    found, problem = fates(evidence.inspection, part.words, specification)
    text = [f"The words can not be read: {problem}"] if problem else []
    if folder is not None and not folder.is_dir():
        text.append(
            f"Version {part.version} is not in the folder of models: its own clauses are those on record."
        )
    if not found:
        return [Section("Clauses", [*text, "None were given: the score alone decides."])]
    rows = [(one.words, one.kind, one.source or "on record", one.fate) for one in found]
    strong = frozenset(k for k, one in enumerate(found) if one.decides)
    return [Section("Clauses", text, ("clause", "kind", "from", "what became of it"), rows, strong)]


def _findings(evidence: Evidence) -> list[Section]:
    inspection = evidence.inspection
    if inspection is None:
        return []
    excused = {id(one.finding): one.clause.words for one in inspection.decision.observed}
    rows = [
        (
            f"{place}",
            describe(one),
            f"{one.area_px} px" if one.area_mm2 is None else f"{one.area_mm2:.1f} mm²",
            number(one.peak),
            f"no: {excused[id(one)]}" if id(one) in excused else "yes",
        )
        for place, one in enumerate(inspection.findings, 1)
    ]
    if not rows:
        return [Section("Findings", ["No region of the map reaches its threshold."])]
    return [Section("Findings", (), ("", "finding", "area", "largest map value", "counts"), rows)]


def _statement(evidence: Evidence) -> list[Section]:
    inspection = evidence.inspection
    if inspection is None:
        return []
    if inspection.explanation is None:
        return []  # it leads the sheet
    rows = []
    for one in inspection.explanation.statements:
        rests = [f"finding {place + 1}" for place in one.findings]
        rests += [f"clause “{one.clause}”"] if one.clause else []
        checks = [
            f"{check.slot}: {check.said} – {MARKS[check.outcome]}"
            + (f" ({check.evidence})" if check.evidence else "")
            for check in one.checks
        ]
        rows.append((one.text, "; ".join(rests) or "–", "; ".join(checks) or "–"))
    text = (
        [] if inspection.explanation.sound else ["Not every claim is shown by map and decision; see below."]
    )
    return [Section("Statement and its evidence", text, ("sentence", "rests on", "claims checked"), rows)]


def _reason(review: Review) -> str:
    """Why, and whether the person drew where the defect lies."""
    region = review.region
    drawn = "" if region is None else f"drawn: {len(region)} {'region' if len(region) == 1 else 'regions'}"
    return "; ".join(filter(None, (review.reason, drawn))) or "–"


def _people(evidence: Evidence) -> Section:
    reviews, said = evidence.reviews, evidence.said
    rows: list[tuple[str, ...]] = [
        (_time(one.at), who(one), "takes that back", "–", "–")
        if one.reason == UNDONE
        else (_time(one.at), who(one), WORDS[one.verdict], one.type or "–", _reason(one))
        for one in reviews
    ]
    holds = frozenset(k for k, one in enumerate(reviews) if said is not None and one.number == said.number)
    rows += [
        (at, f"{person} (engineer)", f"taken as {outcome}", type_ or "–", "–")
        for person, outcome, type_, at in evidence.confirmations
    ]
    text = [] if said is not None else ["Nobody says anything of this part: the verdict is the machine's."]
    return Section("Persons", text, ("when", "who", "verdict", "type", "reason") if rows else (), rows, holds)


def _contents(evidence: Evidence) -> list[tuple[str, str, str]]:
    rows = [
        (
            one.name,
            one.digest,
            "kept no longer" if one.size is None else f"{one.size}" + ("" if one.holds else " – CHANGED"),
        )
        for one in evidence.contents
    ]
    return [*rows, ("record", evidence.record, f"{len(_json(evidence))}")]


def _json(evidence: Evidence) -> str:
    return json.dumps(trail.recorded(evidence.part), sort_keys=True, separators=(",", ":"))


def _trail(evidence: Evidence) -> Section:
    chain = evidence.chain
    if chain.entry is None:
        text = ["The trail does not name this part."]
    else:
        first = (
            "from its first entry on"
            if chain.followed == chain.position
            else (f"over the last {chain.followed} entries")
        )
        held = (
            f"The chain of the trail, followed {first} up to this part, holds."
            if chain.broken is None
            else f"The chain of the trail is broken at entry {chain.broken}."
        )
        text = [
            f"Judged in entry {chain.entry.number}, the {_nth(chain.position)} of line {evidence.part.line}. {held}",
            f"Digest of the entry {chain.entry.digest}, of the one before it {chain.entry.previous or 'none'}.",
        ]
    rows = [
        (f"{one.number}", _time(one.at), one.action, f"{one.person or '–'} ({one.role})", one.digest[:16])
        for one in evidence.entries
    ]
    return Section("Trail", text, ("entry", "when", "what", "who", "digest"), rows)


def _nth(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
