"""The same picture twice, the same question twice."""

from __future__ import annotations

import hashlib

from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item


@checks.register("duplicates")
class Duplicates(Check):
    """No picture is there under two names, and nothing is asked twice of the same pictures."""

    name, title = "duplicates", "No picture and no question is there twice"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._pictures: dict[str, str] = {}
        self._questions = set[bytes]()

    def see_sample(self, sample: BenchmarkSample) -> None:
        """By the digest of its file."""
        other = self._pictures.setdefault(sample.sha256, sample.id)
        if other != sample.id:
            self.problems.add("the same picture under two names", f"{other} and {sample.id}")

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """By pictures, instruction, question and options, whatever their order."""
        asked = (
            *item.images, *item.reference_images, item.instruction or "", item.question, *sorted(item.options.values()),
        )  # fmt: skip
        key = hashlib.blake2b("\0".join(asked).encode("utf-8", "surrogatepass"), digest_size=12).digest()
        if key in self._questions:
            self.problems.add("the same is asked twice", item.id)
        self._questions.add(key)

    def result(self) -> Result:
        """Both."""
        return self.found(
            f"{len(self._pictures):,} different pictures, {len(self._questions):,} different questions"
        )
