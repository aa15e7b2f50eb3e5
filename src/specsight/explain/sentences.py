"""Decisions → sentences that can be checked against the map: every number and place in them comes from a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from specsight.errors import excerpt
from specsight.records import Decision, Excused, Finding, Known, NotApplied
from specsight.records.explanations import StatementKind
from specsight.specification import Clause, Ignore, Knowledge, Requirement, Tolerance, Unread

LISTED = 5
"""Findings, and clauses that could not be applied, described one by one; the rest is counted."""
MODALITY_WORDS = {"rgb": "colour"}
"""What modalities are called in sentences, where they have another name."""
DECIMALS = 1080
"""As many tell any two finite numbers apart."""


class StatementText(NamedTuple):
    """One or two sentences that rest on the same evidence."""

    text: str
    kind: StatementKind
    findings: Sequence[Finding] = ()
    clause: Clause | None = None
    aside: str = ""
    """What of it is not about the picture: how many clauses are not listed."""


def state(decision: Decision, given: Sequence[Clause] = ()) -> str:
    """The verdict and what it rests on, in words (`sentences`)."""
    return " ".join(one.text for one in sentences(decision, given))


def sentences(decision: Decision, given: Sequence[Clause] = ()) -> list[StatementText]:
    """The verdict and what it rests on, each sentence with its evidence.

    Of the clauses that could not be applied those are named that are among `given` (the words of this inspection) and
    that this picture does not allow. Sentences that were not understood, and the clauses of the specification, are the
    same for every picture: they are reported once for all.
    """
    regions, listed = _regions(decision.counted), decision.counted[:LISTED]
    verdict, beside = _verdict(decision)
    found = []
    if regions and decision.verdict is not None and decision.unlike is None:
        without_effect = decision.verdict == "accept"
        opening = "Observed without effect on the verdict: " if without_effect else ""
        found = [StatementText(f"{opening}{regions}", "findings", listed)]
    return [
        StatementText(verdict, "verdict", clause=decision.deciding),
        *found,
        *([StatementText(beside, "verdict")] if beside else []),
        *_required(decision),
        *_excused(decision.observed),
        *_in_part(decision.in_part, given),
        *_unapplied(decision.not_applied, given),
    ]


def knowledge_sentences(type_: str, known: Known) -> list[str]:
    """What is known of a type, in sentences."""
    told = []
    if known.causes:
        told.append(f"Likely cause of {type_}: {'; '.join(known.causes)}.")
    if known.consequence:
        told.append(f"Consequence: {known.consequence}")
    if known.action:
        told.append(f"Recommended: {known.action}")
    return told


def sayings(decision: Decision) -> tuple[str, ...]:
    """What this package itself says of the picture beside findings: reasons and promises, what was looked for, and in
    which modality findings are seen."""
    told = [
        decision.promise,
        decision.further_rejects,
        _unlike(decision) if decision.unlike is not None else "",
        *(one.reason for one in (*decision.not_applied, *decision.in_part)),
        *(one.found for one in decision.required),
        *(seen_in(one) for one in (*decision.counted, *(one.finding for one in decision.observed))),
    ]
    return tuple(dict.fromkeys(one for one in told if one))


def describe(finding: Finding) -> str:
    """One finding in words, such as "cut on the tread, top left, 6.2 mm long, major" or, where it covers the picture,
    "anomaly, whole picture, 362 px long"."""
    words = [f"{finding.type or 'anomaly'}{_also(finding)}"]
    if finding.part:
        words[0] += f" on the {finding.part}"
    words.append(finding.place)
    words.append(f"{_length(finding)} long")
    if finding.severity:
        words.append(finding.severity)
    if finding.seen_in:
        words.append(seen_in(finding))
    return ", ".join(words)


def seen_in(finding: Finding) -> str:
    """Which modality shows a finding, such as "seen in depth only, 0.6 mm above the surface around it"; empty for
    methods that fuse none."""
    if not finding.seen_in:
        return ""
    named = [MODALITY_WORDS.get(name, name) for name in finding.seen_in]
    told = f"seen in {' and '.join(named)}{' only' if len(named) == 1 else ''}"
    if finding.height_mm is None:
        return told
    side = "above" if finding.height_mm >= 0 else "below"
    return f"{told}, {abs(finding.height_mm):.1f} mm {side} the surface around it"


def _also(finding: Finding) -> str:
    return f" (or {' or '.join(finding.also)})" if finding.also else ""


def _length(finding: Finding) -> str:
    if finding.length_mm is not None:
        return f"{finding.length_mm:.1f} mm"
    return f"{finding.length_px:.0f} px"


def operator_notes(count: int) -> str:
    """What became of the notes that operators wrote of `count` pictures; empty for none."""
    if not count:
        return ""
    one = "1 picture brings an operator's note, which is shown and is"
    several = f"{count:,} pictures bring operators' notes, which are shown and are"
    return (
        f"{one if count == 1 else several} no instruction: give inspect what is to act with --say "
        "('specsight read MANIFEST' lists what is understood of notes)"
    )


def rewrites_told(counts: Mapping[str, int] | None) -> str:
    """How many statements a language model rewrote and how many rewrites were rejected (`runs.costs.rewrites`); empty
    where none was asked."""
    if not counts:
        return ""
    asked, rejected, silent = counts["asked"], counts["rejected"], counts["no_answer"]
    share = f" ({rejected / asked:.0%})" if asked else ""
    told = f"{rejected:,} of {asked:,} rewrites{share} failed their checks: there, the statement stands as it was"
    return f"{told}; {silent:,} times the language model gave no answer" if silent else told


def operator_note(note: str) -> str:
    """A note as it is shown beside the statement of its picture."""
    return f"Operator's note, no instruction: “{excerpt(note)}”"


def not_applied(clauses: Sequence[NotApplied]) -> list[str]:
    """Every clause that had no effect, each once, with the reason: "'Inspect the rim only.' (no part map)"."""
    return list(dict.fromkeys(f"'{excerpt(one.clause.words)}' ({one.reason})" for one in clauses))


def _unlike(decision: Decision) -> str:
    return (
        f"this does not look like the product. It lies {decision.unlike:.1f} times as far from good "
        "pictures as good parts do, and nearly the whole picture deviates from them"
    )


def _verdict(decision: Decision) -> tuple[str, str]:
    """The verdict and why; and what is promised beside the threshold."""
    if decision.unlike is not None:
        return f"Rejected: {_unlike(decision)}.", ""
    if decision.verdict is None or decision.threshold is None:
        return f"Score {decision.score:.3f}; no verdict, for no threshold was calibrated.", ""
    verdict = "Rejected" if decision.verdict == "reject" else "Accepted"
    ground, over = deciding(decision), decision.score > decision.threshold
    if decision.verdict == "reject" and not over and ground:
        named = not isinstance(decision.deciding, Requirement) and decision.further_rejects
        return f"Rejected: {ground}.", f"Beside what the threshold promises, {named}." if named else ""
    score, threshold = told_apart(decision.score, decision.threshold)
    what = f"what still counts reaches {score}, which" if decision.by_map else f"score {score}"
    comparison = f"{what} is {'above' if over else 'not above'} the threshold {threshold}"
    if decision.promise:
        comparison += f" ({decision.promise})"
    opening = (
        f"{verdict}: {ground}. {comparison[0].upper()}{comparison[1:]}."
        if ground
        else f"{verdict}: {comparison}."
    )
    if over and not decision.counted:
        opening += " No single region of the map stands out."
    return opening, ""


def deciding(decision: Decision) -> str:
    """What the deciding clause says of this picture, such as "demoulding mark 2.1 mm, tolerance 3 mm"; empty where no
    clause decided."""
    clause = decision.deciding
    if clause is None:
        return ""
    seen = next((one for one in decision.required if one.clause == clause), None)
    if seen is not None:
        return seen.found
    if isinstance(clause, Requirement):
        return f"'{excerpt(clause.words)}' is not met"
    if isinstance(clause, Knowledge):
        return f"'{excerpt(clause.words).rstrip('.')}'"
    excused = next((one.finding for one in decision.observed if one.clause == clause), None)
    if excused is not None and isinstance(clause, Tolerance | Ignore):
        name = f"{excused.type or clause.defect}{_also(excused)} {_length(excused)}"
        limit = clause.up_to_mm if isinstance(clause, Tolerance) else None
        return (
            f"{name}, tolerance {limit:g} mm" if limit is not None else f"{name}, '{excerpt(clause.words)}'"
        )
    return f"'{excerpt(clause.words).rstrip('.')}'"


def told_apart(first: float, second: float) -> tuple[str, str]:
    """Two numbers with three decimals, or with as many as it takes to see that they differ."""
    decimals = 3
    while f"{first:.{decimals}f}" == f"{second:.{decimals}f}" and first != second and decimals < DECIMALS:
        decimals += 1
    return f"{first:.{decimals}f}", f"{second:.{decimals}f}"


def _required(decision: Decision) -> list[StatementText]:
    """What was looked for because it is required, each once, but for what the verdict has told already."""
    told = decision.deciding if decision.verdict == "reject" else None
    found = dict.fromkeys(one.found for one in decision.required if one.clause != told)
    return [StatementText(f"Looked for: {'; '.join(found)}.", "required")] if found else []


def _excused(observed: Sequence[Excused]) -> list[StatementText]:
    by_clause: dict[str, list[Excused]] = {}
    for one in observed:
        by_clause.setdefault(excerpt(one.clause.words), []).append(one)
    return [
        StatementText(
            f"Does not count ('{words}'): {_list([describe(one.finding) for one in found])}.",
            "excused",
            [one.finding for one in found[:LISTED]],
            found[0].clause,
        )
        for words, found in by_clause.items()
    ]


def _in_part(clauses: Sequence[NotApplied], given: Sequence[Clause]) -> list[StatementText]:
    lines = not_applied([one for one in clauses if one.clause in given])
    return [StatementText(f"Applied in part: {'; '.join(lines)}.", "applied")] if lines else []


def _unapplied(clauses: Sequence[NotApplied], given: Sequence[Clause]) -> list[StatementText]:
    lines = not_applied(
        [one for one in clauses if one.clause in given and not isinstance(one.clause, Unread)]
    )
    rest = len(lines) - LISTED
    more = f"; and {rest} more" if rest > 0 else ""
    return (
        [
            StatementText(
                f"Not applied: {'; '.join(lines[:LISTED])}{more}. The picture was judged as without this.",
                "applied",
                aside=f"and {rest} more" if rest > 0 else "",
            )
        ]
        if lines
        else []
    )


def _regions(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    count = f"{len(findings)} region{'s' if len(findings) > 1 else ''}"
    return f"{count}: {_list([describe(finding) for finding in findings])}."


def _list(descriptions: Sequence[str]) -> str:
    rest = len(descriptions) - LISTED
    more = f"; and {rest} smaller one{'s' if rest > 1 else ''}" if rest > 0 else ""
    return "; ".join(descriptions[:LISTED]) + more
