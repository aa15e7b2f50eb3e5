"""Rows of a suite under other words: what those change of the numbers of the row under the words as written.

In: the folder of the suite, with the runs of both rows. Out: the record's row, with its changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from specsight.datasets import load_dataset
from specsight.evaluation import summary
from specsight.evaluation.changes import Drawn, drawn
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.measure import Measured
from specsight.evaluation.suite_catalogue import DETECTION, Row, slug
from specsight.prompts.labels import spelt_as_labelled
from specsight.prompts.rewording import meanings, reword
from specsight.runs.folder import RunFolder
from specsight.runs.suite_record import SuiteRow
from specsight.specification import load_specification


@dataclass
class Compared:
    """What rows under other words change of the numbers of the row that they are compared with."""

    out: Path
    config: EvaluationConfig
    _before: dict[tuple[str, int], Drawn] = field(default_factory=dict)

    def with_changes(self, row: Row, finished: SuiteRow) -> SuiteRow:
        """A finished row with its changes and without numbers about names, where it is compared with one that ran."""
        if not row.compared_with:
            return finished
        values: dict[str, Any] = {name: value for name, value in finished.values.items() if name in DETECTION}
        finished = replace(finished, values={**dict.fromkeys(finished.values), **values})
        numbers = self._changes(row)
        return replace(
            finished,
            values={**finished.values, **{name: one["value"] for name, one in numbers.items()}},
            deviations={**finished.deviations, **{name: one["sd"] for name, one in numbers.items()}},
            intervals={
                **finished.intervals,
                **{name: (one["low"], one["high"]) for name, one in numbers.items()},
            },
        )

    def _changes(self, row: Row) -> dict[str, Any]:
        """As they stand in `metrics.json`; empty where the other row has no run."""
        before = RunFolder(self.out / slug(row.compared_with))
        if not before.path.is_dir() or not before.metrics():
            return {}
        meant, resamples = self._meant(row), self.config.measuring.resamples
        measured = {}
        for seed in self.config.seeds:
            key = (row.compared_with, seed)
            if key not in self._before:
                self._before[key] = drawn(before, seed, resamples)
            after = drawn(RunFolder(self.out / slug(row.name)), seed, resamples, meant)
            measured[seed] = Measured(values=after.changes(self._before[key]))
        return summary.over_seeds(measured)

    def _meant(self, row: Row) -> dict[str, str] | None:
        """What the row's types stand for, in the spelling of the labels."""
        file = self.config.learning.specification
        if file is None or row.rewording is None:
            return None
        listing = load_dataset(self.config.data.path, self.config.data.layout, self.config.data.product)
        words = load_specification(file)
        labelled = spelt_as_labelled(words, listing.samples)
        called = dict(
            zip((one.name for one in words.defects), (one.name for one in labelled.defects), strict=True)
        )
        meant = {name: called[of] for name, of in meanings(words, row.rewording).items()}
        # Other words are called as labels spell them, too, where they are a label's.
        reworded = reword(words, row.rewording)
        spelt = spelt_as_labelled(reworded, listing.samples)
        return {
            new.name: meant[old.name]
            for old, new in zip(reworded.defects, spelt.defects, strict=True)
            if old.name in meant
        }
