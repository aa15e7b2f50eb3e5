"""PUAD (Sugawara & Imamura, ICIP 2024): a patch-level and a picture-level score, each against held-out good pictures.

They see different defects: patches see local ones, the embedding of the whole picture large and logical ones.

Departures. The patch-level score is PatchCore's instead of EfficientAD's; the picture-level one is the Mahalanobis
distance of the encoder's pooled embedding, with a covariance shrunk after Ledoit and Wolf instead of a plain one; both
are brought to zero mean and unit deviation on good pictures by folds, instead of on a set held out for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.needs import Needs
from specsight.detectors.parameters import layer_names, parameter, sigma_parameter
from specsight.detectors.patchcore import PatchCore
from specsight.detectors.saving import State
from specsight.encoders import Encoder, Features
from specsight.features.shrunk_gaussian import ShrunkGaussian
from specsight.images import Frame
from specsight.records import Judgement
from specsight.specification import Instruction, Specification
from specsight.storage import below

EMBEDDING = "embedding"
"""Name under which a view holds the picture's pooled embedding, shaped (D, 1, 1), or one of every tile."""
FOLDS = 4
KEPT = 64
"""Views of good pictures that are kept to score patches by folds; more are drawn from."""
OF_PATCHES = "patches."
"""Begins the names of what the patch memory has learned."""


@detectors.register("puad")
@dataclass
class Puad(Detector):
    """PatchCore, and how far the whole picture lies from good ones: the sum of their standardised scores."""

    name = "puad"
    needs = Needs(good_pictures=8)

    layers: tuple[str, ...] | None = layer_names(
        "Layers of the patch memory, on the grid of the first; default: the encoder's middle layers."
    )
    coreset_limit: int = parameter(
        8192, "Patches to keep at most, see patchcore.", low=1, high=10_000_000, unit="patches"
    )
    sigma: float = sigma_parameter()

    patches_: PatchCore | None = field(default=None, init=False, repr=False)
    pictures_: ShrunkGaussian | None = field(default=None, init=False, repr=False)
    normal_: NDArray[np.float64] | None = field(default=None, init=False, repr=False)
    """Mean and deviation of held-out good pictures (columns) in the patch-level and the picture-level score (rows)."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = sum of both standardised scores; map = that of the patches."""
        if self.patches_ is None or self.pictures_ is None or self.normal_ is None:
            raise self._not_fitted()
        local = self.patches_.judge(_grids(view))
        scores = np.array([local.score, self.pictures_.distances(_embedding(view)[None])[0]])
        return Judgement(float(((scores - self.normal_[:, 0]) / self.normal_[:, 1]).sum()), local.map)

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return self.layers or encoder.default_layers

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        embedding = encoder.embed_images(pixels, frame.region)[0][:, None, None]
        return {**super()._features(encoder, pixels, frame), EMBEDDING: embedding}

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        embeddings: list[Features] = []
        kept: list[View] = []
        patches = self._memory()
        patches._learn(self._kept(views, embeddings, kept), expected, specification)
        vectors = np.stack(embeddings)
        self.patches_, self.pictures_ = patches, ShrunkGaussian.learn(vectors)
        scores = (self._held_out_patches(kept), _held_out_pictures(vectors))
        deviations = [max(float(s.std(ddof=1)), 1e-6 * max(1.0, abs(float(s.mean())))) for s in scores]
        self.normal_ = np.array([[s.mean(), deviation] for s, deviation in zip(scores, deviations)])

    def _memory(self) -> PatchCore:
        """A patch memory that has learned nothing; it is given views and never looks for itself."""
        return PatchCore(coreset_limit=self.coreset_limit, sigma=self.sigma, seed=self.seed)

    def _kept(self, views: Iterator[View], embeddings: list[Features], kept: list[View]) -> Iterator[View]:
        """Pass on the grids of views, adding all embeddings, and an even draw of the views, to the lists."""
        generator = np.random.default_rng(self.seed)
        for number, view in enumerate(views):
            embeddings.append(_embedding(view))
            of_grids = _grids(view)
            if len(kept) < KEPT:
                kept.append(of_grids)
            elif (place := int(generator.integers(number + 1))) < KEPT:
                kept[place] = of_grids
            yield of_grids

    def _held_out_patches(self, views: Sequence[View]) -> NDArray[np.float64]:
        """The patch-level score of each view by a memory of the other folds' views."""
        scores = np.empty(len(views))
        for fold in range(FOLDS):
            others = [view for number, view in enumerate(views) if number % FOLDS != fold]
            memory = self._memory()
            memory._learn(iter(others), len(others), None)
            scores[fold::FOLDS] = [memory.judge(view).score for view in views[fold::FOLDS]]
        return scores

    def _state(self) -> State:
        if self.patches_ is None or self.pictures_ is None or self.normal_ is None:
            raise self._not_fitted()
        pictures = self.pictures_
        return {
            **{f"{OF_PATCHES}{name}": values for name, values in self.patches_._state().items()},
            "picture_mean": pictures.mean,
            "picture_axes": pictures.axes,
            "picture_variances": pictures.variances,
            "picture_floor": np.array([pictures.floor]),
            "normal": self.normal_,
        }

    def _restore(self, state: State) -> None:
        normal, patches = state["normal"], self._memory()
        if normal.shape != (2, 2) or not np.isfinite(normal).all() or (normal[:, 1] <= 0).any():
            raise ValueError("scores of good pictures are damaged")
        patches._restore(below(state, OF_PATCHES))
        mean, axes, variances = (state[f"picture_{name}"] for name in ("mean", "axes", "variances"))
        self.pictures_ = ShrunkGaussian(mean, axes, variances, float(state["picture_floor"][0]))
        self.patches_, self.normal_ = patches, normal


def _held_out_pictures(vectors: Features) -> NDArray[np.float64]:
    """The picture-level score of each embedding (N, D) by the Gaussian of the other folds' embeddings."""
    scores, folds = np.empty(len(vectors)), np.arange(len(vectors)) % FOLDS
    for fold in range(FOLDS):
        others = ShrunkGaussian.learn(vectors[folds != fold])
        scores[folds == fold] = others.distances(vectors[folds == fold])
    return scores


def _embedding(view: View) -> Features:
    """The picture's embedding (D,): the mean of its tiles'."""
    return np.asarray(view.features[EMBEDDING].mean((1, 2)), np.float32)


def _grids(view: View) -> View:
    """What a patch memory looks at: the view without the embedding."""
    return View(view.frame, {name: view.features[name] for name in view.cells}, view.cells)
