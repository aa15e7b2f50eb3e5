"""AnomalyGPT (Gu et al., AAAI 2024): a map by words, or by words and good pictures, and a language model that reads it.

In: a specification (product, types of defect) and good pictures, where there are any. Out: a map, and a score that
fuses it with what the language model says of it. Without good pictures the map compares patches on several levels with
words; with some, with the nearest of their patches as well. The language model gets the map as prompt tokens.

Departures, with reasons in docs/anomalygpt.md: references join the map by words, by learned weights, instead of taking
its place; each type of the specification is compared as well, and has a map; the score takes the model's "Yes" in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View, detectors
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter
from specsight.detectors.pointing import TOP, PointingDetector, explained
from specsight.detectors.rotating import angles_of, rotate_parameter
from specsight.detectors.saving import State
from specsight.detectors.text import judgement_of_types, judgement_without_types
from specsight.encoders import Encoder, Features
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.images import Cells, Frame
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

if TYPE_CHECKING:
    from specsight.language.map_prompts.reader import MapReader

MEGABYTES = 256 << 20
FAINT = np.float32(1e-12)


@detectors.register("anomalygpt")
@dataclass
class AnomalyGpt(PointingDetector["MapReader"]):
    """A map by words and nearest good patches, and a language model that is asked about it."""

    name = "anomalygpt"
    needs: ClassVar[Needs] = Needs(good_pictures=0, text=True)
    regime: ClassVar[Regime] = Regime.ZERO_SHOT

    language_model: str = parameter(
        "bundled",
        "The language model that reads maps: bundled, or a folder that `specsight train anomalygpt` wrote.",
    )
    sigma: float = sigma_parameter()
    words_share: float = parameter(
        0.75,
        'Share of the score that comes from the language model\'s "Yes"; the map has the rest.',
        low=0,
        high=1,
    )
    rotate: bool | None = rotate_parameter()
    references: int = parameter(
        4096,
        "Good patches of each level kept at most (selected by greedy k-centre beyond that).",
        low=1,
        high=1_000_000,
        unit="patches",
    )

    references_: dict[str, MemoryBank] = field(default_factory=dict, init=False, repr=False)
    """By layer; empty where there were no good pictures."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map each type by words and, where there are references, by distances to them; ask about the largest.

        The score is the mean of the map's top 1 % of cells, with the share `words_share` from the logit by which the
        language model, which reads the map, says "Yes" to "Is anything wrong with the product?". Types that an
        instruction ignores explain what looks more like them.
        """
        words = self._get_words()
        anchors = words.anchors(instruction)
        if not anchors.types:
            return judgement_without_types(view.frame)
        maps = self.pointer.maps(
            [view.features[layer] for layer in self._layer_names],
            np.concatenate([anchors.defects, anchors.ignored]),
            anchors.good,
            self._distances(view),
        )
        count = len(anchors.types)
        of_ignored = explained(maps[count:] - self.pointer.even(bool(self.references_)))
        typed = np.asarray(maps[:count] - of_ignored, np.float32)
        combined = self._combined(typed, anchors.types)
        cells = view.cells[self._layer_names[0]]
        shown = view.frame.shows_picture(cells)
        wrong = self.pointer.wrong(self.asked(view, combined), words.specification.product)
        score = (1 - self.words_share) * grids.top_mean(combined[shown], TOP) + self.words_share * wrong
        return judgement_of_types(
            score, typed, anchors.types, cells, view.frame, self.sigma, combined=combined
        )

    def asked(self, view: View, logits: NDArray[np.float32]) -> dict[str, Features]:
        """The features that the language model is asked about: what it sees, and a map (h, w) in logits."""
        from specsight.language.pointing.pointer import DEEP, FINE, SUSPICION

        return {FINE: view.features[FINE], DEEP: view.features[DEEP], SUSPICION: logits[None]}

    def map_of(self, view: View) -> NDArray[np.float32]:
        """The map (h, w) in logits on the cells of the finest level, uninstructed."""
        anchors = self._get_words().anchors()
        maps = self.pointer.maps(
            [view.features[layer] for layer in self._layer_names],
            anchors.defects,
            anchors.good,
            self._distances(view),
        )
        return self._combined(maps, anchors.types)

    @staticmethod
    def _combined(typed: NDArray[np.float32], types: Sequence[str | None]) -> NDArray[np.float32]:
        """The map of damage of any kind; where named types alone count, their largest."""
        return np.asarray(typed[types.index(None)] if None in types else typed.max(0), np.float32)

    def _load_pointer(self) -> MapReader:
        from specsight.language.map_prompts.reader import MapReader

        return MapReader.load(self.language_model, self.device)

    @property
    def _layer_names(self) -> tuple[str, ...]:
        return self.pointer.description.layers

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return self._layer_names

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        found = super()._features(encoder, pixels, frame)
        return {**found, **self.pointer.eyes([found[layer] for layer in self._layer_names])}

    def _cells(self, encoder: Encoder, name: str, features: Features) -> Cells | None:
        from specsight.language.pointing.pointer import DEEP, FINE

        layer = {FINE: self._layer_names[0], DEEP: self._layer_names[-1]}.get(name, name)
        return encoder.cells(layer, features)

    def _angles(self, good: int) -> tuple[float, ...] | None:
        return angles_of(self.rotate)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        builders = {
            layer: BankBuilder(1.0, self.references, MEGABYTES, self.seed) for layer in self._layer_names
        }
        for view in views:
            for layer, builder in builders.items():
                shown = view.frame.shows_picture(view.cells[layer])
                builder.add(_directions(view.features[layer])[shown.ravel()])
        self.references_ = {layer: MemoryBank(b.build()) for layer, b in builders.items() if b.total}

    def _distances(self, view: View) -> list[Features] | None:
        """1 - the largest cosine of each cell with good ones, (h_l, w_l) for each level; None without references."""
        if not self.references_:
            return None
        found = []
        for layer, bank in self.references_.items():
            # For unit vectors |x - y|² = 2 (1 - cos).
            nearest = bank.nearest(_directions(view.features[layer]))[0][:, 0]
            found.append(np.asarray(nearest**2 / 2, np.float32).reshape(view.features[layer].shape[1:]))
        return found

    def _state(self) -> State:
        return {layer: bank.vectors for layer, bank in self.references_.items()}

    def _restore(self, state: State) -> None:
        layers = [layer for layer in self._layer_names if layer in state]
        if layers and layers != list(self._layer_names):
            raise ValueError(f"references of {layers} alone")
        self.references_ = {layer: MemoryBank(state[layer]) for layer in layers}


def _directions(grid: Features) -> NDArray[np.float32]:
    """Unit vectors (h · w, D) of a grid's cells."""
    vectors = grids.vectors(grid)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), FAINT), np.float32)
