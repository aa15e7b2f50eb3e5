"""Sentences → anchors in the joint space, and anchors → how likely a picture or patch shows each defect.

In: a `PromptBank` and an encoder that reads; then embeddings of pictures, windows or patches. Out: one probability per
type of defect. Every sentence is embedded once: words may change from judgement to judgement, pictures are not
looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Encoder, Features
from specsight.prompts import PromptBank

SENTENCES_KEPT = 20_000
"""Sentences remembered before starting afresh: 40 MB at 512 dimensions."""
SENTENCES_AT_ONCE = 256


@dataclass(frozen=True)
class Anchors:
    """Unit vectors (·, D) of what a patch may show; `defects` has one row per name in `types`."""

    good: Features
    """(D,)"""
    types: tuple[str | None, ...]
    """None: damage of no particular kind."""
    defects: Features
    ignored: Features
    """Kinds of defect that are to be taken as good, (J, D)."""

    def margins(self, seen: Features, temperature: float) -> Features:
        """How much more each vector of `seen` (D, ...) looks like each type than like a good part: (K, ...) logits.

        A vector is compared with each type alone, cos(seen, type) / T against what is acceptable, so that the list of
        types changes no type's own map. Ignored types are acceptable: whatever looks more like one of them than like
        a defect that counts is explained by it.
        """
        flat = seen.reshape(len(seen), -1)
        fine = np.vstack([self.good[None], self.ignored]) @ flat / temperature
        accepted = np.logaddexp.reduce(fine, axis=0) if len(fine) > 1 else fine[0]
        return np.asarray(
            (self.defects @ flat / temperature - accepted).reshape(-1, *seen.shape[1:]), np.float32
        )


class PhraseBook:
    """Embeds sentences with `encoder`, each once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._sentences: dict[str, Features] = {}
        self._means: dict[tuple[str, ...], Features] = {}

    def anchors(self, bank: PromptBank) -> Anchors:
        """The anchors of a bank; damage of no particular kind comes last, where the bank has it."""
        types: tuple[str | None, ...] = (*bank.defects, *([None] if bank.damaged else []))
        groups = [bank.good, *bank.defects.values(), *([bank.damaged] if bank.damaged else [])]
        groups += bank.ignored.values()
        if len(self._sentences) > SENTENCES_KEPT:
            self._sentences.clear()
            self._means.clear()
        self._read([sentence for group in groups if group not in self._means for sentence in group])
        vectors = np.stack([self._mean(group) for group in groups])
        return Anchors(vectors[0], types, vectors[1 : 1 + len(types)], vectors[1 + len(types) :])

    def _mean(self, sentences: tuple[str, ...]) -> Features:
        """Normalise, average, normalise: CLIP's convention for prompt ensembles."""
        if sentences not in self._means:
            mean = np.mean([self._sentences[s] for s in sentences], axis=0, dtype=np.float64)
            self._means[sentences] = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
        return self._means[sentences]

    def _read(self, sentences: Sequence[str]) -> None:
        new = [s for s in dict.fromkeys(sentences) if s not in self._sentences]
        for begin in range(0, len(new), SENTENCES_AT_ONCE):
            some = new[begin : begin + SENTENCES_AT_ONCE]
            self._sentences.update(zip(some, self._encoder.embed_texts(some)))


def probability(margins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Two-way softmax of margins in logits, (0, 1)."""
    return np.asarray(np.exp(-np.logaddexp(0, -margins.astype(np.float64))), np.float32)
