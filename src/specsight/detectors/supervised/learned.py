"""What a supervised detector has learned, and how it judges patches: z-scores of deviation and of the head's odds.

In: patches of each modality. Out: for each how far it leaves the good ones and what the head says, both in deviations
of unseen good patches. The head raises what deviates, and lowers nothing: what no label shows still deviates. Of
several modalities that which deviates most counts, among those that know the patch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from specsight.detectors.depth.evidence import DEPTH, RGB, Patches, memories_of, memories_state
from specsight.detectors.depth.memory import PatchMemory
from specsight.detectors.saving import State, json_array, of_json_array
from specsight.detectors.supervised.patches import PatchSet, deviation, known, of_memories
from specsight.encoders import Features
from specsight.learning.adaptation import AffineMap
from specsight.storage import below

METHODS = ("coral", "adabn", "coral_loss", "mmd", "dann", "tent", "rescale")
"""Ways to adapt, see `adapting`."""
HIGH = 0.9
DEVIATIONS = 1.2815515655446004
"""Standard deviations that the quantile `HIGH` of a normal distribution lies above its median."""
DOUBT = 1.0
"""Deviations up to which odds of a defect say nothing: some good patches look a little like one."""
TINY = 1e-6
HEAD, MOVED, SOURCE, KNOWN = "head/", "moved/", "source/", "known/"


@dataclass(frozen=True)
class Scale:
    """Where the values of usual patches lie."""

    middle: float
    spread: float

    @classmethod
    def of(cls, values: Features) -> Scale:
        """Median, and deviation from median to the quantile `HIGH`: a few defective patches hardly change either.
        NaN does not count."""
        middle, high = (float(value) for value in np.nanquantile(values, (0.5, HIGH)))
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
class Deviating:
    """One modality: its good patches, and how far patches lie from them."""

    memory: PatchMemory
    scale: Scale
    """Of distances to the nearest good patch."""
    moved: AffineMap | None = None
    """Brings patches of the line that the model was adapted to, to those that it learned from."""

    def moving(self, vectors: Features) -> Features:
        """Vectors (..., k) as they are compared with good ones."""
        return self.moved(vectors) if self.moved else vectors


@dataclass(frozen=True)
class Learned:
    """Everything that judging and adapting need."""

    deviating: Mapping[str, Deviating]
    """By modality: "rgb", and "depth" where good parts had any."""
    types: tuple[str, ...]
    telling: Scale
    """Of the head's odds."""
    head: State
    """Weights of the head; empty where no labelled defect was given."""
    source: PatchSet
    """What the head learned from."""
    adaptation: Adaptation | None = None

    @property
    def memories(self) -> dict[str, PatchMemory]:
        """Good patches by modality."""
        return {name: own.memory for name, own in self.deviating.items()}

    def inputs(self, vectors: Mapping[str, Features]) -> tuple[dict[str, Features], Features]:
        """(distances (n,) by modality, inputs of the head (n, W)) of vectors (n, k) by modality, not yet moved."""
        moved = {name: own.moving(vectors[name]) for name, own in self.deviating.items()}
        found = {name: deviation(moved[name], own.memory.bank) for name, own in self.deviating.items()}
        differences = {name: own for name, (_, own) in found.items()}
        return {name: own for name, (own, _) in found.items()}, head_inputs(moved, differences)

    def deviations(self, distances: Mapping[str, Features]) -> Features:
        """z-scores (n,) of distances (n,) by modality: the largest of those that are known, 0 where none is."""
        scores = np.stack([own.scale(distances[name]) for name, own in self.deviating.items()])
        return np.asarray(np.nan_to_num(np.fmax.reduce(scores), nan=0.0), np.float32)

    def judge(self, patches: Mapping[str, Patches], weight: float) -> Features:
        """(n, 1 + K) of patches (n, D) by modality: the deviation, raised by `weight` times the odds of any defect as
        far as these exceed `DOUBT`, then with those of every type; without a head the deviation alone."""
        distances, inputs = self.inputs(of_memories(self.memories, patches))
        deviating = self.deviations(distances)
        if not self.head:
            return deviating[:, None]
        from specsight.detectors.supervised.head import Head, judged

        told = self.telling(judged(Head.of_arrays(self.head), inputs))
        told[:, 0] = np.maximum(told[:, 0] - DOUBT, 0)
        return np.asarray(deviating[:, None] + weight * told, np.float32)

    def state(self) -> State:
        """As arrays."""
        scales = [*(own.scale for own in self.deviating.values()), self.telling]
        state: State = {
            "scales": np.array([(scale.middle, scale.spread) for scale in scales]),
            "types": json_array(self.types),
            "folds": self.source.folds,
            **memories_state(self.memories),
            **{HEAD + name: values for name, values in self.head.items()},
        }
        for name, vectors in self.source.vectors.items():
            state[SOURCE + name] = np.nan_to_num(vectors).astype(np.float16)
            state[KNOWN + name] = known(vectors)
        if self.types:
            state["shares"] = self.source.shares.astype(np.float16)
        for name, own in self.deviating.items():
            if own.moved:
                state |= {f"{MOVED}{name}/{key}": values for key, values in vars(own.moved).items()}
        if self.adaptation:
            state["adaptation"] = json_array(vars(self.adaptation))
        return state

    @classmethod
    def of_state(cls, state: State) -> Learned:
        """Read what `state` gave. Raises KeyError, TypeError or ValueError where it does not fit together."""
        memories, types, head = (
            memories_of(state, (RGB, DEPTH)),
            of_json_array(state["types"]),
            below(state, HEAD),
        )
        if state["scales"].shape != (len(memories) + 1, 2):
            raise ValueError("memories and scales do not fit together")
        *scales, telling = (Scale(*map(float, row)) for row in state["scales"])
        deviating = {}
        for (name, memory), scale in zip(memories.items(), scales):
            moved = below(state, f"{MOVED}{name}/")
            deviating[name] = Deviating(memory, scale, AffineMap(**moved) if moved else None)
        source = _source(state, memories, len(types))
        width = 2 * sum(memory.bank.vectors.shape[1] for memory in memories.values())
        if head and head["hidden.weight"].shape[1] != width:
            raise ValueError("head and memories do not fit together")
        adaptation = of_json_array(state["adaptation"]) if "adaptation" in state else None
        return cls(
            deviating,
            tuple(map(str, types)),
            telling,
            head,
            source,
            Adaptation(str(adaptation["method"]), int(adaptation["pictures"])) if adaptation else None,
        )


