"""How grave is it, by the product's rules, which go with every such question, whatever its picture shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import NONE, gravest
from specsight.benchmark.records import BenchmarkSample, Provenance
from specsight.specification import SeverityLevel, Specification


class Severity(Asker):
    """The level of the gravest defect."""

    task = "severity"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture."""
        if context.specification is None:
            yield NotMade("there is no specification, and so no severity rule")
            return
        level = NONE if sample.label == "good" else gravest(sample, context.levels)
        if level is None:
            yield NotMade("the level of a defect is not known, or not one of the specification's")
            return
        yield Candidate(
            "level",
            level,
            (sample.product, sample.split),
            details={
                "instruction": rules(context.specification),
                "provenance": (Provenance(source="specification", by="severity rules"),),
            },
        )

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Neighbouring levels together."""
        ranks = {level: rank for rank, level in enumerate((NONE, *context.levels))}

        def near(first: str, second: str) -> float:
            return 1 / max(1, abs(ranks[first] - ranks[second]))

        return Grouping((4, 3, 2), near)


@lru_cache(maxsize=8)
def rules(specification: Specification) -> str:
    """All severity rules of a product in words, by the types that they hold for."""
    by_rule: dict[str, list[str]] = {}
    for defect in specification.defects:
        if defect.severity:
            by_rule.setdefault(_rule(defect.severity), []).append(defect.name)
    sentences = [f"{', '.join(names)}: {rule}." for rule, names in by_rule.items()]
    critical = [part.name for part in specification.parts if part.critical]
    if critical:
        sentences.append(f"On these parts a defect is one level graver: {', '.join(critical)}.")
    other = "Other defects" if by_rule else "Any defect"
    return " ".join(("Severity rules.", *sentences, f"{other}: {_rule(specification.severity)}."))


def _rule(steps: Sequence[SeverityLevel]) -> str:
    return ", ".join(
        f"{step.level} up to {step.up_to_mm:g} mm long"
        if step.up_to_mm is not None
        else f"{step.level} up to {step.up_to_percent:g} % of the picture"
        if step.up_to_percent is not None
        else f"else {step.level}"
        if len(steps) > 1
        else f"always {step.level}"
        for step in steps
    )
