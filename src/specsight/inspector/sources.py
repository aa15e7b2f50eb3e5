"""Folders that a user names → the samples to learn from, and what else lies there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.datasets import load_dataset
from specsight.datasets.accounting import Ignored, merged, unused_samples
from specsight.datasets.parts import split_by_part
from specsight.errors import SpecsightError
from specsight.images import masks_known
from specsight.records import Sample


@dataclass(frozen=True)
class Source:
    """The samples of one folder that are learned from."""

    samples: list[Sample]
    ignored: tuple[Ignored, ...] = ()
    """Everything else in the folder, by reason."""
    notes: tuple[str, ...] = ()
    """What was inferred of the folder, one sentence each."""


def good_source(folder: Path) -> Source:
    """Every picture in a folder, taken for good; where subfolders tell good from other, only the good ones.

    Raises SpecsightError where all pictures are of defective parts.
    """
    listing = split_by_part(load_dataset(folder))
    chosen, notes = (
        [s for s in listing.samples if s.label == "good" and not s.split.startswith("test")],
        listing.notes,
    )
    if not chosen:
        chosen = [s for s in listing.samples if s.label == "unknown"]
        notes = [*notes[:1], "no folder or list says which parts are good: every picture is taken for good"]
    if not chosen:
        raise SpecsightError(f"'{folder}' holds defective parts only: point --good at pictures of good parts")
    return Source(
        [replace(s, label="good", split="train") for s in chosen],
        merged([unused_samples(listing.samples, chosen), listing.ignored]),
        tuple(notes),
    )


def good_sources(folders: Sequence[Path]) -> Source:
    """What `good_source` finds in each of several folders; ids are those of the first, and "2/…", "3/…" of others."""
    found = [good_source(folder) for folder in folders]
    samples = [
        replace(sample, id=f"{number}/{sample.id}") if number > 1 else sample
        for number, source in enumerate(found, 1)
        for sample in source.samples
    ]
    notes = dict.fromkeys(note for source in found for note in source.notes)
    return Source(samples, merged([source.ignored for source in found]), tuple(notes))


def defective_source(folder: Path) -> Source:
    """The defective pictures of a labelled set of which it is known where their defects are.

    Raises SpecsightError where there is none.
    """
    listing = load_dataset(folder)
    chosen = [s for s in listing.samples if s.label == "defective" and masks_known(s)]
    if not chosen:
        raise SpecsightError(f"'{folder}' has no defective picture with a mask to learn from")
    return Source(
        chosen, merged([unused_samples(listing.samples, chosen), listing.ignored]), tuple(listing.notes)
    )
