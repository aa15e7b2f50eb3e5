"""How CLAD judges a view: the picture and its patches in the learned space, against sentences.

In: a view, trained networks and the anchors of a judgement's words. Out: a score and one map per type, over the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specsight.detectors.clad import maps
from specsight.detectors.clad.examples import place_patches, tail_inputs
from specsight.detectors.clad.fitting import TOP, Scales
from specsight.detectors.clad.networks import Networks
from specsight.detectors.contract import View
from specsight.encoders import Features, Placement
from specsight.features import grids
from specsight.images import Cells
from specsight.prompts.anchors import Anchors


@dataclass(frozen=True)
class Embedded:
    """A view in the learned space of d dimensions: what of a judgement does not depend on words."""

    picture: Tensor
    """(1, d)."""
    patches: Tensor
    """(h, w, d), of those that show the picture."""
    cells: Cells
    """Where they lie."""
    whole: Cells
    """Where all patches lie, those of padding too."""
    weights: Tensor
    """(1, 1, h', w'): what all patches count in the pooled embedding."""


@dataclass(frozen=True)
class JudgingOptions:
    """How evidence becomes a score and maps; see the parameters of `Clad`."""

    score: str
    map: str
    local: float
    temperature: float


@dataclass(frozen=True)
class Scored:
    """A score, and maps (K, h, w) on `cells` over the frame: 0 and 1 are the levels of `Scales`."""

    score: float
    maps: NDArray[np.float32]
    cells: Cells
    combined: NDArray[np.float32] | None = None
    """The map (h, w) of the whole judgement where it is not the largest of `maps`."""


def embed(networks: Networks, view: View, joint: Placement) -> Embedded:
    """Bring a view into the learned space; `joint`: where the encoder's joint patches lie."""
    whole, weights = place_patches(view.frame, joint)
    inside = view.frame.inside(whole)
    with torch.no_grad():
        encoded = networks.tail(*tail_inputs(view.features), weights)
        shown = encoded.patches[0].permute(1, 2, 0)[inside]
        pooled, patches = (networks.picture_projection(vectors) for vectors in (encoded.pooled, shown))
        return Embedded(pooled, patches, whole.cropped(*inside), whole, weights)


def judge(
    view: View,
    embedded: Embedded,
    anchors: Anchors,
    networks: Networks,
    scales: Scales,
    options: JudgingOptions,
) -> Scored:
    """Score an embedded view against the anchors, which name at least one type, and map each type."""
    cells = embedded.cells
    counted = torch.from_numpy(view.frame.shows_picture(cells).ravel())
    patches = embedded.patches.flatten(0, 1)
    accepted, defects = networks.project_anchors(anchors)
    with torch.no_grad():
        of_picture = networks.margins(embedded.picture, accepted, defects)[:, 0].numpy()
        of_patches = networks.margins(patches, accepted, defects).numpy()
        if options.score == "similarity":
            score = _dissimilarity(embedded.picture, patches[counted], accepted, scales, options)
        else:
            score = _margin_score(of_picture, of_patches[:, counted.numpy()], options)
    if options.map == "gradcam":
        inputs = tail_inputs(view.features)
        evidence, cams = networks.cams(*inputs, embedded.weights, accepted, defects)
        levelled, _ = grids.inside(scales.levelled(cams.numpy()), embedded.whole, view.frame)
        return Scored(score, levelled, cells, combined=levelled[int(evidence.argmax())])
    return Scored(score, scales.levelled(of_patches.reshape(-1, *cells.size)), cells)


def _margin_score(of_picture: Features, of_patches: Features, options: JudgingOptions) -> float:
    """Sigmoid of the picture's margin (K,) and that of its strongest patches (K, n).

    Both meet before the sigmoid, where neither can drown the other by being certain.
    """
    margins = (float(of_picture.max()), grids.top_mean(of_patches.max(0), TOP))
    evidence = (1 - options.local) * margins[0] + options.local * margins[1]
    return maps.logistic(evidence / options.temperature)


def _dissimilarity(
    picture: Tensor, patches: Tensor, accepted: Tensor, scales: Scales, options: JudgingOptions
) -> float:
    """1 - exp(-γ d), the paper's score, with γ d of the picture and of its strongest patches averaged."""
    of_picture, of_patches = (maps.acceptance(vectors, accepted).numpy() for vectors in (picture, patches))
    far = (scales.gammas[0] * float(of_picture[0]), scales.gammas[1] * grids.top_mean(of_patches, TOP))
    return 1 - maps.similarity((1 - options.local) * far[0] + options.local * far[1], gamma=1.0)
