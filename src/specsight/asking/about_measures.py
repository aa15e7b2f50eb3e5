"""Questions about single findings → sentences: where they lie, on which part, how large and how severe they are.

In: a query and a picture that was judged. Out: sentences, each about one finding, with the numbers measured on it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from specsight.asking.about_findings import beyond_findings, nothing_meant, untyped_cannot_say
from specsight.asking.answer import Sentence
from specsight.asking.context import LISTED, Context, described, select, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.query import MILLIMETRES, Query
from specsight.asking.words import area, counted, length, listed, located


def place(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """Where the defects that are meant lie."""
    for k in (yield from _each(seen, query, context)):
        finding = seen.finding(k)
        x, y = finding.centroid
        yield sentence(
            seen,
            "The {name} lies {where}, around x = {x} px, y = {y} px.",
            ("findings", "part map") if finding.part else ("findings",),
            findings=(k,),
            name=finding.type or "anomaly",
            where=located(finding),
            x=f"{x:.0f}",
            y=f"{y:.0f}",
        )


def part(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """Which part is affected."""
    for k in (yield from _each(seen, query, context)):
        finding = seen.finding(k)
        name = finding.type or "anomaly"
        if finding.part is None:
            yield sentence(
                seen,
                "The {name} lies on no part that is named.",
                ("findings", "part map"),
                findings=(k,),
                name=name,
            )
            continue
        beside = finding.peak_part if finding.peak_part != finding.part else None
        yield sentence(
            seen,
            "The {name} lies on the {part}" + (", and rises most on the {beside}." if beside else "."),
            ("findings", "part map"),
            findings=(k,),
            name=name,
            part=finding.part,
            beside=beside if beside else "",
        )


def size(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """How long or large the defects are that are meant, and whether that is more than is asked."""
    if query.measure == "distance":
        yield sentence(
            seen,
            "How far defects lie from one another, or from an edge, is not measured: where they lie can be asked.",
            ("question",),
            abstains=True,
        )
        return
    if query.measure in ("width", "depth", "height"):
        yield sentence(
            seen,
            "The {measure} of a defect is not measured: only its length and its area on the picture are.",
            ("question",),
            abstains=True,
            measure=query.measure,
        )
    for k in (yield from _each(seen, query, context)):
        if query.bound is not None:
            yield _compared(seen, k, query)
            continue
        finding = seen.finding(k)
        with_area = query.measure in ("", "area")
        parts = ["{length} long"] if query.measure != "area" else []
        parts += ["covers {area}"] if with_area else []
        yield sentence(
            seen,
            "The {name} " + ("is " if query.measure != "area" else "") + " and ".join(parts) + ".",
            ("findings",),
            findings=(k,),
            name=_name(seen, k),
            length=length(finding, query.unit) if query.measure != "area" else "",
            area=area(finding, query.unit) if with_area else "",
        )
        if finding.length_mm is None and query.unit != "px":
            yield _no_scale(seen)


def _compared(seen: JudgedPicture, number: int, query: Query) -> Sentence:
    finding, bound = seen.finding(number), query.bound
    assert bound is not None
    of_area, unit = query.measure == "area" or bound.unit.endswith("2"), bound.unit.removesuffix("2")
    if unit == "px":
        value: float | None = finding.area_px if of_area else finding.length_px
    elif of_area:
        value = None if finding.area_mm2 is None else finding.area_mm2 / MILLIMETRES[unit] ** 2
    else:
        value = None if finding.length_mm is None else finding.length_mm / MILLIMETRES[unit]
    said, verb = (area, "covers {size}") if of_area else (length, "is {size} long")
    if value is None:
        return sentence(
            seen,
            f"The {{name}} {verb}; whether that is {{bound}} cannot be said, for the scale is unknown: give "
            "mm_per_px in the specification or the manifest.",
            ("findings",),
            findings=(number,),
            abstains=True,
            name=_name(seen, number),
            size=said(finding),
            bound=bound.words,
        )
    return sentence(
        seen,
        f"{{lead}}: the {{name}} {verb}.",
        ("findings",),
        findings=(number,),
        lead="Yes" if bound.holds(value) else "No",
        name=_name(seen, number),
        size=said(finding, unit, None if bound.relation == "exactly" else bound.value),
    )


def _no_scale(seen: JudgedPicture) -> Sentence:
    return sentence(
        seen,
        "In millimetres it is not known, for the scale is not: give mm_per_px in the specification or the manifest.",
        ("specification",),
        abstains=True,
    )


def severity(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """How severe the defects are that are meant, by the severity rule; whether one has the level that is asked for."""
    numbers = yield from _each(seen, query, context)
    if query.level and numbers and not query.refers and len(numbers) > 1:
        of_level = [k for k in numbers if seen.finding(k).severity == query.level]
        yield sentence(
            seen,
            "{lead}: {found}.",
            ("findings", "specification"),
            findings=of_level or numbers,
            lead="Yes" if of_level else "No",
            found=described(seen, of_level or numbers),
        )
        return
    for k in numbers:
        level = seen.finding(k).severity
        if level is None:
            yield sentence(
                seen,
                "How severe the {name} is cannot be said: the severity rule has limits in millimetres and the scale is "
                "unknown; give mm_per_px in the specification or the manifest.",
                ("specification",),
                findings=(k,),
                abstains=True,
                name=_name(seen, k),
            )
            continue
        lead = "" if not query.level else "Yes: the" if level == query.level else "No: the"
        yield sentence(
            seen,
            "{lead} {name} is {level} ({length} long{critical}).",
            ("findings", "specification"),
            findings=(k,),
            lead=lead or "The",
            name=_name(seen, k),
            level=level,
            length=length(seen.finding(k)),
            critical=_critical(seen, k, context),
        )


def _critical(seen: JudgedPicture, number: int, context: Context) -> str:
    """That the part makes it graver, where it does."""
    name, specification = seen.finding(number).part, context.inspector.specification
    found = specification.part(name) if specification and name else None
    return f", on a critical part: the {found.name}" if found and found.critical else ""


def _each(seen: JudgedPicture, query: Query, context: Context) -> Generator[Sentence, None, tuple[int, ...]]:
    """The numbers of the findings that are meant, those that count first; a sentence where there are none."""
    found = select(seen, query, context)
    numbers = (
        tuple(sorted(found.numbers, key=lambda k: k in seen.excused)) if not query.which else found.numbers
    )
    plain = not (query.types or query.parts or query.places or query.which or query.refers or query.other)
    if plain and seen.counted:
        numbers = tuple(k for k in numbers if k in seen.counted)
    if not numbers and found.maybe:
        numbers = found.maybe
    if not numbers:
        others = list(beyond_findings(seen, query, context, "Found")) if plain else []
        yield from others or [nothing_meant(seen, query, context)]
        if found.untyped:
            yield untyped_cannot_say(seen, query, found)
    if len(numbers) > LISTED:
        yield sentence(
            seen,
            "{count} are meant; these are the {most} strongest.",
            ("findings",),
            findings=numbers,
            count=counted(len(numbers), "finding"),
            most=str(LISTED),
        )
    return numbers[:LISTED]


def _name(seen: JudgedPicture, number: int) -> str:
    """How a sentence calls a finding: "cut", or with its part where several have that name."""
    finding = seen.finding(number)
    name = finding.type or "anomaly"
    several = sum(one.type == finding.type for one in seen.findings) > 1
    also = f" (or {listed(finding.also, 'or')})" if finding.also else ""
    return f"{name}{also} {located(finding)}" if several else f"{name}{also}"
