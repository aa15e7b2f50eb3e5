"""Features cached on disk by content, so that the second fit or evaluation over the same pictures skips the encoder.

The key is a digest of the framed pixels, the encoder's fingerprint and the layer: whatever would change the features
changes the key. Entries are safetensors written whole or not at all; a damaged one is computed anew.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specsight.encoders.contract import Encoder, Features
from specsight.storage import write_bytes

if TYPE_CHECKING:
    from specsight.encoders.passes.prompting import PromptedText

Pictures = NDArray[np.uint8]
GIGABYTE = 1 << 30
CHECK_EVERY = 64
"""Entries written between two looks at the size of the folder, which cost a directory listing."""


class CachedEncoder(Encoder):
    """`encoder`, remembering dense features and pooled embeddings in `folder`, at most `limit` bytes of them.

    Oldest entries go first. Sentences are not cached.
    """

    def __init__(self, encoder: Encoder, folder: Path, limit: int = 8 * GIGABYTE) -> None:
        self.name, self.fingerprint, self.multiple = encoder.name, encoder.fingerprint, encoder.multiple
        self.available, self.default_layers = encoder.available, encoder.default_layers
        self.reads, self.promptable = encoder.reads, encoder.promptable
        self._encoder = encoder
        self._folder = folder
        self._limit = limit
        self._written = 0

    def layers(self, images: Pictures, which: Sequence[str] | None = None) -> list[Features]:
        """Dense features (B, D, h, w) of framed pictures, one per name in `which`, from the cache where known."""
        names = list(self.default_layers if which is None else which)
        self.check_images(images)
        known = [self.layer(name).name for name in names]
        pictures = [
            self._remembered(image, known, partial(self._encoder.layers, which=known)) for image in images
        ]
        return [np.concatenate([picture[k] for picture in pictures]) for k in range(len(known))]

    def embed_images(self, images: Pictures) -> Features:
        """Pooled embeddings (B, D), from the cache where known."""
        self.check_images(images)
        return self._embedded(images, "pooled", self._encoder.embed_images)

    def embed_patches(self, images: Pictures) -> Features:
        """Patch embeddings (B, D, h, w) in the joint space, from the cache where known."""
        self.check_images(images)
        if not self.reads:
            raise self._cannot_read()
        return self._embedded(images, "joint", self._encoder.embed_patches)

    def embed_windows(self, images: Pictures, sizes: Sequence[int]) -> list[Features]:
        """Window embeddings (B, D, h - k + 1, w - k + 1) in the joint space per size, from the cache where known."""
        self.check_images(images)
        if not self.reads:
            raise self._cannot_read()
        names = [f"windows{size}" for size in sizes]
        compute = partial(self._encoder.embed_windows, sizes=sizes)
        pictures = [self._remembered(image, names, compute) for image in images]
        return [np.concatenate([picture[k] for picture in pictures]) for k in range(len(names))]

    def embed_by_values(self, images: Pictures, share: float, levels: int) -> tuple[Features, list[Features]]:
        """Pooled embeddings (B, D) and patches (B, D, h, w) per level, from the cache where known."""
        self.check_images(images)
        if not self.reads:
            raise self._cannot_read()

        def compute(one: Pictures) -> list[Features]:
            pooled, patches = self._encoder.embed_by_values(one, share, levels)
            return [pooled, np.stack(patches)]

        names = [f"values{share!r}x{levels}-{part}" for part in ("pooled", "patches")]
        pictures = [self._remembered(image, names, compute) for image in images]
        patches = np.concatenate([picture[1] for picture in pictures], axis=1)
        return np.concatenate([picture[0] for picture in pictures]), list(patches)

    def prompted(self, words: str, tokens: int) -> PromptedText:
        """`words` behind `tokens` learned ones, ready to be read with gradients."""
        return self._encoder.prompted(words, tokens)

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Sentence embeddings (N, D); never cached."""
        return self._encoder.embed_texts(texts)

    def _embedded(self, images: Pictures, name: str, embed: Callable[[Pictures], Features]) -> Features:
        def compute(one: Pictures) -> list[Features]:
            return [embed(one)]

        pictures = [self._remembered(image, [name], compute) for image in images]
        return np.concatenate([picture[0] for picture in pictures])

    def _remembered(
        self, image: Pictures, names: Sequence[str], compute: Callable[[Pictures], list[Features]]
    ) -> list[Features]:
        """One array per name for one picture: read where all are there and sound, else computed and written."""
        content = hashlib.sha256(f"{self.fingerprint} {image.shape} ".encode())
        content.update(image.tobytes())
        paths = [self._path(content.hexdigest(), name) for name in names]
        found = [_read(path) for path in paths]
        if all(entry is not None for entry in found):
            return [entry for entry in found if entry is not None]
        computed = compute(image[None])
        for path, entry in zip(paths, computed):
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
