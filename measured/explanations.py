"""`python -m measured explanations`: made sentences about made pictures, true ones and each with one slot falsified.

Of each picture, drawn by a seed, sentences are made from frames that are not those of the package's own templates. A
true sentence must be supported in all that it claims; one in which a type, cell, part, size, unit, severity, number or
verdict was exchanged for what the evidence does not say, or that was negated, must not be. Prints both rates by slot,
with Wilson intervals. No picture of any set is used.

With `--model` and `--data`, every finding of the pictures that the model rejects is painted over instead, and its
statement must go while the others stay (`explain.counterfactual`).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from specsight import images
from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.evaluation.numbers import rate
from specsight.explain.counterfactual import without_finding
from specsight.explain.explaining import Explainer
from specsight.explain.places import CELLS
from specsight.inspector import Inspector
from specsight.records import Decision, Excused, Finding, Inspection
from specsight.specification import Ignore, Specification
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.product import specification as tyre_specification

SIDE = 300
THRESHOLD = 1.0
LEVELS = ("minor", "major", "critical")
NUMBERS = ("no", "one", "two", "three", "four", "five")


class Told(NamedTuple):
    """What a sentence says of one finding."""

    type: str
    place: str
    part: str
    severity: str
    length: str


Frame = Callable[[Told], str]
OF_ONE: tuple[Frame, ...] = (
    lambda f: f"There is a {f.type} on the {f.part}.",
    lambda f: f"A {f.type} of {f.length} was found at the {f.place}.",
    lambda f: f"On the {f.part}, a {f.severity} {f.type} is visible in the {f.place} of the picture.",
    lambda f: f"The {f.type} on the {f.part} is {f.length} long and rated {f.severity}.",
    lambda f: f"We see a {f.type}. It lies on the {f.part}, {f.place}, and measures {f.length}.",
    lambda f: f"The {f.part} bears a {f.type} ({f.length}, {f.place}, {f.severity}).",
    lambda f: f"{f.type.capitalize()}: {f.length}, {f.place}, {f.part}.",
    lambda f: f"A defect of type {f.type} is located on the {f.part}; its severity is {f.severity}.",
    lambda f: f"A {f.length} {f.type} was detected on the {f.part}.",
    lambda f: (
        f"In the {f.place} the map shows a {f.severity} defect: a {f.type} with a length of {f.length}."
    ),
    lambda f: f"The defect at the {f.place} is a {f.type}.",
    lambda f: f"It was rejected because of a {f.type} in the {f.place} corner, {f.length} long.",
)
OF_TWO: tuple[Callable[[Told, Told], str], ...] = (
    lambda f, g: f"A {f.type} lies on the {f.part} and a {g.type} lies on the {g.part}.",
    lambda f, g: (
        f"The {f.type} at the {f.place} is {f.severity}, while the {g.type} at the {g.place} is {g.severity}."
    ),
    lambda f, g: f"Found: {f.type}, {f.place}, {f.length} long; {g.type}, {g.place}, {g.length} long.",
    lambda f, g: f"The {f.type} measures {f.length}, but the {g.type} is {g.length} long.",
    lambda f, g: (
        f"Along with a {f.severity} {f.type} ({f.part}) there is a {g.severity} {g.type} ({g.part})."
    ),
)
OF_NUMBER: tuple[Callable[[int], str], ...] = (
    lambda n: f"{NUMBERS[n].capitalize()} {'defect was' if n == 1 else 'defects were'} found.",
    lambda n: f"The picture shows {n} {'finding' if n == 1 else 'findings'}.",
    lambda n: f"Number of defects: {n}.",
)
OF_VERDICT: tuple[Callable[[bool], str], ...] = (
    lambda rejected: f"The part is {'rejected' if rejected else 'accepted'}.",
    lambda rejected: f"The part is {'not accepted' if rejected else 'not rejected'}.",
    lambda rejected: f"Verdict: {'reject' if rejected else 'accept'}.",
    lambda rejected: f"This tyre {'fails' if rejected else 'passes'} the inspection.",
    lambda rejected: f"The tyre {'must not be' if rejected else 'was'} shipped.",
)
OF_ABSENCE: tuple[Callable[[str], str], ...] = (
    lambda name: f"There is no {name}.",
    lambda name: f"No {name} was found.",
    lambda name: f"The tyre is free of any {name}.",
    lambda name: f"A {name} is not visible.",
    lambda name: f"It shows no sign of a {name}.",
)


@dataclass(frozen=True)
class Made:
    """One sentence about one picture."""

    text: str
    true: bool
    slot: str
    """What was falsified, or "none"."""
    picture: Inspection


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; returns the number of sentences that were judged wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m measured explanations", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wrong", action="store_true", help="print the sentences that were judged wrongly")
    parser.add_argument("--model", type=Path, help="a saved model whose findings are painted over")
    parser.add_argument("--data", type=Path, help="pictures for it")
    given = parser.parse_args(arguments)
    if given.model and given.data:
        return counterfactuals(given.model, given.data)
    explainer = Explainer(Specification.model_validate(tyre_specification(MODELS["touring"])))
    right, total, wrong = Counter[str](), Counter[str](), 0
    for made in sentences(given.pictures, given.seed, explainer.specification):
        supported = is_supported(explainer, made)
        total[made.slot] += 1
        right[made.slot] += supported is made.true
        wrong += supported is not made.true
        if supported is not made.true and given.wrong:
            print(f"{made.slot}: {made.text}")
    print("| falsified | sentences | judged rightly |\n|---|---|---|")
    for slot in sorted(total, key=lambda name: (name != "none", name)):
        share = rate(right[slot], total[slot], "no sentence")
        name = "nothing (true sentences: accepted)" if slot == "none" else slot
        low, high = share.low or 0.0, share.high or 0.0
        print(f"| {name} | {total[slot]} | {right[slot] / total[slot]:.1%} [{low:.1%}, {high:.1%}] |")
    return wrong


def counterfactuals(model: Path, data: Path) -> int:
    """Prints how often a statement goes with its finding, and how often the others stay; returns 0."""
    inspector = Inspector.load(model)
    gone, stayed, others, left_out = 0, 0, 0, Counter[str]()
    painted = 0
    for sample in load_dataset(data).samples:
        before = inspector.inspect(images.read_rgb(sample.image))
        for number in range(len(before.findings) if before.verdict == "reject" else 0):
            try:
                after = without_finding(before, number, inspector.inspect, inspector.explainer)
            except SpecsightError as error:
                left_out[str(error).partition("'")[0].strip()] += 1
                continue
            painted += 1
            gone += after.gone
            stayed += len(after.stayed)
            others += len(after.stayed) + len(after.lost)
    print("| statement | findings | share |\n|---|---|---|")
    for name, count, of in (
        ("of the painted finding: gone", gone, painted),
        ("of others: stayed", stayed, others),
    ):
        share = rate(count, of, "none")
        print(f"| {name} | {of} | {share.value:.1%} [{share.low:.1%}, {share.high:.1%}] |")
    for reason, count in left_out.items():
        print(f"\nnot painted over, {count}: {reason}")
    return 0


def is_supported(explainer: Explainer, made: Made) -> bool:
    """Whether the checker supports every claim of a sentence, and finds one at all."""
    checks = explainer.check(made.text, made.picture)
    return bool(checks) and all(one.outcome == "supported" for one in checks)


def sentences(pictures: int, seed: int, specification: Specification | None) -> Iterator[Made]:
    """Sentences about so many pictures; none where no specification is given."""
    if specification is None:
        return
    for number in range(pictures):
        generator = np.random.default_rng([seed, number])
        picture = inspection(generator, specification)
        yield from about(picture, generator, specification)


def about(
    picture: Inspection, generator: np.random.Generator, specification: Specification
) -> Iterator[Made]:
    """True and falsified sentences about one picture."""
    findings = picture.findings
    rejected, count = picture.verdict == "reject", len(picture.decision.counted)
    for judged in OF_VERDICT:
        yield Made(judged(rejected), True, "none", picture)
        yield Made(judged(not rejected), False, "polarity", picture)
    for numbered in OF_NUMBER:
        if count:
            yield Made(numbered(count), True, "none", picture)
        yield Made(numbered(count + 1), False, "count", picture)
        if count > 1:
            yield Made(numbered(count - 1), False, "count", picture)
    shown = {name for one in findings for name in (one.type or "", *one.also)}
    absent = [one.name for one in specification.defects if one.name not in shown]
    for absence in OF_ABSENCE:
        yield Made(absence(_drawn(generator, absent)), True, "none", picture)
        if findings:
            yield Made(absence(str(findings[0].type)), False, "negation", picture)
    for words in ("There are no defects.", "Nothing was found.", "The part is flawless."):
        yield Made(words, not findings, "none" if not findings else "no defect", picture)
    told = [_told(one, generator) for one in findings]
    for one, finding in zip(told, findings):
        frames = [f for f in OF_ONE if rejected or "rejected" not in f(one)]
        for frame in (frames[k] for k in generator.choice(len(frames), 4, replace=False)):
            yield Made(frame(one), True, "none", picture)
            for slot, false in _falsified(one, finding, picture, generator, specification):
                if frame(false) != frame(one):
                    yield Made(frame(false), False, slot, picture)
    if len(told) > 1:
        for pair in OF_TWO:
            yield Made(pair(told[0], told[1]), True, "none", picture)
            swapped = pair(told[0]._replace(type=told[1].type), told[1]._replace(type=told[0].type))
            yield Made(swapped, False, "types exchanged", picture)


def _told(finding: Finding, generator: np.random.Generator) -> Told:
    length = finding.length_mm or 0.0
    written = (
        f"{length:.1f} mm",
        f"{length / 10:.2f} cm",
        f"{length:.1f} millimetres",
        f"{finding.length_px:.0f} px",
        f"about {length:.0f} mm",
        f"{length:.1f}mm",
    )
    return Told(
        str(finding.type),
        finding.place,
        str(finding.part),
        str(finding.severity),
        written[int(generator.integers(len(written)))],
    )


def _falsified(
    told: Told,
    finding: Finding,
    picture: Inspection,
    generator: np.random.Generator,
    specification: Specification,
) -> Iterator[tuple[str, Told]]:
    """The same with one slot that no finding of the picture makes true."""
    others = [one for one in picture.findings if one is not finding]
    types = {one.type for one in picture.findings} | {name for one in picture.findings for name in one.also}
    superclasses = {one.superclass for one in specification.defects if one.name in types}
    foreign = [
        d.name for d in specification.defects if d.name not in types and d.superclass not in superclasses
    ]
    if foreign:
        yield "type", told._replace(type=_drawn(generator, foreign))
    cells = [cell for cell in CELLS if cell != finding.place and all(one.place != cell for one in others)]
    yield "cell", told._replace(place=_drawn(generator, cells))
    parts = [one.name for one in specification.parts if all(f.part != one.name for f in picture.findings)]
    yield "part", told._replace(part=_drawn(generator, parts))
    yield (
        "severity",
        told._replace(severity=_drawn(generator, [one for one in LEVELS if one != finding.severity])),
    )
    length = finding.length_mm or 0.0
    factor = float(generator.choice([0.4, 0.7, 1.3, 2.0, 10.0]))
    yield "size", told._replace(length=f"{length * factor:.1f} mm")
    units = ["cm", "m", "inches", "mm wide", *(["px"] if abs(length - finding.length_px) > 1 else [])]
    yield "unit", told._replace(length=f"{length:.1f} {_drawn(generator, units)}")
    if others:
        other = others[0]
        yield "another's cell", told._replace(place=other.place)
        yield "another's part", told._replace(part=str(other.part))


def _drawn(generator: np.random.Generator, among: Sequence[str]) -> str:
    return among[int(generator.integers(len(among)))]


def inspection(generator: np.random.Generator, specification: Specification) -> Inspection:
    """A made picture with up to four findings of different types in different cells; some are excused, some good."""
    count = int(generator.choice([0, 1, 1, 2, 2, 3, 4]))
    cells = [CELLS[k] for k in generator.choice(len(CELLS), count, replace=False)]
    types = [
        specification.defects[k] for k in generator.choice(len(specification.defects), count, replace=False)
    ]
    parts = [
        specification.parts[k].name for k in generator.choice(len(specification.parts), count, replace=False)
    ]
    map_ = np.zeros((SIDE, SIDE), np.float32)
    # Two lengths never round to the same: what is exchanged is false.
    scales = generator.permutation(4)
    findings = tuple(
        _finding(map_, cell, type_.name, part, int(scale), generator)
        for cell, type_, part, scale in zip(cells, types, parts, scales)
    )
    if findings and generator.random() < 0.2:
        shown = {one.type for one in findings}
        another = _drawn(generator, [d.name for d in specification.defects if d.name not in shown])
        findings = (replace(findings[0], also=(another,)), *findings[1:])
    excused = findings[1:2] if generator.random() < 0.3 else ()
    counted = tuple(one for one in findings if one not in excused)
    peak = max((one.peak for one in counted), default=0.4)
    decision = Decision(
        "reject" if counted else "accept",
        peak,
        THRESHOLD,
        counted=counted,
        observed=tuple(Excused(one, Ignore(defect=str(one.type))) for one in excused),
    )
    return Inspection(
        "made", "", "tyre touring tread", peak, decision, findings, map=map_, map_threshold=THRESHOLD
    )


def _finding(
    map_: np.ndarray, cell: str, type_: str, part: str, scale: int, generator: np.random.Generator
) -> Finding:
    row, column = divmod(CELLS.index(cell), 3)
    x, y = (int(SIDE / 3 * (k + 0.5) + generator.integers(-15, 16)) for k in (column, row))
    peak, reach = float(np.float32(generator.uniform(1.5, 4))), (6, 9, 13, 19)[scale]
    ys, xs = np.mgrid[y - reach : y + reach, x - reach : x + reach]
    rise = peak * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * (reach / 2) ** 2))
    map_[y - reach : y + reach, x - reach : x + reach] = rise
    length_mm = 2.5 * 1.8**scale * float(generator.uniform(0.9, 1.1))
    return Finding(
        box=(x - reach, y - reach, x + reach, y + reach),
        centroid=(float(x), float(y)),
        area_px=reach * reach,
        length_px=2.0 * reach,
        peak=peak,
        place=cell,
        type=type_,
        part=part,
        length_mm=length_mm,
        area_mm2=length_mm,
        severity=str(generator.choice(LEVELS)),
    )
