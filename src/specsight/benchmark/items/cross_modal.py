"""Which of colour and depth shows the defect: pictures with a depth map whose set says so."""

from __future__ import annotations

from collections.abc import Iterator

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import NONE, defects_of
from specsight.benchmark.records import BenchmarkSample


class CrossModal(Asker):
    """The depth map is the second picture."""

    task = "cross_modal"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture with depth."""
        if sample.depth is None:
            yield NotMade("there is no depth map")
            return
        seen = {instance.visible for instance in defects_of(sample)}
        if sample.label != "good" and (len(seen) != 1 or None in seen):
            yield NotMade("what shows its defects is not known, or differs between them")
            return
        right = NONE if sample.label == "good" else str(seen.pop())
        yield Candidate(
            "modality",
            right,
            (sample.product, sample.split),
            details={"images": (sample.image, sample.depth)},
        )

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Three options at least: two would mostly ask whether there is a defect."""
        return Grouping((4, 3))
