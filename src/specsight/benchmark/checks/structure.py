"""Names, answers and files: whether everything that a line says of itself can be."""

from __future__ import annotations

from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import ITEMS, SAMPLES, Benchmark
from specsight.benchmark.forms import unlike_its_form
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.tasks import TASKS
from specsight.storage.files import sha256

NOT_OPPOSITE = "a matched pair has not two opposite answers"


@checks.register("structure")
class Structure(Check):
    """Ids are unique, answers have the form of their item, pairs are pairs, and files are those of the manifest."""

    name, title = "structure", "Ids, answers, pairs and files agree"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._samples, self._items = set[int](), set[int]()
        self._halves: dict[str, str] = {}
        """Of pairs of which one item went by: their names → its answer in words."""
        self._pairs = set[int]()
        self._counts = {"samples": 0, "items": 0}

    def see_sample(self, sample: BenchmarkSample) -> None:
        """Unique ids; a good part has no defects; boxes lie on the picture."""
        self._unique(self._samples, sample.id, "id of a sample is not unique")
        self._counts["samples"] += 1
        if sample.label == "good" and sample.instances:
            self.problems.add("a good sample lists defects", sample.id)

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """Unique ids; the answer has the form of the item; same split and product as its sample."""
        self._unique(self._items, item.id, "id of an item is not unique")
        for name in ("items", f"items/{item.task}"):
            self._counts[name] = self._counts.get(name, 0) + 1
        if item.form not in TASKS[item.task].forms:
            self.problems.add("a form that its task does not have", f"{item.id} ({item.form})")
        if reason := unlike_its_form(item):
            self.problems.add(reason, item.id)
        if item.split != sample.split:
            self.problems.add("another split than its sample", item.id)
        if not item.provenance:
            self.problems.add("no provenance", item.id)
        if TASKS[item.task].paired and item.pair is None:
            self.problems.add("task asks for matched pairs, and this item has none", item.id)
        if item.pair is not None:
            self._pair(f"{item.sample}/{item.task}/{item.pair}", item.options.get(item.answer, item.answer))

    def result(self) -> Result:
        """Pairs and files are judged at the end."""
        for name, answer in self._halves.items():
            self.problems.add(NOT_OPPOSITE, f"{name} ({answer})")
        manifest = self.benchmark.manifest
        for name, count in self._counts.items():
            if manifest.counts.get(name, 0) != count:
                self.problems.add(
                    "manifest counts otherwise",
                    f"{name}: {manifest.counts.get(name, 0):,}, there are {count:,}",
                )
        for name, digest in manifest.files.items():
            path = self.benchmark.folder / name
            if not path.is_file() or sha256(path) != digest:
                self.problems.add("a file is not the one of the manifest", name)
        for name in (SAMPLES, ITEMS):
            if name not in manifest.files:
                self.problems.add("the manifest has no digest of a file", name)
        return self.found(
            f"{self._counts['samples']:,} samples, {self._counts['items']:,} items, "
            f"{len(self._pairs) + len(self._halves):,} matched pairs"
        )

    def _pair(self, name: str, answer: str) -> None:
        """The second item of a pair has the opposite answer to the first, and there is no third."""
        first = self._halves.pop(name, None)
        if hash(name) in self._pairs:
            self.problems.add(NOT_OPPOSITE, f"{name} (a third: {answer})")
        elif first is None:
            self._halves[name] = answer
        else:
            self._pairs.add(hash(name))
            if first == answer:
                self.problems.add(NOT_OPPOSITE, f"{name} ({first} / {answer})")

    def _unique(self, seen: set[int], id_: str, what: str) -> None:
        key = hash(id_)
        if key in seen:
            self.problems.add(what, id_)
        seen.add(key)
