"""One part as a sheet for an auditor: who judged it with which model, words and threshold, what decided, and whether
its records are whole. The same content becomes a self-contained page (`page`) or a PDF (`pdf.render`).

The same record gives the same sheet: nothing on it tells when, or by whom, it was made. English only: statements are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from specsight.errors import printable, unturned
<<<<<<< HEAD
from specsight.explain.sentences import describe
from specsight.line import trail
from specsight.line.auditing.clauses import fates, specification_at
=======
from specsight.line import verdicts
>>>>>>> d218332 (A sheet says what holds, by whom, and what the model said; its sections are a module of their own (issue 16))
from specsight.line.auditing.drawing import Drawn, draw
from specsight.line.auditing.evidence import CHECKED, Evidence, gather
from specsight.line.auditing.sections import WORDS, Section, number, sections_of, who
from specsight.line.store import LineStore
from specsight.report.pictures import encoded_uri


@dataclass(frozen=True)
class Sheet:
    """Everything a sheet says; all text is safe to show and to print."""

    title: str
    verdict: str
    """What holds, by whom, and what the model said."""
    bad: bool
    lead: str
    """The model's sentence on its verdict."""
    alert: str
    """What is wrong with the records; empty: nothing is."""
    pictures: Sequence[Drawn]
    sections: Sequence[Section]


def sheet_of(store: LineStore, id_: str, models: Path | None = None, within: int = CHECKED) -> Sheet:
    """The sheet of a part. `models`: the folder of the line's models, so that clauses that changed nothing can be named
    by the specification that they were read against; `within`: entries of the trail that are followed.

    Raises SpecsightError where there is no such part.
    """
    evidence = gather(store, id_, within)
    part = evidence.part
    pictures, missing = draw(store, evidence)
    holds = verdicts.word(part, evidence.said)
    sections = sections_of(evidence, models, "" if missing == part.error else missing)
    bad = holds in ("reject", "unreadable")
    sheet = Sheet(
        part.title,
        _verdict(evidence),
        bad,
        _lead(evidence),
        _alert(evidence),
        pictures,
        sections,
    )
    return _shown(sheet)


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


def _verdict(evidence: Evidence) -> str:
    """What holds, by whom, and what the model said."""
    model, said = WORDS[evidence.part.word], evidence.said
    how = verdicts.how(evidence.part, said)
    if said is None:
        return model
    if how == "agreed":
        return f"{model}, confirmed by {who(said)}"
    return f"{WORDS[said.verdict]} by {who(said)}; the model said: {model}"


def _lead(evidence: Evidence) -> str:
    """The model's sentence on the verdict; what else it says stands with its evidence further down."""
    part = evidence.part
<<<<<<< HEAD
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
=======
    explanation = evidence.inspection.explanation if evidence.inspection else None
    if explanation is not None and explanation.statements:
        return explanation.statements[0].text
    return part.error or part.statement or f"Score {number(part.score)}"
>>>>>>> d218332 (A sheet says what holds, by whom, and what the model said; its sections are a module of their own (issue 16))


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


def _shown(sheet: Sheet) -> Sheet:
    """The sheet with text that neither steers nor turns what shows it."""
    return Sheet(
        _text(sheet.title),
        _text(sheet.verdict),
        sheet.bad,
        _text(sheet.lead),
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
