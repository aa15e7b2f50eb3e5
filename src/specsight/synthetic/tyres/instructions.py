"""Instructions in matched pairs: the same picture is accepted under one and rejected under the other.

A clause holds the fields of `specsight.specification.Instruction`; `verdict` says what it means for the truth of a
picture, and a pair is only given where the two verdicts are opposite and no limit is closer than a measuring error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specsight.records import InstructedVerdict, Verdict
from specsight.synthetic.tyres.product import DEMOULDING_LIMIT_MM, SPEW_LIMIT_MM
from specsight.synthetic.tyres.rendering import Mark, Rendered, Truth

_LEAST_SHARE = 0.03
"""Of the picture: a smaller part is nothing to send an inspector to."""

_LEAST_MARK_MM = 2.0
"""What is left of a smaller mark at the picture's rim is nothing to ask about."""

_ACCEPTABLE_MM = {"demoulding mark": DEMOULDING_LIMIT_MM, "spew": SPEW_LIMIT_MM, "chalk mark": math.inf}
_MEASURABLE = (
    "cut", "crack", "scratch", "blister", "foreign body", "underfill", "chunk-out", "exposed cord", "open splice",
    "excess flash", "stain", "missing lettering",
)  # fmt: skip


def verdict(clause: Mapping[str, Any], defects: Sequence[Truth], marks: Sequence[Mark]) -> Verdict:
    """ "accept" or "reject": what an inspector who sees everything says under this clause."""
    scope = clause.get("scope", ())
    limits = {t["defect"]: t.get("up_to_mm", math.inf) for t in clause.get("tolerances", ())}
    declared = {d["name"] for d in clause.get("known_defects", ())}
    for defect in defects:
        listed = not clause.get("only") or defect.type in clause["only"]
        in_scope = not scope or defect.part in scope
        if listed and in_scope and defect.size_mm > limits.get(defect.type, 0.0):
            return "reject"
    for mark in marks:
        if mark.kind in _ACCEPTABLE_MM and (not scope or mark.part in scope):
            limit = limits.get(mark.kind, 0.0 if mark.kind in declared else _ACCEPTABLE_MM[mark.kind])
            if mark.size_mm > limit:
                return "reject"
    present = [m.kind for m in marks]
    if any(present.count(r["feature"]) < r.get("count", 1) for r in clause.get("requirements", ())):
        return "reject"
    return "accept"


def matched_pairs(
    rng: np.random.Generator, picture: Rendered, part_names: Mapping[int, str]
) -> list[InstructedVerdict]:
    """Up to three pairs of different kinds for this picture, in random order."""
    counts = np.bincount(picture.parts.ravel(), minlength=max(part_names) + 1)
    parts = [name for value, name in part_names.items() if counts[value] >= _LEAST_SHARE * picture.parts.size]
    makers = (_by_part, _by_type, _by_size, _by_mark_size, _by_knowledge, _by_requirement)
    pairs = []
    for k in rng.permutation(len(makers)):
        couple = makers[k](rng, picture, parts)
        if couple is not None:
            pairs.append(couple)
        if len(pairs) == 3:
            break
    instructed: list[InstructedVerdict] = []
    for n, (kind, clauses) in enumerate(pairs):
        verdicts = [verdict(c, picture.defects, picture.marks) for _, c in clauses]
        if set(verdicts) == {"accept", "reject"}:
            order = rng.permutation(2)
            instructed += [
                InstructedVerdict(clauses[k][0], verdicts[k], kind, f"p{n}", clauses[k][1]) for k in order
            ]
    return instructed


Wording = tuple[str, dict[str, Any]]
"""A sentence, and the fields of `Instruction` that it stands for."""
Couple = tuple[str, tuple[Wording, Wording]]
"""What kind of words, and the two that call for opposite verdicts."""


def _say(rng: np.random.Generator, *templates: str, **words: object) -> str:
    return templates[int(rng.integers(len(templates)))].format(**words)


def _scope_text(rng: np.random.Generator, part: str) -> str:
    return _say(
        rng,
        "Inspect the {part} only.",
        "Only the {part} is to be inspected this time.",
        "Check the {part}; everything else is out of scope.",
        "Limit the inspection to the {part}.",
        "This station judges nothing but the {part}.",
        part=part,
    )


def _by_part(rng: np.random.Generator, picture: Rendered, parts: Sequence[str]) -> Couple | None:
    """Look where the defect is, or at a part that no defect touches."""
    touched = {p for d in picture.defects for p in d.parts}
    clean = [p for p in parts if p not in touched]
    # A defect that straddles two parts has no clear home.
    homes = sorted({d.part for d in picture.defects if d.parts[d.part] > 0.6})
    if not clean or not homes:
        return None
    home, away = homes[int(rng.integers(len(homes)))], clean[int(rng.integers(len(clean)))]
    return "scope", (
        (_scope_text(rng, home), {"scope": [home]}),
        (_scope_text(rng, away), {"scope": [away]}),
    )


def _by_type(rng: np.random.Generator, picture: Rendered, parts: Sequence[str]) -> Couple | None:
    """Look for a type that is there, or for one that is not."""
    present = sorted({d.type for d in picture.defects})
    if not present:
        return None
    absent = [t for t in _MEASURABLE if t not in present]
    chosen = present[int(rng.integers(len(present)))], absent[int(rng.integers(len(absent)))]
    clauses = tuple(
        (
            _say(
                rng,
                "Reject for {type} only; other findings are for information.",
                "The only defect that counts today is: {type}.",
                "Search for {type} and nothing else.",
                type=type,
            ),
            {"only": [type]},
        )
        for type in chosen
    )
    return "scope", (clauses[0], clauses[1])


