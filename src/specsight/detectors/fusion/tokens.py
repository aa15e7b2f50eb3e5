"""A view → its deviation tokens: per cell, how far it deviates from good patches, in every modality, as numbers.

In: what was learned of good parts, vectors of a view. Out: `Tokens`: z-scores (T, h, w) on the finest cells, and per
type of defect how much more a cell looks like it than good cells do. All of them are deviations, so that one head
serves every product. A modality that is missing, at fit or in a picture, has zeros and a validity bit of 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.fusion.normality import Normality
from specsight.encoders import Features
from specsight.features import grids
from specsight.features.surface import DESCRIPTORS
from specsight.images import Cells
from specsight.prompts.anchors import Anchors

GEOMETRY, KNOWN, PARTS = "geometry", "geometry known", "parts"
"""Names in a view: descriptors of the surface, which cells have depth, and shares of parts."""
SIGNED = ("mean of height", "mean of fine height", "mean of coarse height", "curvature at 3 px")
"""Descriptors whose signed difference from the nearest good patch tells raised from hollow."""
CHANNELS = tuple(DESCRIPTORS.index(name) for name in SIGNED)
LEVEL = 5.0
"""Constant channel beside standardised descriptors. Patches are compared by their direction; with it, a direction tells
how large the others are: a flat patch has none of its own."""

RGB_TOKENS = ("distance", "residual", "distance in its picture")
TEXT_TOKENS = ("any defect", "likeliest type")
DEPTH_TOKENS = ("distance", "residual", "distance in its picture", *SIGNED)
MODALITIES = {"rgb": RGB_TOKENS, "text": TEXT_TOKENS, "depth": DEPTH_TOKENS}
"""Modality → its tokens, in order; each ends with its validity bit."""
SLICES: dict[str, slice] = {}
for _name, _tokens in MODALITIES.items():
    _start = sum(one.stop - one.start for one in SLICES.values())
    SLICES[_name] = slice(_start, _start + len(_tokens) + 1)
WIDTH = SLICES["depth"].stop
"""Tokens per cell."""
NAMES = tuple(f"{name}: {token}" for name, tokens in MODALITIES.items() for token in (*tokens, "valid"))
BOUND = np.float32(50)
"""z-scores are cut off here: beyond, all are alike."""
TINY = 1e-6


@dataclass(frozen=True)
class Tokens:
    """What the head reads of one picture, on cells (h, w)."""

    values: Features
    """(T, h, w), see `NAMES`."""
    margins: Features
    """(K, h, w): z-scores of the margins of types by their words; 0 where text or colours are missing."""
    cells: Cells
    blind: NDArray[np.bool_]
    """(h, w): cells that hold no colours; what the encoder made of them counts only where depth tells nothing."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those of "rgb" and "depth" that a cell has."""
        return tuple(name for name in ("rgb", "depth") if self.values[SLICES[name]][-1].any())

    def without(self, modalities: Collection[str]) -> Tokens:
        """The tokens as they are where these modalities are missing; what is written about colours goes with them."""
        gone = set(modalities) | ({"text"} if "rgb" in modalities else set())
        values = self.values.copy()
        for name in gone:
            values[SLICES[name]] = 0
        return replace(self, values=values, margins=self.margins * 0 if "text" in gone else self.margins)

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """(h, w): the blind cells that depth tells something of."""
        return np.asarray(self.blind & (self.values[SLICES["depth"]][-1] > 0))

    def read(self) -> Tokens:
        """The tokens as the head reads them: without colours, and what is written about them, where these are not
        seen."""
        seen = ~self.unseen
        return (
            self
            if seen.all()
            else replace(self, values=masked(self.values, seen), margins=self.margins * seen)
        )


def masked(values: NDArray[Any], seen: NDArray[np.bool_]) -> NDArray[Any]:
    """Tokens (..., T, h, w) with those of colours and words 0 where `seen` (..., h, w) is false."""
    values = values.copy()
    for name in ("rgb", "text"):
        values[..., SLICES[name], :, :] *= seen[..., None, :, :]
    return values


