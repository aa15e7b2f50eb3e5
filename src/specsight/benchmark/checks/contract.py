"""The contract of checks: samples and items pass by, one at a time; then each check says what it found.

In: a benchmark's folder. Out: a `Result` per check. A module of this package that registers a check is found by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.errors import SpecsightError
from specsight.progress import track
from specsight.registry import Registry

EXAMPLES = 5
Status = Literal["passes", "warns", "fails", "not run"]


@dataclass(frozen=True)
class Result:
    """What one check found."""

    name: str
    title: str
    status: Status
    summary: str
    """In one line: what was measured, also where it passes."""
    problems: tuple[str, ...] = ()
    """What is wrong, with examples, a line each."""


@dataclass
class Problems:
    """Problems of several kinds: how many of each, and the first examples."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, where: str) -> None:
        """One more of the kind `what`, found at `where`."""
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.counts[what] <= EXAMPLES:
            self.examples.setdefault(what, []).append(where)

    def __bool__(self) -> bool:
        return bool(self.counts)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line per kind: "3 × what: a, b, c"."""
        return tuple(
            f"{count:,} × {what}: {', '.join(self.examples[what])}{', …' if count > EXAMPLES else ''}"
            for what, count in self.counts.items()
        )


class Check(ABC):
    """One check. It sees every sample, then every item with its sample; nothing that it keeps grows with pixels."""

    name: ClassVar[str]
    title: ClassVar[str]
    """What is checked, in words."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark, self.problems = benchmark, Problems()

    def see_sample(self, sample: BenchmarkSample) -> None:  # noqa: B027
        """One sample goes by."""

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:  # noqa: B027
        """One item goes by."""

    @abstractmethod
    def result(self) -> Result:
        """What was found, after everything went by."""

    def found(self, summary: str, *, warns: bool = False) -> Result:
        """A result with the problems seen so far; `warns`: none of them keeps a benchmark from being released."""
        status: Status = "passes" if not self.problems else "warns" if warns else "fails"
        return Result(self.name, self.title, status, summary, self.problems.lines)


checks: Registry[type[Check]] = Registry(
    "check", "specsight.benchmark.checks", group="specsight.benchmark_checks", first=("structure",)
)


def check_benchmark(benchmark: Benchmark, only: Iterable[str] = ()) -> list[Result]:
    """Run every registered check, or those named in `only`; the results in the order of the registry.

    A benchmark whose lines cannot be read fails, and what could not be seen for it is not run. Raises SpecsightError
    for an unknown name, and where the folder holds no benchmark.
    """
    names = list(only) or list(checks)
    running = [checks[name](benchmark) for name in names]
    total = benchmark.manifest.counts.get("samples")
    try:
        for sample in track(benchmark.samples(), "Checking samples", total):
            for check in running:
                check.see_sample(sample)
        for sample, items in track(benchmark.by_sample(), "Checking items", total):
            for item in items:
                for check in running:
                    check.see_item(item, sample)
    except SpecsightError as error:
        unread = Result("reading", "Every line can be read", "fails", "reading stopped", (str(error),))
        return [unread, *(Result(one.name, one.title, "not run", "lines cannot be read") for one in running)]
    return [check.result() for check in track(running, "Judging")]


def failures(results: Iterable[Result]) -> list[Result]:
    """Those that keep a benchmark from being released without a note: what failed, and what could not be run."""
    return [one for one in results if one.status in ("fails", "not run")]
