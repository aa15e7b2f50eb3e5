"""A rating on disk: one folder, of which raters see their own sheet, or page, and the guide, and nothing else.

rating.json       `Rating`: what is rated, benchmark, models, raters, seed
key.jsonl         one `Statement` per line: who rates what at which place, and which model said it
shown.jsonl       of statements of inspections one `Shown` per line: what is shown with each of them
pictures/*.webp   of statements of inspections the picture, its findings outlined, and its map
guide.md          the scales and the anchors, for raters
sheets/CODE.csv   for those who prefer a spreadsheet
rating.sqlite     the ratings
summary.json      what came of it
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from specsight.benchmark.files import ITEMS, Benchmark, read_lines
from specsight.benchmark.rating.scales import KINDS, Kind, Scale
from specsight.benchmark.records import BenchmarkSample, Item, Record
from specsight.errors import SpecsightError
from specsight.storage.files import sha256
from specsight.storage.reading import read_text

RATING, KEY, SHOWN, PICTURES, GUIDE, SHEETS, STORE, SUMMARY = (
    "rating.json",
    "key.jsonl",
    "shown.jsonl",
    "pictures",
    "guide.md",
    "sheets",
    "rating.sqlite",
    "summary.json",
)


class Anchor(Record):
    """An example with the ratings that it should get."""

    sample: str
    image: str
    text: str
    ratings: Mapping[str, int]
    why: str


class Rating(Record):
    """What is rated, by whom."""

    kind: Kind = "answers"
    """Answers to the items of a benchmark, or the statements of inspections, which have no benchmark."""
    benchmark: str = ""
    """Its folder, relative to the rating's where that is possible."""
    version: str = ""
    items: str = ""
    """Digest of its items."""
    seed: int
    models: tuple[str, ...]
    raters: tuple[str, ...]
    statements: int
    """Different ones; each rater sees some of them twice."""
    anchors: tuple[Anchor, ...] = ()
    left_out: int = 0
    """Items that some models answered in words, and others did not; pictures that not all runs hold."""


class Statement(Record):
    """What one rater rates at one place."""

    rater: str
    place: int
    """From 1, in the order in which the rater sees them."""
    item: str
    """Of a benchmark; of inspections the picture."""
    model: str
    text: str
    again: bool = False
    """The second time, to see whether a rater agrees with himself."""


class Shown(Record):
    """What is shown with the statement that one model makes about one picture."""

    item: str
    model: str
    product: str
    picture: str
    """File within the rating; its name says nothing of the model."""
    instruction: str = ""


@dataclass(frozen=True)
class Asked:
    """What a statement answers, as a rater sees it."""

    product: str
    images: tuple[str, ...]
    question: str
    instruction: str = ""


INSPECTED = "What does the inspection say?"
"""Stands where a benchmark has a question."""


@dataclass
class RatingFolder:
    """A rating that lies in `path`. `given_data`: where the benchmark's pictures are, if not where it says."""

    path: Path
    given_data: Path | None = None

    @cached_property
    def rating(self) -> Rating:
        """Raises SpecsightError where the folder holds no rating."""
        path = self.path / RATING
        if not path.is_file():
            raise SpecsightError(
                f"'{self.path}' is no rating: it has no {RATING}; make one with: "
                "specsight benchmark rate BENCH RUN... -o RATING"
            )
        try:
            return Rating.model_validate_json(read_text(path))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise SpecsightError(f"'{path}': {'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    @cached_property
    def statements(self) -> dict[tuple[str, int], Statement]:
        """(rater, place) → what is rated there."""
        return {(one.rater, one.place): one for one in read_lines(self.path / KEY, Statement)}

    def of(self, rater: str) -> list[Statement]:
        """A rater's statements, in order. Raises SpecsightError for a code that rates nothing here."""
        found = sorted((s for s in self.statements.values() if s.rater == rater), key=lambda one: one.place)
        if not found:
            raise SpecsightError(f"'{rater}' rates nothing here: {', '.join(self.rating.raters)} do")
        return found

    @property
    def scales(self) -> Mapping[str, Scale]:
        """On which is rated here."""
        return KINDS[self.rating.kind]

    @cached_property
    def shown(self) -> dict[tuple[str, str], Shown]:
        """(picture, model) → what is shown with the statement of an inspection."""
        return {(one.item, one.model): one for one in read_lines(self.path / SHOWN, Shown)}

    def asked(self, statement: Statement) -> Asked:
        """What a statement answers. Raises SpecsightError where nothing is known of it."""
        if self.rating.kind == "answers":
            item, _ = self.items[statement.item]
            return Asked(item.category, tuple(item.images), item.question, item.instruction or "")
        found = self.shown.get((statement.item, statement.model))
        if found is None:
            raise SpecsightError(f"'{self.path / SHOWN}' lacks '{statement.item}': make the rating again")
        return Asked(found.product, (found.picture,), INSPECTED, found.instruction)

    @cached_property
    def benchmark(self) -> Benchmark:
        """The benchmark. Raises SpecsightError where its items have changed since."""
        folder = Path(os.path.normpath(self.path / self.rating.benchmark))
        benchmark = Benchmark(folder, self.given_data)
        _ = benchmark.manifest
        if sha256(folder / ITEMS) != self.rating.items:
            raise SpecsightError(f"the items of '{folder}' are not those that were to be rated")
        return benchmark

    @cached_property
    def anchors(self) -> list[BenchmarkSample]:
        """The samples of the anchors."""
        needed = {one.sample for one in self.rating.anchors}
        found = {one.id: one for one in self.benchmark.samples() if one.id in needed}
        if missing := needed - found.keys():
            raise SpecsightError(f"'{self.benchmark.folder}' has no sample '{min(missing)}'")
        return [found[one.sample] for one in self.rating.anchors]

    @cached_property
    def items(self) -> dict[str, tuple[Item, BenchmarkSample]]:
        """Of all statements: id → the item and its sample."""
        wanted = {one.item for one in self.statements.values()}
        items = {item.id: item for item in self.benchmark.items() if item.id in wanted}
        if missing := wanted - items.keys():
            raise SpecsightError(f"'{self.benchmark.folder}' has no item '{min(missing)}'")
        needed = {item.sample for item in items.values()}
        samples = {one.id: one for one in self.benchmark.samples() if one.id in needed}
        if missing := needed - samples.keys():
            raise SpecsightError(f"'{self.benchmark.folder}' has no sample '{min(missing)}'")
        return {id_: (item, samples[item.sample]) for id_, item in items.items()}


def check_ratings(ratings: Mapping[str, int | None], scales: Mapping[str, Scale]) -> dict[str, int]:
    """A value from 1 to 5 for every scale. Raises SpecsightError that names the scale without one."""
    whole = {}
    for name, scale in scales.items():
        value = ratings.get(name)
        if value is None or not 1 <= value <= 5:
            raise SpecsightError(f"{scale.title.lower()}: give a number from 1 to 5")
        whole[name] = value
    return whole
