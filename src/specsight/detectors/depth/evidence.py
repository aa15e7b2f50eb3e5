"""What several memories say of one view, patch by patch, and how that becomes one map.

In: views, and for each modality the patches in which it shows them. Out: memories, `Evidence`, and a judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View
from specsight.detectors.depth.looking import GEOMETRY, KNOWN, SEEN, DepthDetector, colours, widths
from specsight.detectors.depth.memory import MemoryLearner, PatchMemory
from specsight.detectors.saving import State
from specsight.features import grids
from specsight.features.moments import Vectors
from specsight.records import Judgement

RGB, DEPTH, BOTH = "rgb", "depth", "both"
"""Memories by what their patches show; `BOTH`: colours and geometry in one vector."""
TINY = np.float32(1e-6)


@dataclass(frozen=True)
class Patches:
    """All patches of a view in one modality."""

    vectors: Vectors
    """(n, D)"""
    known: NDArray[np.bool_]
    """(n,) where the modality says anything."""
    groups: Sequence[int] | None = None
    """Widths of what the vectors were joined from; None: they are one."""

    def unknown(self) -> Patches:
        """The same where the modality is missing."""
        return replace(self, known=np.zeros_like(self.known))


def patches_of(view: View, neighbourhood: int) -> dict[str, Patches]:
    """The patches of `RGB`, averaged over `neighbourhood` cells each way, and those of `DEPTH`, on the same cells."""
    seen, known = (view.features[name][0].ravel() > 0 for name in (SEEN, KNOWN))
    return {
        RGB: Patches(colours(view, neighbourhood), seen, widths(view)),
        DEPTH: Patches(grids.vectors(view.features[GEOMETRY]), known),
    }


PatchesOf = Callable[[View], Mapping[str, Patches]]
"""A view → its patches by modality, all on the same cells."""


@dataclass(frozen=True)
class Evidence:
    """What one modality says of each patch, each (n,)."""

    relative: Vectors
    """Distances as multiples of the usual one."""
    scores: Vectors
    """The same as z-scores."""
    unsure: Vectors
    """How far good patches lie from one another there, as multiples of the mean."""
    known: NDArray[np.bool_]


def learned_from_views(
    detector: DepthDetector, views: Iterator[View], expected: int, every_patch: PatchesOf
) -> tuple[dict[str, PatchMemory], dict[str, MemoryLearner]]:
    """`learned` of the patches that show the pictures of views."""
    return learned(detector, (shown(view, every_patch(view)) for view in views), expected)


def shown(view: View, patches: Mapping[str, Patches]) -> dict[str, Patches]:
    """The patches of a view, of which those outside of its picture are not known."""
    inside = view.frame.shows_picture(view.cells[SEEN]).ravel()
    return {name: replace(own, known=own.known & inside) for name, own in patches.items()}


def learned(
    detector: DepthDetector, pictures: Iterable[Mapping[str, Patches]], expected: int
) -> tuple[dict[str, PatchMemory], dict[str, MemoryLearner]]:
    """Memories of the modalities that good pictures show, and their learners, which know what was held out.

    `pictures`: the patches of each by modality, of which those that are known count; `expected`: how many pictures.
    """
    learners: dict[str, MemoryLearner] = {}
    for number, of_picture in enumerate(pictures, 1):
        for modality, patches in of_picture.items():
            if modality not in learners:
                learners[modality] = MemoryLearner(
                    detector.coreset_ratio, detector.coreset_limit, detector.seed
                )
            learners[modality].add(patches.vectors, patches.known, patches.groups, expected - number)
    built = {modality: learner.build() for modality, learner in learners.items()}
    memories = {modality: memory for modality, memory in built.items() if memory is not None}
    return memories, {modality: learners[modality] for modality in memories}


def evidence_of(memories: Mapping[str, PatchMemory], patches: Mapping[str, Patches]) -> dict[str, Evidence]:
    """What each memory says of patches; modalities without a memory say nothing."""
    found = {}
    for modality, memory in memories.items():
        own = patches[modality]
        distances, spacing = memory.distances(own.vectors)
        unsure = spacing / max(float(memory.spacing.mean()), float(TINY))
        found[modality] = Evidence(memory.relative(distances), memory.scores(distances), unsure, own.known)
    return found


def judged(detector: DepthDetector, view: View, values: Vectors) -> Judgement:
    """Score = mean of the largest of `values` (n,), those of the cells of `SEEN`; map = the same, smoothed."""
    cells = view.cells[SEEN]
    shown = view.frame.shows_picture(cells).ravel()
    heat = grids.on_picture(values.reshape(cells.size), cells, view.frame, detector.sigma)
    return Judgement(grids.top_mean(values[shown], detector.top), heat)


def memories_state(memories: Mapping[str, PatchMemory]) -> State:
    """Arrays of memories, for saving."""
    state: State = {}
    for modality, memory in memories.items():
        state |= memory.arrays(modality)
    return state


def memories_of(state: State, modalities: Sequence[str]) -> dict[str, PatchMemory]:
    """The memories that arrays describe. Raises KeyError or ValueError where there are none or they do not fit."""
    found = {name: PatchMemory.of_arrays(state, name) for name in modalities if f"{name}/bank" in state}
    if not found:
        raise KeyError(f"{modalities[0]}/bank")
    return found