def rgb_vectors(features: dict[str, Features], cells: dict[str, Cells]) -> tuple[Features, Cells]:
    """Locally aware patch vectors (h · w, D) of the encoder's layers, and their cells."""
    joined, own = grids.join(features, cells, 3)
    return joined.reshape(len(joined), -1).T, own


def depth_vectors(geometry: Features) -> Features:
    """Vectors (h · w, D + 1) of descriptors (D, h, w), each with its neighbourhood, and `LEVEL` last."""
    vectors = grids.vectors(grids.aggregate(geometry, 3))
    return np.concatenate([vectors, np.full((len(vectors), 1), LEVEL, np.float32)], axis=1)


def rgb_tokens(good: Normality, vectors: Features, shown: NDArray[np.bool_]) -> Features:
    """`RGB_TOKENS` and the bit, (4, h, w), of vectors (h · w, D)."""
    return _with_bit(good.deviations(vectors).reshape(-1, *shown.shape), shown, np.ones_like(shown))


def depth_tokens(good: Normality, vectors: Features, known: NDArray[np.bool_]) -> Features:
    """`DEPTH_TOKENS` and the bit, (8, h, w), of vectors (h · w, D)."""
    return _with_bit(good.deviations(vectors).reshape(-1, *known.shape), known, known)


def text_margins(
    anchors: Anchors, joint: Features, good: Features | None, temperature: float
) -> tuple[Features, Features]:
    """z-scores of the margins of types (K, h, w), and `TEXT_TOKENS` (2, h, w): of all types together, and of the type
    that is likeliest, which of many is high on good cells too; each against its own values on good patches.

    Without good patches, against those of the same picture.
    """
    usual = joint.reshape(len(joint), -1) if good is None else np.ascontiguousarray(good.T)
    own, ordinary = anchors.margins(joint, temperature), anchors.margins(usual, temperature)
    if not len(own):
        return np.zeros_like(own), np.zeros((len(TEXT_TOKENS), *joint.shape[1:]), np.float32)
    types = _against(own, ordinary)
    any_defect = _against(np.logaddexp.reduce(own, axis=0), np.logaddexp.reduce(ordinary, axis=0))
    likeliest = _against(types.max(0), _against(ordinary, ordinary).max(0))
    return types, np.stack([any_defect, likeliest])


def _against(values: Features, usual: Features) -> Features:
    """z-scores of values (..., h, w) or (..., n) by mean and deviation of `usual` (..., m)."""
    middle, spread = usual.mean(-1), usual.std(-1) + TINY
    behind = (...,) + (None,) * (values.ndim - middle.ndim)
    return np.asarray(np.clip((values - middle[behind]) / spread[behind], -BOUND, BOUND), np.float32)


def joined_tokens(
    cells: Cells,
    rgb: Features | None,
    text: tuple[Features, Features, Cells] | None,
    depth: Features | None,
    types: int,
    blind: NDArray[np.bool_] | None = None,
) -> Tokens:
    """The tokens of all modalities on `cells`; None: missing. `text`: margins, `TEXT_TOKENS`, and their cells."""
    values = np.zeros((WIDTH, *cells.size), np.float32)
    margins = np.zeros((types, *cells.size), np.float32)
    if rgb is not None:
        values[SLICES["rgb"]] = rgb
    if depth is not None:
        values[SLICES["depth"]] = depth
    if text is not None and rgb is not None:
        own, said, where = text
        margins = grids.resampled(own, where, cells)
        values[SLICES["text"]][:-1] = grids.resampled(said, where, cells)
        values[SLICES["text"]][-1] = 1
    return Tokens(values, margins, cells, np.zeros(cells.size, np.bool_) if blind is None else blind)


def _with_bit(scores: Features, shown: NDArray[np.bool_], valid: NDArray[np.bool_]) -> Features:
    """z-scores (S, h, w) with the first less its median over the picture behind `MEASURES`, and the bit last."""
    usual = np.median(scores[0][shown]) if shown.any() else np.float32(0)
    stacked = np.concatenate([scores[:2], (scores[:1] - usual), scores[2:], np.ones_like(scores[:1])])
    return np.asarray(np.clip(stacked, -BOUND, BOUND) * valid, np.float32)
