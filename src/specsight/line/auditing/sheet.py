"""One part as a sheet for an auditor: who judged it with which model, words and threshold, what decided, and whether
its records are whole. The same content becomes a self-contained page (`page`) or a PDF (`pdf.render`).

The same record gives the same sheet: nothing on it tells when, or by whom, it was made. English only: statements are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from specsight.errors import printable, unturned
from specsight.explain.sentences import describe
from specsight.line import trail
from specsight.line.auditing.clauses import fates, specification_at
from specsight.line.auditing.drawing import Drawn, draw
from specsight.line.auditing.evidence import CHECKED, Evidence, gather
from specsight.line.store import LineStore
from specsight.report.pictures import encoded_uri

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


@dataclass(frozen=True)
class Sheet:
    """Everything a sheet says; all text is safe to show and to print."""

    title: str
    verdict: str
    bad: bool
    lead: Sequence[str]
    """The sentences that a reader needs first."""
    alert: str
    """What is wrong with the records; empty: nothing is."""
    pictures: Sequence[Drawn]
    sections: Sequence[Section] = field(default_factory=tuple)


def sheet_of(store: LineStore, id_: str, models: Path | None = None, within: int = CHECKED) -> Sheet:
    """The sheet of a part. `models`: the folder of the line's models, so that clauses that changed nothing can be named
    by the specification that they were read against; `within`: entries of the trail that are followed.

    Raises SpecsightError where there is no such part.
    """
    evidence = gather(store, id_, within)
    part = evidence.part
    pictures, missing = draw(store, evidence)
    bad = part.word in ("reject", "unreadable")
    sections = [
        Section("Part", rows=_part_rows(evidence)),
        Section("Verdict", rows=_verdict_rows(evidence)),
        *_clauses(evidence, models),
        *_findings(evidence),
        *_statement(evidence),
        *_people(evidence),
        Section("Content", [missing] if missing else [], ("what", "SHA-256", "bytes"), _contents(evidence)),
        _trail(evidence),
    ]
    lead = [part.error or part.statement or f"Score {_number(part.score)}"]
    lead.append(
        f"Decided by: {part.clause or ('nothing: it could not be judged' if part.error else 'the score')}"
    )
    return _shown(Sheet(part.part, WORDS[part.word], bad, lead, _alert(evidence), pictures, sections))


def page(sheet: Sheet) -> bytes:
    """The sheet as one HTML file: no script, no other host, pictures inside."""
    pictures = [(one, encoded_uri(one.content, "jpeg")) for one in sheet.pictures]
    return _template().get_template("sheet.html.j2").render(sheet=sheet, pictures=pictures).encode()


@cache
def _template() -> Environment:
    return Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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
    rows = [("verdict", WORDS[part.word])]
    if part.error:
        rows.append(("why not judged", part.error))
    compared = "no threshold" if part.threshold is None else f"threshold {_number(part.threshold)}"
    rows.append(("score", f"{_number(part.score)}; {compared}" if part.score is not None else "none"))
    if inspection is not None:
        decision = inspection.decision
        if decision.by_map:
            rows.append(("compared", "the largest map value among what counts"))
        if inspection.map_threshold is not None:
            rows.append(("threshold of the map", _number(inspection.map_threshold)))
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
            f"{number}",
            describe(one),
            f"{one.area_px} px" if one.area_mm2 is None else f"{one.area_mm2:.1f} mm²",
            _number(one.peak),
            f"no: {excused[id(one)]}" if id(one) in excused else "yes",
        )
        for number, one in enumerate(inspection.findings, 1)
    ]
    if not rows:
        return [Section("Findings", ["No region of the map reaches its threshold."])]
    return [Section("Findings", (), ("", "finding", "area", "largest map value", "counts"), rows)]


def _statement(evidence: Evidence) -> list[Section]:
    inspection = evidence.inspection
    if inspection is None:
        return []
    if inspection.explanation is None:
        return [Section("Statement", [evidence.part.statement])]
    rows = []
    for one in inspection.explanation.statements:
        rests = [f"finding {number + 1}" for number in one.findings]
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


def _people(evidence: Evidence) -> list[Section]:
    rows: list[tuple[str, ...]] = [
        (_time(one.at), f"{one.person} ({one.role})", one.verdict, one.type or "–", one.reason or "–")
        for one in evidence.reviews
    ]
    rows += [
        (at, f"{person} (engineer)", f"taken as {outcome}", type_ or "–", "–")
        for person, outcome, type_, at in evidence.confirmations
    ]
    if not rows:
        return [Section("Persons", ["Nobody reviewed this part: the verdict is the machine's."])]
    return [Section("Persons", (), ("when", "who", "verdict", "type", "reason"), rows)]


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


def _alert(evidence: Evidence) -> str:
    wrong = [
        f"the {one.name} is not the one that was judged"
        for one in evidence.contents
        if one.size is not None and not one.holds
    ]
    chain = evidence.chain
    if chain.entry is None:
        wrong.append("the trail does not name this part")
    elif not chain.record_holds:
        wrong.append("the record is not the one that was written when it was judged")
    if chain.broken is not None:
        wrong.append(f"the trail was changed at entry {chain.broken}")
    return f"These records are not whole: {'; '.join(wrong)}." if wrong else ""


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _nth(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _shown(sheet: Sheet) -> Sheet:
    """The sheet with text that neither steers nor turns what shows it."""
    return Sheet(
        _text(sheet.title),
        sheet.verdict,
        sheet.bad,
        [_text(one) for one in sheet.lead],
        _text(sheet.alert),
        sheet.pictures,
        [
            Section(
                one.title,
                [_text(line) for line in one.text],
                one.head,
                [[_text(cell) for cell in row] for row in one.rows],
                one.strong,
            )
            for one in sheet.sections
        ],
    )


def _text(value: str) -> str:
    return str(unturned(printable(value)))
