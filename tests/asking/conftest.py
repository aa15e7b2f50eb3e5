"""A fitted model that questions are asked of, made once for all of them."""

from __future__ import annotations

import pytest
from tests.support.instructed_plates import make_plates

from specsight.datasets import load_dataset
from specsight.inspector import Inspector
from specsight.records import Sample


@pytest.fixture(scope="session")
def plates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inspector, dict[str, Sample]]:
    """A model of two-part plates that tells no types, and the samples by id."""
    folder = make_plates(tmp_path_factory.mktemp("asked"), test=2)
    samples = load_dataset(folder / "manifest.jsonl").samples
    inspector = Inspector.fit(
        [one for one in samples if one.split == "train"],
        encoder="filters",
        resolution=64,
        folds=0,
        specification=folder / "specification.yaml",
    )
    return inspector, {one.id: one for one in samples}
