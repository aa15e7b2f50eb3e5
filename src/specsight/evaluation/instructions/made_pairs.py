"""Matched pairs for a set that brings none: made of its masks and of the parts that an inspector finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specsight.errors import UnreadableFile
from specsight.evaluation.instructions.from_masks import pairs_of
from specsight.inspector import Inspector
from specsight.progress import track
from specsight.records import InstructedVerdict, Sample

NOTE = "the set brings no matched pairs: they were made of its masks and of the parts that were found"


def with_made_pairs(inspector: Inspector, samples: Sequence[Sample], seed: int = 0) -> list[Sample] | None:
    """The samples with the pairs that `from_masks.pairs_of` makes of each; None where one brings instructions already,
    and where none can be made.

    Defective pictures are looked at for their parts. Where a part is found is then part of the truth: it says nothing
    of how well parts are found. Pictures that cannot be read stay as they are.
    """
    specification = inspector.specification
    if specification is None or any(sample.instructions for sample in samples):
        return None
    made = []
    for sample in track(samples, f"Making pairs (seed {seed})"):
        pairs: tuple[InstructedVerdict, ...] = ()
        if sample.label == "defective":
            try:
                seen = inspector.look(sample)
                parts, names = seen.picture.parts, seen.sample.part_names
                pairs = pairs_of(sample, specification, parts, names, seed)
            except UnreadableFile:
                # The evaluation says so itself.
                pairs = ()
        made.append(replace(sample, instructions=pairs))
    return made if any(sample.instructions for sample in made) else None
