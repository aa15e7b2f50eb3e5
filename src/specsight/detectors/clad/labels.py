"""What an encoded example shows in the terms of one stage's states, as a picture and patch by patch.

In: an `EncodedExample` and the `StateSentences` of a stage. Out: `LabelledExample`s; state 0 is "good".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from specsight.detectors.clad.examples import EncodedExample
from specsight.detectors.clad.sentences import StateSentences
from specsight.detectors.examples import defective_cells

IGNORED = -1


@dataclass(frozen=True)
class PatchLabels:
    """Labelled patches of an example, by their numbers row by row."""

    good: Tensor
    """Numbers of good patches."""
    defective: Tensor
    """Numbers of defective patches."""
    states: Tensor
    """State of each defective patch."""

    def draw(self, count: int, generator: torch.Generator) -> PatchLabels:
        """Draw at most `count` good patches and as many defective ones."""
        good = self.good[torch.randperm(len(self.good), generator=generator)[:count]]
        order = torch.randperm(len(self.defective), generator=generator)[:count]
        return PatchLabels(good, self.defective[order], self.states[order])


@dataclass(frozen=True)
class LabelledExample:
    """An example, the states that the whole picture shows (C,) bool, and those of its patches."""

    example: EncodedExample
    shows: Tensor
    patches: PatchLabels


def label(example: EncodedExample, sentences: StateSentences, *, general: bool) -> LabelledExample:
    """Label an example with a stage's states.

    Patches that a defect covers by less than `COVERED` have no label, nor have those of padding.
    """
    shows = torch.zeros(len(sentences.sentences), dtype=torch.bool)
    cells = np.where(example.inside, 0, IGNORED)
    covered = example.covered_by_state(general=general)
    covers = {sentences.states.index(state) + 1: cover for state, cover in covered.items()}
    shows[list(covers) or [0]] = True
    if covers:
        stacked = np.stack([np.where(example.inside, cover, 0) for cover in covers.values()])
        clear = np.where(defective_cells(stacked), stacked, 0)
        cells[stacked.max(0) > 0] = IGNORED
        labelled = clear.max(0) > 0
        cells[labelled] = np.array(list(covers))[clear.argmax(0)][labelled]
    flat = torch.from_numpy(cells.ravel().astype(np.int64))
    defective = torch.nonzero(flat > 0)[:, 0]
    patches = PatchLabels(torch.nonzero(flat == 0)[:, 0], defective, flat[defective])
    return LabelledExample(example, shows, patches)
