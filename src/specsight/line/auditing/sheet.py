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
from specsight.line import verdicts
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
    explanation = evidence.inspection.explanation if evidence.inspection else None
    if explanation is not None and explanation.statements:
        return explanation.statements[0].text
    return part.error or part.statement or f"Score {number(part.score)}"


def _alert(evidence: Evidence) -> str:
    wrong = [
        f"the {one.name} is not the one that was judged"
        for one in evidence.contents
        if one.size is not None and not one.holds
    ]
    wrong += evidence.differences
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