def _limit_text(rng: np.random.Generator, plural: str, limit: float) -> str:
    return _say(
        rng,
        "{what} up to {limit:g} mm are acceptable.",
        "{what} of at most {limit:g} mm may pass.",
        "Tolerance for {lower}: {limit:g} mm.",
        "Do not reject {lower} that measure {limit:g} mm or less.",
        what=plural[0].upper() + plural[1:],
        lower=plural,
        limit=limit,
    )


def _around(size_mm: float) -> tuple[float, float] | None:
    """A limit clearly below and one clearly above a size, both in half millimetres."""
    below, above = math.floor(size_mm * 0.75 * 2) / 2, math.ceil((size_mm * 1.25 + 0.5) * 2) / 2
    return (below, above) if below >= 0.5 else None


def _by_size(rng: np.random.Generator, picture: Rendered, parts: Sequence[str]) -> Couple | None:
    """One type only in the picture: a tolerance below its largest size, and one above."""
    types = {d.type for d in picture.defects}
    if len(types) != 1 or not types <= set(_MEASURABLE):
        return None
    type = next(iter(types))
    limits = _around(max(d.size_mm for d in picture.defects))
    return _tolerance_pair(rng, type, limits) if limits else None


def _by_mark_size(rng: np.random.Generator, picture: Rendered, parts: Sequence[str]) -> Couple | None:
    """A good picture with a demoulding mark or a spew: acceptable at one limit, not at the other."""
    if picture.defects:
        return None
    kinds = sorted({m.kind for m in picture.marks} & {"demoulding mark", "spew"})
    if not kinds:
        return None
    kind = kinds[int(rng.integers(len(kinds)))]
    limits = _around(max(m.size_mm for m in picture.marks if m.kind == kind))
    return _tolerance_pair(rng, kind, limits) if limits else None


def _tolerance_pair(rng: np.random.Generator, type: str, limits: tuple[float, float]) -> Couple:
    plural = {
        "exposed cord": "exposed cords",
        "foreign body": "foreign bodies",
        "excess flash": "flash fins",
    }.get(type, type if type.endswith("lettering") else type + "s")
    clauses = tuple(
        (_limit_text(rng, plural, limit), {"tolerances": [{"defect": type, "up_to_mm": limit}]})
        for limit in limits
    )
    return "tolerance", (clauses[0], clauses[1])


def _by_knowledge(rng: np.random.Generator, picture: Rendered, parts: Sequence[str]) -> Couple | None:
    """A good picture with an acceptable mark that an instruction may declare a defect."""
    legible = {m.kind for m in picture.marks if m.size_mm >= _LEAST_MARK_MM}
    kinds = sorted(legible & {"chalk mark", "demoulding mark"})
    if picture.defects or not kinds:
        return None
    kind = kinds[int(rng.integers(len(kinds)))]
    strict = _say(
        rng,
        "Known defects now include the {kind}: reject it.",
        "From today a {kind} counts as a defect.",
        "Original equipment: any {kind} is a defect.",
        kind=kind,
    )
    mild = _say(
        rng,
        "A {kind} is normal and may stay.",
        "Ignore every {kind}.",
        "Any {kind} is acceptable whatever its size.",
        kind=kind,
    )
    return "knowledge", (
        (strict, {"known_defects": [{"name": kind}]}),
        (mild, {"tolerances": [{"defect": kind}]}),
    )


def _by_requirement(rng: np.random.Generator, picture: Rendered, parts: Sequence[str]) -> Couple | None:
    """The balance dot or the size: required as it is, or otherwise."""
    present = {m.kind for m in picture.marks}
    types = {d.type for d in picture.defects}
    if types == {"missing balance dot"}:
        return "requirement", (
            (_required(rng, "yellow balance dot"), _requirement("yellow balance dot", "sidewall")),
            ("This batch leaves without a balance dot: its absence is acceptable.",
             {"tolerances": [{"defect": "missing balance dot"}]}),
        )  # fmt: skip
    if types:
        return None
    if "yellow balance dot" in present:
        return "requirement", (
            (_required(rng, "yellow balance dot"), _requirement("yellow balance dot", "sidewall")),
            (_required(rng, "red balance dot"), _requirement("red balance dot", "sidewall")),
        )
    sizes = sorted(kind for kind in present if kind.startswith("lettering '") and "/" in kind)
    if not sizes:
        return None
    other = sizes[0].replace("5 R", "0 R", 1) if "5 R" in sizes[0] else sizes[0].replace("0 R", "5 R", 1)
    return "requirement", (
        (_required(rng, sizes[0]), _requirement(sizes[0], "lettering")),
        (_required(rng, other), _requirement(other, "lettering")),
    )


def _required(rng: np.random.Generator, feature: str) -> str:
    article = "the" if feature.startswith("lettering") else "a"
    return _say(
        rng,
        "{Article} {feature} is required.",
        "Make sure that {article} {feature} is there.",
        "Without {article} {feature} the tyre is rejected.",
        article=article,
        Article=article.capitalize(),
        feature=feature,
    )


def _requirement(feature: str, part: str) -> dict[str, Any]:
    return {"requirements": [{"feature": feature, "part": part}]}
