"""The good parts of the train split that are shown with every question, or learned from: lists of `splits.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from specsight.benchmark.files import SPLITS, Benchmark
from specsight.benchmark.splits import Splits, references
from specsight.errors import SpecsightError
from specsight.storage import parse_json, read_text


@dataclass(frozen=True)
class FewShotLists:
    """Good parts of each product; `few_shot_lists` reads them."""

    benchmark: Benchmark
    shots: int
    ids: Mapping[str, tuple[str, ...]]
    """Product → ids of samples."""

    def images(self, product: str) -> tuple[Path, ...]:
        """Pictures of the list of a product. Raises SpecsightError where it has none."""
        if product not in self.ids:
            raise SpecsightError(f"there is no list of {self.shots} good parts of '{product}' (splits.json)")
        samples = [self.benchmark.sample(id_) for id_ in self.ids[product]]
        return tuple(self.benchmark.picture(sample.image) for sample in samples)


def few_shot_lists(benchmark: Benchmark, shots: int, seed: int) -> FewShotLists:
    """The lists of one length and seed. Raises SpecsightError where the benchmark has none."""
    path = benchmark.folder / SPLITS
    try:
        splits = Splits.model_validate(parse_json(read_text(path)))
    except FileNotFoundError as error:
        raise SpecsightError(f"'{path}' is not there: nothing says which parts --shots means") from error
    except ValueError as error:
        raise SpecsightError(f"'{path}' is damaged: {' '.join(str(error).split())}") from error
    return FewShotLists(benchmark, shots, references(splits, shots, seed))
