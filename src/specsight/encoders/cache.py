"""Features cached on disk by content, so that the second fit or evaluation over the same images skips the encoder.

The key is a digest of the framed pixels, the encoder's fingerprint, that of its runtime, and the layer: whatever would
change the features changes the key. Entries are safetensors, written whole or not at all; damaged ones are computed
anew.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Features, Images
from specsight.encoders.placement import Placement
from specsight.images.cells import Region
from specsight.storage import write_bytes

if TYPE_CHECKING:
    from specsight.encoders.towers import Towers

GIGABYTE = 1 << 30
CHECK_EVERY = 64
"""Entries written between two looks at the size of the folder, which cost a directory listing."""


class CachedEncoder(Encoder):
    """`encoder`, with features of images cached in `folder`, at most `limit` bytes of them. Sentences are not cached.

    The oldest entries are removed first. Passes over the encoder are cached with it, through `remember`.
    """

    def __init__(self, encoder: Encoder, folder: Path, limit: int = 8 * GIGABYTE) -> None:
        self.name, self.fingerprint, self.multiple = encoder.name, encoder.fingerprint, encoder.multiple
        self.available, self.default_layers = encoder.available, encoder.default_layers
        self.reads, self.device = encoder.reads, encoder.device
        self.padding_counts = encoder.padding_counts
        self.runtime, self.runtime_version, self.dtype = (
            encoder.runtime,
            encoder.runtime_version,
            encoder.dtype,
        )
        self._encoder = encoder
        self._folder = folder
        self._limit = limit
        self._written = 0

    def layers(self, images: Images, which: Sequence[str] | None = None) -> list[Features]:
        """Dense features (B, D, h, w) of framed images, one per name in `which`, from the cache where it has them."""
        names = [self.layer(name).name for name in (self.default_layers if which is None else which)]
        self.check_images(images)
        return self.remember(images, names, lambda encoder, one: encoder.layers(one, names))

    @cached_property
    def towers(self) -> Towers | None:  # type: ignore[override]  # looked up late: it may have to be loaded
        """Those of the encoder behind the cache, which may load them when they are first asked for."""
        return self._encoder.towers

    @property
    def placements(self) -> Mapping[str, Placement]:
        """Those of the encoder behind the cache."""
        return self._encoder.placements

    def embed_images(self, images: Images, inside: Region | None = None) -> Features:
        """Pooled embeddings (B, D), from the cache where it has them."""
        self.check_images(images)
        name = "pooled" if inside is None else f"pooled {inside}"
        return self.remember(images, [name], lambda encoder, one: [encoder.embed_images(one, inside)])[0]

    def embed_patches(self, images: Images) -> Features:
        """Patch embeddings (B, D, h, w) in the joint space, from the cache where it has them."""
        self.check_images(images)
        if not self.reads:
            raise self.no_text_tower()
        return self.remember(images, ["joint"], lambda encoder, one: [encoder.embed_patches(one)])[0]

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Sentence embeddings (N, D); never cached."""
        return self._encoder.embed_texts(texts)

    def misread(self, texts: Sequence[str]) -> dict[str, str]:
        """What the encoder behind the cache does not read as it stands."""
        return self._encoder.misread(texts)

    def remember(
        self,
        images: Images,
        names: Sequence[str],
        compute: Callable[[Encoder, Images], Sequence[Features]],
    ) -> list[Features]:
        """What `compute` returns for the encoder behind the cache, image by image: one array (B, ...) per name.

        Of an image that has all of `names` in the cache nothing is computed.
        """
        found = [self._remembered(image, names, compute) for image in images]
        return [np.concatenate(arrays) for arrays in zip(*found, strict=True)]

    def _remembered(
        self,
        image: Images,
        names: Sequence[str],
        compute: Callable[[Encoder, Images], Sequence[Features]],
    ) -> list[Features]:
        """One array (1, ...) per name for one image: read where all are there and sound, else computed and written."""
        made_by = f"{self.fingerprint} {self.runtime_fingerprint} {image.shape} "
        content = hashlib.sha256(made_by.encode())
        content.update(image.tobytes())
        paths = [self._path(content.hexdigest(), name) for name in names]
        entries = [_read(path) for path in paths]
        if all(entry is not None for entry in entries):
            return [entry for entry in entries if entry is not None]
        computed = list(compute(self._encoder, image[None]))
        for path, entry in zip(paths, computed, strict=True):
            self._write(path, entry)
        return computed

    def _path(self, content: str, name: str) -> Path:
        key = hashlib.sha256(f"{content} {name}".encode()).hexdigest()
        return self._folder / key[:2] / f"{key}.safetensors"

    def _write(self, path: Path, entry: Features) -> None:
        from safetensors.numpy import save

        write_bytes(path, save({"features": np.ascontiguousarray(entry)}))
        self._written += 1
        if self._written % CHECK_EVERY == 0:
            self._shrink()

    def _shrink(self) -> None:
        """Remove the oldest entries until nine tenths of the limit are left."""
        entries = [(path.stat(), path) for path in self._folder.glob("*/*.safetensors")]
        size = sum(stat.st_size for stat, _ in entries)
        if size <= self._limit:
            return
        for stat, path in sorted(entries, key=lambda entry: entry[0].st_mtime):
            if size <= 0.9 * self._limit:
                return
            # Another process may have removed it first.
            path.unlink(missing_ok=True)
            size -= stat.st_size


def _read(path: Path) -> Features | None:
    """The cached array, or None where there is none or it is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with contextlib.suppress(OSError, SafetensorError, KeyError, ValueError):
        return np.asarray(load(path.read_bytes())["features"], np.float32)
    return None
