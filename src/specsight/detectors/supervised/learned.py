"""What a supervised detector has learned, and how it judges patches: z-scores of deviation and of the head's odds.

In: patches in the space of good ones. Out: for each how far it leaves the good ones and what the head says, both in
deviations of unseen good patches. Two values in like units are summed: what no label shows still deviates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from specsight.detectors.saving import State, json_array, of_json_array
from specsight.detectors.supervised.patches import PatchSet, deviation
from specsight.encoders import Features
from specsight.features.memory_bank import MemoryBank
from specsight.features.patch_space import PatchSpace
from specsight.learning.adaptation import AffineMap

METHODS = ("coral", "adabn", "coral_loss", "mmd", "dann", "tent")
"""Ways to adapt, see `adapting`."""
HIGH = 0.9
DEVIATIONS = 1.2815515655446004
"""Standard deviations that the quantile `HIGH` of a normal distribution lies above its median."""
TINY = 1e-6
HEAD, MOVED, SPACE = "head/", "moved/", "space/"


@dataclass(frozen=True)
class Scale:
    """Where the values of usual patches lie."""

    middle: float
    spread: float

    @classmethod
    def of(cls, values: Features) -> Scale:
        """Median, and deviation from median to the quantile `HIGH`: a few defective patches hardly change either."""
        middle, high = (float(value) for value in np.quantile(values, (0.5, HIGH)))
        return cls(middle, max((high - middle) / DEVIATIONS, TINY))

    def __call__(self, values: Features) -> Features:
        """The values in deviations."""
        return np.asarray((values - self.middle) / self.spread, np.float32)


@dataclass(frozen=True)
class Adaptation:
    """How a model was brought to another line."""

    method: str
    pictures: int
    """Unlabelled pictures of that line."""

    def sentence(self) -> str:
        """For people."""
        return f"adapted by {self.method} to {self.pictures} unlabelled pictures of another line"


@dataclass(frozen=True)
class Learned:
    """Everything that judging and adapting need."""

    space: PatchSpace
    bank: MemoryBank
    types: tuple[str, ...]
    deviating: Scale
    """Of distances to the nearest good patch."""
    telling: Scale
    """Of the head's odds."""
    head: State
    """Weights of the head; empty where no labelled defect was given."""
    source: PatchSet
    """What the head learned from."""
    moved: AffineMap | None = None
    """Brings patches of the line that it was adapted to, to those that it learned from."""
    adaptation: Adaptation | None = None

    def inputs(self, vectors: Features) -> tuple[Features, Features]:
        """(distances (...), inputs of the head (..., 2 k)) of vectors (..., k), not yet moved."""
        moved = self.moved(vectors) if self.moved else vectors
        distances, differences = deviation(moved, self.bank)
        return distances, head_inputs(moved, differences)

    def judge(self, patches: Features, weight: float) -> Features:
        """(n, 1 + K) of patches (n, D): deviation and `weight` times odds of any defect, then of every type; without a
        head the deviation alone."""
        distances, inputs = self.inputs(self.space.project(patches))
        deviating = self.deviating(distances)
        if not self.head:
            return deviating[:, None]
        from specsight.detectors.supervised.head import Head, judged

        told = self.telling(judged(Head.of_arrays(self.head), inputs))
        return np.asarray(deviating[:, None] + weight * told, np.float32)

    def state(self) -> State:
        """As arrays."""
        scales = [self.deviating.middle, self.deviating.spread, self.telling.middle, self.telling.spread]
        state: State = {
            "bank": self.bank.vectors,
            "scales": np.array(scales),
            "types": json_array(self.types),
            "source": self.source.vectors.astype(np.float16),
            "folds": self.source.folds,
            **{SPACE + name: values for name, values in self.space.arrays().items()},
            **{HEAD + name: values for name, values in self.head.items()},
        }
        if self.types:
            state["shares"] = self.source.shares.astype(np.float16)
        if self.moved:
            state |= {MOVED + name: values for name, values in vars(self.moved).items()}
        if self.adaptation:
            state["adaptation"] = json_array(vars(self.adaptation))
        return state

    @classmethod
    def of_state(cls, state: State) -> Learned:
        """Read what `state` gave. Raises KeyError, TypeError or ValueError where it does not fit together."""
        scales, types = state["scales"].tolist(), of_json_array(state["types"])
        space, head, moved = (_below(state, prefix) for prefix in (SPACE, HEAD, MOVED))
        vectors, width = state["source"].astype(np.float32), state["bank"].shape[1]
        empty = np.zeros((*vectors.shape[:2], 0), np.float16)
        shares = (state["shares"] if types else empty).astype(np.float32)
        tables = vectors.ndim == 3 and shares.shape == (*vectors.shape[:2], len(types))
        if not tables or vectors.shape[2] != width or len(state["folds"]) != len(vectors):
            raise ValueError("patches, types and folds do not fit together")
        if width != len(space["weights"]) or (head and head["hidden.weight"].shape[1] != 2 * width):
            raise ValueError("head, bank and axes do not fit together")
        adaptation = of_json_array(state["adaptation"]) if "adaptation" in state else None
        return cls(
            PatchSpace.of_arrays(space),
            MemoryBank(state["bank"]),
            tuple(map(str, types)),
            Scale(*scales[:2]),
            Scale(*scales[2:]),
            head,
            PatchSet(vectors, shares, state["folds"]),
            AffineMap(**moved) if moved else None,
            Adaptation(str(adaptation["method"]), int(adaptation["pictures"])) if adaptation else None,
        )


def head_inputs(vectors: Features, differences: Features) -> Features:
    """What the head is given of patches (..., k): what they are, and how they deviate, (..., 2 k)."""
    return np.concatenate([vectors, differences], -1)


def _below(state: State, prefix: str) -> State:
    return {name.removeprefix(prefix): values for name, values in state.items() if name.startswith(prefix)}
