"""Patches of one good picture, as the tests on good pictures compare them.

In: a picture and an encoder. Out: unit vectors of the cells that show the picture.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Encoder
from specsight.features import grids
from specsight.images import shorter_side
from specsight.images.alignment import Alignment
from specsight.records import Picture


def unit_patches(
    picture: Picture, encoder: Encoder, resolution: int, alignment: Alignment | None = None
) -> NDArray[np.float32]:
    """Patches (n, D) of the encoder's default layers, each of unit length, those that show the picture.

    `resolution`: shorter side in pixels; `alignment`: by which the picture is brought to another pose before.
    """
    rgb = picture.rgb if alignment is None else alignment.aligned_rgb(picture.rgb)
    pixels, frame = shorter_side(rgb, resolution, encoder.multiple)
    frame = replace(frame, alignment=alignment)
    names = encoder.default_layers
    features, places = {}, {}
    for name, grid in zip(names, encoder.layers(pixels[None], names)):
        features[name], places[name] = grids.inside(grid[0], encoder.cells(name, grid), frame)
    joined, cells = grids.join(features, places)
    vectors = grids.vectors(joined)
    if alignment is not None:
        vectors = vectors[frame.shows_picture(cells).ravel()]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)
