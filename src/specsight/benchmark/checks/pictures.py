"""Whether pictures are there, and are those that the truth was made of."""

from __future__ import annotations

from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.datasets.parallel import map_in_threads
from specsight.errors import SpecsightError
from specsight.storage.files import sha256


@checks.register("pictures")
class Pictures(Check):
    """Every file that is named is in the data folder, and every picture has its digest."""

    name, title = "pictures", "Pictures are there, and unchanged"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._digests: dict[str, str] = {}
        self._others = set[str]()

    def see_sample(self, sample: BenchmarkSample) -> None:
        """Its files."""
        self._digests[sample.image] = sample.sha256
        further = (sample.depth, sample.normals, sample.parts, sample.reference)
        self._others.update(one for one in (*sample.masks, *further) if one)

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """Files that only items name: references, composed panels."""
        self._others.update((*item.images, *item.reference_images, *item.masks))

    def result(self) -> Result:
        """Reads every picture once."""
        try:
            data = self.benchmark.data
        except SpecsightError as error:
            return Result(self.name, self.title, "not run", str(error))
        problems = map_in_threads(self._problem, list(self._digests.items()), "Reading pictures")
        for relative, problem in zip(self._digests, problems, strict=True):
            if problem:
                self.problems.add(problem, relative)
        for relative in sorted(self._others - set(self._digests)):
            try:
                if not self.benchmark.picture(relative).is_file():
                    self.problems.add("a file is not there", relative)
            except SpecsightError:
                self.problems.add("a path outside of the data folder", relative)
        return self.found(f"{len(self._digests):,} pictures in {data}")

    def _problem(self, named: tuple[str, str]) -> str:
        relative, digest = named
        try:
            path = self.benchmark.picture(relative)
            if not path.is_file():
                return "a file is not there"
            return "" if sha256(path) == digest else "a picture has changed"
        except SpecsightError:
            return "a path outside of the data folder"
        except OSError as error:
            return f"a file cannot be read ({error.strerror})"
