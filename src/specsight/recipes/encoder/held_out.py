"""Held-out examples by kind, and how well sentences find and name the defects in them.

Decisions about a recipe are taken on these numbers. The examples come from seeds, photographs and tyres that training
never uses, and from none of the sets on which the encoder is finally measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specsight.metrics import image_auroc
from specsight.recipes.encoder.joint_batches import IGNORED, UNNAMED, cell_labels, mark_labels
from specsight.recipes.encoder.scene_examples import MARK_KINDS, TYPES, SceneExamples
from specsight.synthetic.scenes.photographs import Photographs
from specsight.synthetic.scenes.tyre_pictures import TyrePictures
from specsight.synthetic.tyres.invented import PICTURES_PER_MODEL

SEED = 2 * 10**9
KINDS = ("tyre", "block", "vessel", "object", "scene")
SIDE = 224
PEAK_CELLS = 3
"""A picture's score is the mean of this many highest margins."""
AT_ONCE = 16


@dataclass(frozen=True)
class HeldOutExamples:
    """Pictures (N, S, S, 3) uint8 and, of their cells (N, h, w), the labels and the acceptable marks, by kind."""

    kinds: dict[str, tuple[Tensor, Tensor, Tensor]]

    @classmethod
    def make(cls, examples: SceneExamples, count: int) -> HeldOutExamples:
        """`count` examples of each kind; always the same ones for the same sources."""
        kinds = {}
        for number, kind in enumerate(KINDS):
            own = [
                examples.make_kind(kind, np.random.default_rng((SEED, number, k)), SIDE) for k in range(count)
            ]
            pictures = torch.from_numpy(np.stack([example.rgb for example in own]))
            kinds[kind] = (
                pictures,
                torch.from_numpy(np.stack([cell_labels(example.types) for example in own])),
                torch.from_numpy(np.stack([mark_labels(example) for example in own])),
            )
        return cls(kinds)

    def measure(self, margins_of: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """AUROC of cells and of pictures, and the share of defective cells that are given their own type, by kind.

        `margins_of`: pictures (B, S, S, 3) uint8 → margins (B, h, w, K) of every type over "good", or, of every kind
        of mark as well, (B, h, w, K + M): then AUROC of the cells with each mark as well, by its own margin.
        """
        result = {}
        for kind, (pictures, labels, marks) in self.kinds.items():
            every = torch.cat(
                [margins_of(pictures[k : k + AT_ONCE]).cpu() for k in range(0, len(pictures), AT_ONCE)]
            )
            margins, of_marks = every[..., : len(TYPES)], every[..., len(TYPES) :]
            best = margins.max(-1)
            labelled = labels != IGNORED
            damaged = ((labels > 0) & labelled).flatten(1).any(1)
            # A picture whose defects are all too faint to be labelled is neither good nor defective.
            certain = damaged | (labels == 0).flatten(1).all(1)
            peaks = best.values.flatten(1).topk(PEAK_CELLS, dim=1).values.mean(1)
            typed = (labels > 0) & (labels != UNNAMED)
            right = (best.indices[typed] + 1 == labels[typed]).float().mean()
            result[f"{kind}/cell_auroc"] = _auroc(labels[labelled] > 0, best.values[labelled])
            result[f"{kind}/image_auroc"] = _auroc(damaged[certain], peaks[certain])
            result[f"{kind}/type_accuracy"] = float(right)
            for number in range(of_marks.shape[-1]):
                if (marks == number + 1).any():
                    known = marks != IGNORED
                    found = _auroc(marks[known] == number + 1, of_marks[..., number][known])
                    result[f"{kind}/{MARK_KINDS[number]}"] = found
        return {key: round(value, 4) for key, value in result.items()}


def _auroc(truth: Tensor, scores: Tensor) -> float:
    return image_auroc(truth.numpy(), scores.float().numpy())


def examples_and_held_out(
    photographs: Path, shares: Mapping[str, float], tyres: Path, count: int, size: int, held_out: int
) -> tuple[SceneExamples, HeldOutExamples]:
    """Examples to learn from, and `held_out` of each kind from photographs and tyres that the former never show.

    Renders the `count` tyres of `size` pixels that are missing in the folder `tyres`; none for a count of 0.
    """
    # Held-out tyres begin with a model of their own.
    first = -(-count // PICTURES_PER_MODEL) * PICTURES_PER_MODEL
    own, others = (
        TyrePictures(tyres, start, stop, size, TYPES) if count else None
        for start, stop in ((0, count), (first, first + held_out))
    )
    unseen = HeldOutExamples.make(SceneExamples(Photographs(photographs, held_out=True), others), held_out)
    return SceneExamples(Photographs(photographs), own, shares), unseen
