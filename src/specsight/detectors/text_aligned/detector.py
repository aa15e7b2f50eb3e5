"""Text-guided alignment in the normal-only regime: how far a patch leaves the good ones, and what it then looks like.

In: good pictures and a specification. Out: maps of two values with fixed and equal weights, each in standard deviations
of itself on good patches that were held out: the residual of a patch behind the principal axes of good patches
(SubspaceAD, CVPR 2026), and its margin towards the defects' phrases in a joint space that was aligned on good pictures
and synthetic defects (`alignment`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.examples import ExampleCollector, SyntheticDefects, TrainingExample, defective_cells
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter
from specsight.detectors.saving import State
from specsight.detectors.synthetic_examples import kinds_for
from specsight.detectors.text import judgement_of_types, judgement_without_types, temperature_parameter
from specsight.detectors.text_aligned.folds import PatchFolds
from specsight.encoders import JOINT, Encoder, Features
from specsight.errors import SpecsightError, require
from specsight.features import grids
from specsight.features.moments import Axes
from specsight.images import Cells, Frame
from specsight.prompts.anchors import Anchors
from specsight.records import Judgement, Sample
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import Vocabulary

FOLDS = 4
"""Good parts are left out in as many groups, at most, to learn how unseen good patches behave."""
VARIANCE = 0.99
"""Share of good patches' variance that the principal axes keep."""
NEIGHBOURHOOD = 3
"""Patches behind the residual are averaged over this many cells each way."""
STORED = 20_000
"""Patches kept for training, good and defective each: 40 MB at 512 dimensions."""
REFERENCES = 2048
"""Aligned good patches kept to judge words by."""
TOP = 0.01
"""Share of a picture's patches whose mean is its score."""
TINY = 1e-6


