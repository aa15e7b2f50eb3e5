"""The encoder contract: pixels and words → features. Knows neither data sets, detectors nor papers.

In: framed images (B, H, W, 3) uint8. Out: dense features per layer, a pooled embedding, and, for encoders that read,
a joint space of patches and sentences. Preprocessing travels with the model: normalisation with the encoder's own
mean and deviation happens inside.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from specsight.encoders.layer import Features, Images, Layer
from specsight.encoders.placement import JOINT, Placement, measure
from specsight.errors import SpecsightError, did_you_mean
from specsight.images.cells import Cells, Region
from specsight.registry import Registry

if TYPE_CHECKING:
    from specsight.encoders.towers import Towers


class Encoder(ABC):
    """Turns images (and, where it can, words) into features: numpy float32 on the CPU, whatever computes them.

    Deterministic. The features of an image do not depend on the other images of its batch.
    """

    name: str
    """The name that `load_encoder` was given."""
    fingerprint: str
    """Hex digest of configuration and weights. Saved detectors name it."""
    multiple: int
    """Both sides of an image must be a multiple of this many pixels (patch size, or largest stride)."""
    available: tuple[Layer, ...]
    """All layers, shallow to deep."""
    default_layers: tuple[str, ...]
    """Middle layers that suit patch-memory methods (stride 8 and 16, or the ViT's middle blocks)."""
    reads: bool = False
    """Whether `embed_texts` and the joint space exist."""
    padding_counts: bool = False
    """Whether padding acts on `embed_images` whatever is said of it, because the pooled embedding is made inside the
    network (a class token, an attention pooling): such an encoder is given frames without padding."""
    towers: Towers | None = None
    """The networks themselves, for passes that reach into their blocks; None where there are none."""
    runtime: str = "numpy"
    """Library that runs the arithmetic: "numpy" or "torch"."""
    runtime_version: str = np.__version__
    device: str = "cpu"
    """Where the arithmetic runs: "cpu", "cuda:0", ..."""
    dtype: str = "float32"
    """Type of the numbers that it runs on."""

    @property
    def runtime_fingerprint(self) -> str:
        """Hex digest of what arithmetic runs: runtime, its version, kind of device, type of numbers.

        Equal `fingerprint` and `runtime_fingerprint`: equal features. Equal `fingerprint` alone: equal within the
        rounding of two runtimes.
        """
        kind = self.device.partition(":")[0]
        described = f"{self.runtime} {self.runtime_version} {kind} {self.dtype}"
        return hashlib.sha256(described.encode()).hexdigest()

    @abstractmethod
    def layers(self, images: Images, which: Sequence[str] | None = None) -> list[Features]:
        """Dense features of `images` (B, H, W, 3).

        Returns one (B, D, h, w) array per layer named in `which` (default: `default_layers`), in that order. Raises
        SpecsightError for a layer that the encoder does not have, ValueError as `check_images` does.
        """

    @abstractmethod
    def embed_images(self, images: Images, inside: Region | None = None) -> Features:
        """Pooled embeddings (B, D): in the joint space, unit length, where the encoder reads; else its deepest global
        feature.

        `inside`: rows and columns of pixels that are no padding (None: all). Where the embedding is a mean over cells,
        each counts by the share of it that lies there; see `padding_counts` for where it is not.
        """

    def embed_patches(self, images: Images) -> Features:
        """Patch embeddings (B, D, h, w), unit length, in the joint space with sentences.

        Raises SpecsightError where the encoder does not read.
        """
        raise self.no_text_tower()

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Sentence embeddings (N, D), unit length, in the joint space.

        Sentences may be read together: the last bits of one may differ with what else `texts` holds, unlike those of an
        image. Same list, same embeddings. Raises SpecsightError where the encoder does not read.
        """
        raise self.no_text_tower()

    def misread(self, texts: Sequence[str]) -> dict[str, str]:
        """Of `texts`, those that are not read as they stand → why: signs that no token stands for, or more words than
        are read. Empty where that is not known."""
        return {}

    @cached_property
    def placements(self) -> Mapping[str, Placement]:
        """Where the cells of each layer lie in pixels, by name, and those of `embed_patches` as `JOINT`.

        Measured when they are first asked for (see `placement`): half a second for a small encoder.
        """
        return measure(self.all_grids, self.multiple)

    def cells(self, name: str, grid: Features) -> Cells:
        """Where the cells of a grid (..., h, w) lie, which is that of a layer, or of `embed_patches` (`JOINT`)."""
        return self.placements[name].cells((grid.shape[-2], grid.shape[-1]))

    def all_grids(self, images: Images) -> dict[str, Features]:
        """The features (B, D, h, w) of all layers, and the joint patches as `JOINT` where it reads, by name.

        Of an encoder whose one pass yields them all it costs no more than `layers`.
        """
        names = [layer.name for layer in self.available]
        grids = dict(zip(names, self.layers(images, names)))
        return {**grids, JOINT: self.embed_patches(images)} if self.reads else grids

    def remember(
        self,
        images: Images,
        names: Sequence[str],
        compute: Callable[[Encoder, Images], Sequence[Features]],
    ) -> list[Features]:
        """What `compute(encoder, images)` returns: one array (B, ...) per name in `names`.

        Passes over encoders ask through this method, so that an encoder with a memory (`CachedEncoder`) may answer
        from it. `names` must tell everything apart that `compute` can return for the same images.
        """
        return list(compute(self, images))

    def layer(self, name: str) -> Layer:
        """The layer called `name`; SpecsightError with a suggestion where there is none."""
        for layer in self.available:
            if layer.name == name:
                return layer
        suggestion = did_you_mean(name, [layer.name for layer in self.available])
        raise SpecsightError(f"encoder '{self.name}' has no layer '{name}': {suggestion}")

    def check_images(self, images: Images) -> None:
        """Raise ValueError unless `images` is (B, H, W, 3) uint8 with sides that are multiples of `multiple`."""
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(f"images must be (B, H, W, 3) uint8, got {images.shape} {images.dtype}")
        if 0 in images.shape or images.shape[1] % self.multiple or images.shape[2] % self.multiple:
            raise ValueError(
                f"sides must be multiples of {self.multiple} for '{self.name}', got {images.shape[1:3]}"
            )

    def no_text_tower(self) -> SpecsightError:
        """The error to raise where this encoder is asked for the joint space and does not read."""
        return SpecsightError(
            f"encoder '{self.name}' has no text tower: choose one that reads (bundled, or a CLIP or SigLIP checkpoint)"
        )


Loader = Callable[[str, str], Encoder]
"""Name, as `load_encoder` was given it, and device ("auto", "cpu", "cuda", "cuda:N") → encoder."""


@dataclass(frozen=True)
class EncoderFamily:
    """Encoders that one loader loads: the one of the name that it is registered under, and those that it recognises."""

    title: str
    """One line, for `specsight list encoders`."""
    load: Loader
    matches: Callable[[str], bool] | None = None
    """Which other names it loads, such as folders that hold a certain file; None: no others."""


def _adopt(name: str, plugin: Any) -> EncoderFamily:
    """What another distribution brings: a family, or a loader whose docstring begins with its title."""
    if isinstance(plugin, EncoderFamily):
        return plugin
    if callable(plugin) and not isinstance(plugin, type):
        return EncoderFamily((plugin.__doc__ or "").strip().partition("\n")[0], plugin)
    raise SpecsightError(
        f"'{name}' must be a specsight.encoders.EncoderFamily or a function of a name and a device, got {plugin!r}"
    )


encoders: Registry[EncoderFamily] = Registry(
    "encoder", "specsight.encoders", group="specsight.encoders", adopt=_adopt
)
"""Families of encoders; a name that none of them has or recognises is a checkpoint's folder or its hub id."""
