"""Whether a test picture, or another view of its part, can be seen outside of the test split."""

from __future__ import annotations

from pathlib import PurePosixPath

from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item


@checks.register("leakage")
class Leakage(Check):
    """No physical object is in two splits; references are good pictures of the train split, of other objects."""

    name, title = "leakage", "Splits share no part, and references come from train"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._splits: dict[tuple[str, str], tuple[str, str]] = {}
        self._pictures: dict[str, tuple[str, str, str]] = {}
        self._digests: dict[str, str] = {}
        self._references = 0

    def see_sample(self, sample: BenchmarkSample) -> None:
        """Splits by group and by digest."""
        first = self._splits.setdefault((sample.product, sample.group), (sample.split, sample.id))
        if first[0] != sample.split:
            self.problems.add(
                "a part in two splits", f"{first[1]} ({first[0]}) and {sample.id} ({sample.split})"
            )
        split = self._digests.setdefault(sample.sha256, sample.split)
        if split != sample.split:
            self.problems.add("the same picture in two splits", sample.id)
        self._pictures[sample.image] = (sample.split, sample.group, sample.label)

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """References of every item."""
        for reference in item.reference_images:
            self._references += 1
            if reference == sample.reference:
                continue  # the set itself gives it beside the picture
            split, group, label = self._pictures.get(reference, ("", "", ""))
            if split != "train":
                self.problems.add("a reference that is not of the train split", f"{item.id}: {reference}")
            elif label != "good":
                self.problems.add("a reference that is not good", f"{item.id}: {reference}")
            elif group == sample.group:
                self.problems.add("a reference that shows the same part", f"{item.id}: {reference}")
        words = " ".join((item.question, *item.options.values())).lower()
        if PurePosixPath(sample.image).name.lower() in words:
            self.problems.add("a question names the picture's file", item.id)

    def result(self) -> Result:
        """Both."""
        return self.found(f"{len(self._splits):,} parts, {self._references:,} references")