@detectors.register("text_aligned")
@dataclass
class TextAligned(Detector):
    """Principal-axis residual and text margin of aligned patches, in equal parts."""

    name = "text_aligned"
    needs: ClassVar[Needs] = Needs(good_pictures=2, text=True, trains=True)
    regime: ClassVar[Regime] = Regime.NORMAL_ONLY

    synthetic_defects: int = parameter(
        200,
        "Synthetic defects to learn from, over all good pictures (at least one a picture); 0: none.",
        low=0,
        high=1_000_000,
    )
    steps: int = parameter(300, "Of training the alignment.", low=1, high=100_000)
    temperature: float = temperature_parameter()
    sigma: float = sigma_parameter()

    weight_: Features | None = field(default=None, init=False, repr=False)
    """The alignment (D, D)."""
    aligned_: Features | None = field(default=None, init=False, repr=False)
    """Good patches (M, D), each aligned by a map that was trained without it."""
    axes_: Axes | None = field(default=None, init=False, repr=False)
    residual_: Features | None = field(default=None, init=False, repr=False)
    """Mean and deviation of unseen good patches' residuals, (2,)."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map of a type: half the residual and half the text margin, each in standard deviations of good patches. The
        score is the mean of the top 1 % of the largest map's cells."""
        anchors = self._get_words().anchors(instruction)
        if self.axes_ is None or self.residual_ is None:
            raise self._not_fitted()
        if not anchors.types:
            return judgement_without_types(view.frame)
        deep, cells = _deep(view)
        residuals = _length(self.axes_, grids.vectors(deep)).reshape(cells.size)
        left_over = (residuals - self.residual_[0]) / self.residual_[1]
        maps = np.asarray(0.5 * left_over + 0.5 * self._text(view, anchors, cells), np.float32)
        score = grids.top_mean(maps.max(0)[view.frame.shows_picture(cells)], TOP)
        return judgement_of_types(score, maps, anchors.types, cells, view.frame, self.sigma)

    def _text(self, view: View, anchors: Anchors, cells: Cells) -> Features:
        """Margins (K, h, w) of the aligned patches in standard deviations of good patches, on the residual's cells."""
        if self.weight_ is None or self.aligned_ is None:
            raise self._not_fitted()
        good = anchors.margins(np.ascontiguousarray(self.aligned_.T), self.temperature)
        joint = view.features[JOINT]
        aligned = grids.unit(grids.vectors(joint) @ self.weight_.T)
        margins = anchors.margins(np.ascontiguousarray(aligned.T), self.temperature)
        scaled = (margins - good.mean(1, keepdims=True)) / (good.std(1, keepdims=True) + TINY)
        margins = np.asarray(scaled, np.float32).reshape(-1, *joint.shape[1:])
        return grids.resampled(margins, view.cells[JOINT], cells)

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        return {**super()._features(encoder, pixels, frame), JOINT: encoder.embed_patches(pixels)[0]}

    def _views(self, samples: Sequence[Sample], specification: Specification | None) -> Iterator[View]:
        """Training examples: good pictures, each followed by copies with synthetic defects."""
        kinds = kinds_for(specification) if specification else []
        synthetic = SyntheticDefects(kinds, self.synthetic_defects, self.framing.resolution, self.seed)
        collector = ExampleCollector(self._look, specification, synthetic, self.name)
        yield from collector.collect(samples)
        self.skipped_ += collector.skipped
        self.notes_ |= collector.notes
        self.needs.check_enough(self.name, collector.good, collector.skipped)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        folds = PatchFolds(min(FOLDS, expected), expected, STORED, np.random.default_rng(self.seed))
        for view in views:
            if isinstance(view, TrainingExample) and view.masks:
                joint = view.features[JOINT]
                for type_ in view.masks:
                    covered = defective_cells(view.covered(type_, view.cells[JOINT])).ravel()
                    folds.add_defective(grids.vectors(joint)[covered], type_)
            else:
                part = view.group if isinstance(view, TrainingExample) else str(len(folds.fold_of))
                folds.add_good(
                    part, _good(view.features[JOINT], view.cells[JOINT], view), _good(*_deep(view), view)
                )
        if len(folds.fold_of) == 1:
            raise SpecsightError(
                f"{self.name} learns from parts that are left out how unseen good parts look, and all good pictures "
                f"show '{next(iter(folds.fold_of))}': add pictures of another good part"
            )
        self._learn_from(folds, self._get_words().anchors())

    def _learn_from(self, folds: PatchFolds, anchors: Anchors) -> None:
        """Fit once without each fold, to see how unseen good patches behave, and once on everything."""
        aligned, residuals = [], []
        for fold in range(folds.folds):
            if folds.deep[fold]:
                weight = self._train(folds, anchors, fold)
                aligned += [grids.unit(patches @ weight.T) for patches in folds.joint[fold]]
                axes = folds.axes(VARIANCE, without=fold)
                residuals += [_length(axes, patches) for patches in folds.deep[fold]]
        together, lengths = np.concatenate(aligned), np.concatenate(residuals).astype(np.float64)
        chosen = np.random.default_rng(self.seed).permutation(len(together))[:REFERENCES]
        self.aligned_ = together[np.sort(chosen)]
        self.residual_ = np.array([lengths.mean(), lengths.std() + TINY], np.float32)
        self.weight_, self.axes_ = self._train(folds, anchors, None), folds.axes(VARIANCE)

    def _train(self, folds: PatchFolds, anchors: Anchors, fold: int | None) -> Features:
        require("torch", "models")
        from specsight.detectors.text_aligned.alignment import align

        defective, types = folds.defective_patches(without=fold)
        named = Vocabulary([type_ for type_ in anchors.types if type_])
        rows = [anchors.types.index(type_ and named.spelling(type_)) for type_ in types]
        return align(
            folds.good_patches(without=fold),
            defective,
            anchors.defects[rows],
            anchors,
            steps=self.steps,
            seed=self.seed,
            device=self.device,
        )

    def _state(self) -> State:
        if self.weight_ is None or self.aligned_ is None or self.axes_ is None or self.residual_ is None:
            raise self._not_fitted()
        return {
            "weight": self.weight_,
            "aligned": self.aligned_,
            "mean": self.axes_.mean,
            "basis": self.axes_.basis,
            "residual": self.residual_,
        }

    def _restore(self, state: State) -> None:
        weight, aligned, residual = state["weight"], state["aligned"], state["residual"]
        square = weight.ndim == 2 and weight.shape[0] == weight.shape[1]
        if not square or aligned.shape != (len(aligned), len(weight)) or residual.shape != (2,):
            raise ValueError("the alignment and what was aligned by it do not fit together")
        if not len(aligned):
            raise ValueError("there are no aligned good patches")
        self.weight_, self.aligned_, self.residual_ = weight, aligned, residual
        self.axes_ = Axes(state["mean"], state["basis"])


def _deep(view: View) -> tuple[Features, Cells]:
    """The encoder's layers joined, (D, h, w), each patch with its neighbourhood, and their cells."""
    layers = {name: grid for name, grid in view.features.items() if name != JOINT}
    return grids.join(layers, view.cells, NEIGHBOURHOOD)


def _good(features: Features, cells: Cells, view: View) -> Features:
    """The vectors (n, D) of a grid (D, h, w), each place of the picture once."""
    return grids.vectors(features)[view.frame.shows_picture(cells).ravel()]


def _length(axes: Axes, patches: Features) -> Features:
    """Length of what the axes leave of each patch, (n,)."""
    return np.asarray(np.sqrt(axes.residual(patches)), np.float32)
