"""Does the part have what is required: a feature that is there or missing, required once and forbidden once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from specsight.benchmark.items.asking import Candidate, NotMade, Wording
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.pairs import PairAsker
from specsight.benchmark.items.templates import fill
from specsight.benchmark.items.truth import types_of
from specsight.benchmark.records import BenchmarkSample, ItemScope, Provenance
from specsight.specification import Requirement
from specsight.specification.vocabulary import lacks

PRESENT, ABSENT = "present", "absent"
WHERE = "requirements"


class Compliance(PairAsker):
    """Features that the specification requires once and that a type of defect is the lack of."""

    task = "compliance"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each requirement of which the sample's truth says whether it is met."""
        specification = context.specification
        required = [one for one in specification.requirements if one.count == 1] if specification else []
        if not required:
            yield NotMade("the specification requires nothing")
        for one in required:
            state = presence(sample, one)
            if state is None:
                yield NotMade("nothing says whether the picture shows what is required")
                continue
            yield Candidate(
                "feature",
                state,
                (sample.product, sample.split, one.feature),
                details={"provenance": (Provenance(source="specification", by=WHERE),)},
            )

    def wordings(
        self,
        candidate: Candidate,
        other: str,
        sample: BenchmarkSample,
        generator: np.random.Generator,
        context: Context,
    ) -> tuple[Wording, Wording]:
        """The feature has to be there, and the feature must not be there."""
        feature = candidate.pool[-1]
        specification = context.specification
        one = next(
            one for one in (specification.requirements if specification else ()) if one.feature == feature
        )
        required = self._said(
            "required", one, {"requirements": [one.model_dump(exclude_defaults=True)]}, generator
        )
        clause = {
            "known_defects": [{"name": feature}],
            "tolerances": [
                {"defect": defect.name}
                for defect in (specification.defects if specification else ())
                if lacks(defect.name, feature)
            ],
        }
        forbidden = self._said("forbidden", one, clause, generator)
        return (forbidden, required) if candidate.right == PRESENT else (required, forbidden)

    def _said(
        self, kind: str, one: Requirement, clause: Mapping[str, object], generator: np.random.Generator
    ) -> Wording:
        sentences = list(self.variant(Candidate("feature", "")).answers.items())
        among = [text for name, text in sentences if name.startswith(kind)]
        text = fill(among[int(generator.integers(len(among)))], {"feature": one.feature})
        return Wording(text, clause, ItemScope(parts=(one.part,) if one.part else ()))


def presence(sample: BenchmarkSample, required: Requirement) -> str | None:
    """Whether a picture shows a feature, the only thing that could be wrong with it; None: the truth does not say.

    It is absent where the only type of defect is the lack of it. It is present where the set says so of a good picture
    in an instruction, and on good pictures that show the whole product.
    """
    types = types_of(sample)
    if sample.label == "defective":
        return ABSENT if types and all(lacks(type_, required.feature) for type_ in types) else None
    for one in sample.instructions:
        features = [each.get("feature") for each in one.clause.get("requirements", ())]
        if features == [required.feature] and len(one.clause) == 1:
            return PRESENT if one.verdict == "accept" else None
    return None if "view" in sample.conditions else PRESENT
