"""LLaVA-ADS: a language model names defects, and its hidden states at the tokens behind the names make the maps.

In: a specification (product, types of defect). Out: one map per type, their map together, and a score that fuses the
map with what the language model says. After the thesis's idea (GenAU, arXiv 2607.01049) with LISA's constants (Lai et
al., CVPR 2024); where its sources are silent the choices are this project's own: see docs/llava-ads.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View, detectors
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter
from specsight.detectors.pointing import TOP, PointingDetector, explained
from specsight.detectors.saving import State
from specsight.detectors.text import judgement_of_types, judgement_without_types
from specsight.encoders import JOINT, Encoder, Features
from specsight.features import grids
from specsight.images import Cells, Frame
from specsight.prompts import prompt_bank
from specsight.records import Judgement
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import as_words

if TYPE_CHECKING:
    from specsight.language.pointing.pointer import Pointer


@detectors.register("llava-ads")
@dataclass
class LlavaAds(PointingDetector["Pointer"]):
    """Points at every type of the specification, and at whatever else is wrong."""

    name = "llava-ads"
    needs: ClassVar[Needs] = Needs(good_pictures=0, text=True)
    regime: ClassVar[Regime] = Regime.ZERO_SHOT

    language_model: str = parameter(
        "bundled",
        "The language model that points: bundled, smollm2, or a folder that `specsight train language` wrote.",
    )
    sigma: float = sigma_parameter()
    words_share: float = parameter(
        0.5,
        "Share of the score that comes from words (yes or no) and tokens; the map has the rest.",
        low=0,
        high=1,
    )

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map each type by the margin of its token over the token for normal.

        The judgement's map is the mean of the largest margin and of the heads' suspicion, which knows no words and
        follows outlines better; under an instruction that lets named types alone count, their largest margin. Its
        score is the mean of the map's top 1 % of cells, with the share `words_share` from the logits that any defect is
        there and that the language model says "Yes".
        """
        from specsight.language.pointing.pointer import ANYTHING, FINE, SUSPICION, Phrase

        words = self._get_words()
        anchors = words.anchors(instruction)
        if not anchors.types:
            return judgement_without_types(view.frame)
        ignored = prompt_bank(words.specification, instruction).ignored
        names = [ANYTHING if name is None else as_words(name) for name in anchors.types]
        vectors = [*anchors.defects, *anchors.ignored]
        phrases = [Phrase(w, v) for w, v in zip([*names, *map(as_words, ignored)], vectors, strict=True)]
        pointed = self.pointer.point(
            view.features, phrases, anchors.good, as_words(words.specification.product)
        )
        count = len(anchors.types)
        of_ignored = explained(pointed.margins[count:])
        margins = np.asarray(pointed.margins[:count] - of_ignored, np.float32)
        presence = pointed.presence[:count] - explained(pointed.presence[count:])
        cells = view.cells[FINE]
        shown = view.frame.shows_picture(cells)
        if None in anchors.types:
            suspicion = view.features[SUSPICION][0] - of_ignored
            combined = np.asarray(0.5 * (margins.max(0) + suspicion), np.float32)
            told = 0.5 * (float(presence[anchors.types.index(None)]) + pointed.yes)
        else:  # "Yes" speaks of whatever is wrong, and here named types alone count.
            combined, told = margins.max(0), float(presence.max())
        score = (1 - self.words_share) * grids.top_mean(combined[shown], TOP) + self.words_share * told
        return judgement_of_types(
            score, margins, anchors.types, cells, view.frame, self.sigma, combined=combined
        )

    def _load_pointer(self) -> Pointer:
        from specsight.language.pointing.pointer import Pointer

        return Pointer.load(self.language_model, self.device)

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        found = encoder.all_grids(pixels)
        adapted = self.pointer.adapt([found[layer][0] for layer in self.pointer.description.layers])
        return {**adapted, JOINT: found[JOINT][0]}

    def _cells(self, encoder: Encoder, name: str, features: Features) -> Cells | None:
        """Where the heads learned to point to, not where the encoder's own cells were measured to look: what these see
        off the middle of their cells the heads' convolutions have put right."""
        from specsight.language.pointing.pointer import DEEP

        layers = self.pointer.description.layers
        stride = encoder.layer(layers[-1] if name in (DEEP, JOINT) else layers[0]).stride
        return Cells.of_convolutions((features.shape[1] * stride, features.shape[2] * stride), stride)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        for _ in views:
            pass  # Good pictures are read, so that those that cannot be are told; nothing is learned from them.

    def _state(self) -> State:
        return {}

    def _restore(self, state: State) -> None:
        pass
