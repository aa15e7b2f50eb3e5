"""Folders that a user names → the samples to learn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.images import masks_known
from specsight.records import Sample


def good_samples(folder: Path) -> list[Sample]:
    """Every picture in a folder, taken for good; where subfolders tell good from other, only the good ones.

    Raises SpecsightError where all pictures are of defective parts.
    """
    samples = load_dataset(folder).samples
    labelled = [s for s in samples if s.label == "good" and not s.split.startswith("test")]
    chosen = labelled or [s for s in samples if s.label == "unknown"]
    if not chosen:
        raise SpecsightError(f"'{folder}' holds defective parts only: point --good at pictures of good parts")
    return [replace(s, label="good", split="train") for s in chosen]


def defective_samples(folder: Path) -> list[Sample]:
    """The defective pictures of a labelled set of which it is known where their defects are.

    Raises SpecsightError where there is none.
    """
    chosen = [s for s in load_dataset(folder).samples if s.label == "defective" and masks_known(s)]
    if not chosen:
        raise SpecsightError(f"'{folder}' has no defective picture with a mask to learn from")
    return chosen