def head_inputs(vectors: Mapping[str, Features], differences: Mapping[str, Features]) -> Features:
    """What the head is given of patches (..., k) by modality: what they are, and how they deviate, (..., W)."""
    return np.concatenate([part for name in vectors for part in (vectors[name], differences[name])], -1)


def _source(state: State, memories: Mapping[str, PatchMemory], types: int) -> PatchSet:
    """The patches of the source that `Learned.state` wrote. Raises KeyError or ValueError where they do not fit."""
    folds, vectors = state["folds"], {}
    for name, memory in memories.items():
        table, there = state[SOURCE + name].astype(np.float32), state[KNOWN + name]
        fits = table.ndim == 3 and table.shape[2] == memory.bank.vectors.shape[1] and len(table) == len(folds)
        if not fits or there.shape != table.shape[:2] or there.dtype != np.bool_:
            raise ValueError("patches, memories and folds do not fit together")
        table[~there] = np.nan
        vectors[name] = table
    shape = next(iter(vectors.values())).shape[:2]
    shares = (state["shares"] if types else np.zeros((*shape, 0), np.float16)).astype(np.float32)
    if shares.shape != (*shape, types) or any(table.shape[:2] != shape for table in vectors.values()):
        raise ValueError("patches and types do not fit together")
    return PatchSet(vectors, shares, folds)
