"""Accept or reject where one part alone is inspected: that of a defect, and one that no defect touches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specsight.benchmark.items.asking import Candidate, NotMade, Wording
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.pairs import PairAsker
from specsight.benchmark.items.truth import defects_of
from specsight.benchmark.records import BenchmarkSample, ItemScope
from specsight.evaluation.instructions.from_masks import HOME
from specsight.evaluation.instructions.phrasing import scope_sentence


class PartScope(PairAsker):
    """Pictures with defects, of whose parts the set itself says where they lie."""

    task = "part_scope"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each defective picture."""
        if sample.label == "good":
            return
        names = sorted(set(sample.part_names.values()))
        if not sample.masks_known or len(names) < 2:
            yield NotMade("where its parts, or its defects, lie is not known")
            return
        home = home_part(sample)
        if home is None:
            yield NotMade("no defect lies clearly on one part")
            return
        touched = {part for instance in sample.instances for part in instance.parts}
        barred = tuple(sorted(touched - {home}))
        yield Candidate("one", home, (sample.product, sample.split, *names), barred)

    def wordings(
        self,
        candidate: Candidate,
        other: str,
        sample: BenchmarkSample,
        generator: np.random.Generator,
        context: Context,
    ) -> tuple[Wording, Wording]:
        """Inspect the one, or the other."""
        home, away = (inspect_only(part, generator) for part in (candidate.right, other))
        return home, away


def home_part(sample: BenchmarkSample) -> str | None:
    """The part that the largest defect lies on that lies clearly on one; None without such."""
    clear = [
        (instance.area_px, part)
        for instance in defects_of(sample)
        for part, share in instance.parts.items()
        if share > HOME
    ]
    return max(clear)[1] if clear else None


def inspect_only(part: str, generator: np.random.Generator) -> Wording:
    """An instruction that restricts the inspection to one part."""
    return Wording(scope_sentence(generator, part), {"scope": [part]}, ItemScope(parts=(part,)))
