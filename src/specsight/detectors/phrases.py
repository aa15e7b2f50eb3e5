"""Zero-shot maps per defect type: patches in the joint space against the product's defect phrases.

In: a specification (product, defect types with their phrases). Out: one map per type, and the map of any of them: the
odds that a patch shows some defect are the sum of its odds over types.
The scoring of dense vision-language methods (MaskCLIP, Zhou et al., ECCV 2022; MultiADS, ICCV 2025) without their
training, and with one addition: with good pictures at hand, what is usual for their patches is taken off. A product's
material may lie nearer to "a stain" than to "a good part" everywhere; a defect is where it does so more than there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter
from specsight.detectors.saving import State
from specsight.detectors.text import judgement_of_types, judgement_without_types, temperature_parameter
from specsight.encoders import JOINT, Encoder, Features
from specsight.features import grids
from specsight.images import Frame
from specsight.prompts.anchors import Anchors
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

PATCHES = "patches"
TOP = 0.01
"""Share of a picture's patches whose mean is its score: the field's usual 1 %."""


@detectors.register("phrases")
@dataclass
class PhraseMaps(Detector):
    """Compares every patch with phrases, less what is usual in good pictures where there are some."""

    name = "phrases"
    needs: ClassVar[Needs] = Needs(good_pictures=0, text=True)
    regime: ClassVar[Regime] = Regime.ZERO_SHOT

    temperature: float = temperature_parameter()
    sigma: float = sigma_parameter()

    centred: bool = parameter(
        False,
        "Without good pictures, compare patches with the usual patch of their own picture; else with the words alone.",
    )
    references: int = parameter(
        2048,
        "Patches of good pictures to keep, as many of each, drawn at random.",
        low=1,
        high=1_000_000,
        unit="patches",
    )

    good_: Features | None = field(default=None, init=False, repr=False)
    """Patches of good pictures (M, D), or None."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map each type by the logits by which a patch looks more like it than like a good part.

        What is usual for good patches is taken off where there are some; with `centred` and none, what is usual in
        the same picture. The judgement's map is the same of all types' odds together, and the score the mean of the
        top 1 % of its cells.
        """
        anchors = self._get_words().anchors(instruction)
        if not anchors.types:
            return judgement_without_types(view.frame)
        cells = view.cells[JOINT]
        shown = view.frame.shows_picture(cells)
        margins = anchors.margins(view.features[JOINT], self.temperature)
        maps = np.concatenate([margins, np.logaddexp.reduce(margins, axis=0)[None]])
        if self.centred or self.good_ is not None:
            maps = maps - self._median_margins(anchors, margins[:, shown])[:, None, None]
        maps = np.asarray(maps, np.float32)
        return judgement_of_types(
            grids.top_mean(maps[-1][shown], TOP),
            maps[:-1],
            anchors.types,
            cells,
            view.frame,
            self.sigma,
            combined=maps[-1],
        )

    def _median_margins(self, anchors: Anchors, margins: Features) -> Features:
        """Median over good patches, or over this picture's own where there are none, of each type's margin and, last,
        of all of them together, (K + 1,)."""
        if self.good_ is not None:
            margins = anchors.margins(np.ascontiguousarray(self.good_.T), self.temperature)
        flat = margins.reshape(len(margins), -1)
        together = np.vstack([flat, np.logaddexp.reduce(flat, axis=0)])
        return np.asarray(np.median(together, axis=1), np.float32)

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        return {JOINT: encoder.embed_patches(pixels)[0]}

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        generator, good = np.random.default_rng(self.seed), []
        for view in views:
            shown = view.frame.shows_picture(view.cells[JOINT])
            patches = grids.vectors(view.features[JOINT])[shown.ravel()]
            count = min(len(patches), -(-self.references // expected))
            good.append(patches[generator.choice(len(patches), count, replace=False)])
        self.good_ = np.concatenate(good) if good else None

    def _state(self) -> State:
        return {} if self.good_ is None else {PATCHES: self.good_}

    def _restore(self, state: State) -> None:
        self.good_ = state.get(PATCHES)
        if self.good_ is not None and (self.good_.ndim != 2 or not self.good_.size):
            raise ValueError(f"good patches cannot be {self.good_.shape}")
