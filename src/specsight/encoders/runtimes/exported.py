"""An exported encoder: features of images from a graph; words, and passes that reach into blocks, from torch.

In: a session and what stands beside the graph. Out: an `Encoder` with the fingerprint of the weights that the graph was
made of, and a runtime fingerprint of its own. Torch is loaded only for sentences and for passes into the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Features, Images, Layer
from specsight.encoders.placement import JOINT, Placement, pooling_weights
from specsight.encoders.runtimes.names import CELLS, JOINT_PATCHES, LAST, POOLED
from specsight.encoders.runtimes.sessions import Session
from specsight.errors import SpecsightError
from specsight.images.cells import Region

if TYPE_CHECKING:
    from specsight.encoders.towers import Towers


@dataclass(frozen=True)
class Described:
    """What stands beside a graph."""

    name: str
    """The encoder's, as `load_encoder` takes it."""
    fingerprint: str
    """That of its weights and configuration."""
    runtime: str
    dtype: str
    multiple: int
    layers: tuple[Layer, ...]
    default_layers: tuple[str, ...]
    reads: bool
    padding_counts: bool
    placements: Mapping[str, Placement]
    outputs: tuple[str, ...]
    difference: float
    """Largest difference of a feature from torch's, as a share of the largest feature of its output."""


class ExportedEncoder(Encoder):
    """An encoder whose vision tower is a graph."""

    placements: Mapping[str, Placement] = {}
    brought: bool
    """Whether a saved model brings the graph, which is saved with it again."""

    def __init__(
        self, described: Described, session: Session, origin: Callable[[], Encoder], folder: Path
    ) -> None:
        """`origin` loads the encoder that the graph was made of; `folder` is where the graph lies."""
        self.described, self.folder = described, folder
        self.name, self.fingerprint = described.name, described.fingerprint
        self.available, self.default_layers = described.layers, described.default_layers
        self.multiple, self.reads = described.multiple, described.reads
        self.padding_counts, self.placements = described.padding_counts, described.placements
        self.runtime, self.runtime_version, self.dtype = described.runtime, session.version, described.dtype
        self.brought = False
        self._session, self._origin = session, origin

    @cached_property
    def towers(self) -> Towers | None:  # type: ignore[override]  # looked up late: it may have to be loaded
        """The networks in torch, loaded when they are first asked for."""
        return self._torch.towers

    def layers(self, images: Images, which: Sequence[str] | None = None) -> list[Features]:
        """See `Encoder.layers`."""
        names = [self.layer(name).name for name in (self.default_layers if which is None else which)]
        self.check_images(images)
        return self._each(images, names)

    def embed_images(self, images: Images, inside: Region | None = None) -> Features:
        """See `Encoder.embed_images`."""
        self.check_images(images)
        if POOLED in self.described.outputs:
            return self._each(images, [POOLED])[0]
        (grid,) = self._each(images, [CELLS if self.reads else LAST])
        if inside is None:
            pooled = grid.mean((2, 3))
        else:
            cells = self.cells(JOINT if self.reads else self.available[-1].name, grid)
            weights = pooling_weights(cells, (images.shape[1], images.shape[2]), inside)
            pooled = (grid * weights).sum((2, 3))
        return _unit(pooled) if self.reads else pooled

    def embed_patches(self, images: Images) -> Features:
        """See `Encoder.embed_patches`."""
        if not self.reads:
            raise self.no_text_tower()
        self.check_images(images)
        if CELLS in self.described.outputs:
            return _unit(self._each(images, [CELLS])[0])
        if JOINT_PATCHES not in self.described.outputs:
            raise SpecsightError(f"encoder '{self.name}' has a single block: its patches have no joint space")
        return self._each(images, [JOINT_PATCHES])[0]

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """See `Encoder.embed_texts`: words are read by torch, whatever runs for images."""
        if not self.reads:
            raise self.no_text_tower()
        return self._torch.embed_texts(texts)

    def misread(self, texts: Sequence[str]) -> dict[str, str]:
        """See `Encoder.misread`."""
        return self._torch.misread(texts) if self.reads else {}

    @cached_property
    def _torch(self) -> Encoder:
        """The encoder that the graph was made of. Raises SpecsightError where it is not there, or is another one."""
        origin = self._origin()
        if origin.fingerprint != self.fingerprint:
            raise SpecsightError(
                f"the graph in '{self.folder}' was made of another encoder than '{self.name}' is now: export it again"
            )
        return origin

    def _each(self, images: Images, outputs: Sequence[str]) -> list[Features]:
        """The named outputs of each image, one below the other; every image is a pass of its own."""
        needed = list(dict.fromkeys(outputs))
        found = [
            self._session.run(np.ascontiguousarray(image), needed) for image in np.split(images, len(images))
        ]
        arrays = dict(zip(needed, (np.concatenate(parts) for parts in zip(*found, strict=True)), strict=True))
        return [arrays[name] for name in outputs]


def _unit(values: Features) -> Features:
    """Vectors along the second axis at unit length, as torch's `normalize` makes them."""
    lengths = np.sqrt(np.square(values).sum(1, keepdims=True))
    return np.ascontiguousarray(values / np.maximum(lengths, np.float32(1e-12)))
