"""Sentences → anchors in the joint space, and anchors → how likely a picture or patch shows each type of defect.

In: a `PromptBank` and an encoder that reads; then embeddings of pictures, windows or patches. Out: one margin (in
logits) or probability per type of defect. The ensemble of sentences follows CLIP (Radford et al., ICML 2021). Every
sentence is embedded once: words may change from judgement to judgement, pictures are not looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Encoder, Features
from specsight.prompts.banks import PromptBank

CAPACITY = 20_000
"""Sentences that a book remembers before it starts afresh: 40 MB at 512 dimensions."""
BATCH = 256
"""Sentences embedded at a time."""
TINY = 1e-12


@dataclass(frozen=True)
class Anchors:
    """Unit vectors of the joint space (D dimensions) for what a picture or patch may show."""

    good: Features
    """A good part, (D,)."""
    types: tuple[str | None, ...]
    """The K types of defect that count; None: damage of no particular kind."""
    defects: Features
    """One row per type, (K, D)."""
    ignored: Features
    """Types of defect that are to be taken as good, (J, D)."""

    def margins(self, vectors: Features, temperature: float) -> Features:
        """How much more each vector looks like each type than like what is acceptable.

        Parameters: `vectors` (D, ...) of unit length; `temperature` T > 0 divides cosines. Returns logits (K, ...):
        cos(v, type) / T - log Σ exp(cos(v, a) / T) over the acceptable anchors a, which are the good part and the
        ignored types. A vector is compared with each type alone, so that the list of types changes no type's own map;
        whatever looks more like an ignored type than like a defect that counts is explained by it.
        """
        flat = vectors.reshape(len(vectors), -1)
        acceptable = np.vstack([self.good[None], self.ignored]) @ flat / temperature
        reference = np.logaddexp.reduce(acceptable, axis=0) if len(acceptable) > 1 else acceptable[0]
        logits = self.defects @ flat / temperature - reference
        return np.asarray(logits.reshape(-1, *vectors.shape[1:]), np.float32)


class PhraseBook:
    """Embeds the sentences of prompt banks with one encoder, each sentence once.

    Parameters: `encoder` reads (`Encoder.reads`); its `embed_texts` raises SpecsightError otherwise.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._sentences: dict[str, Features] = {}
        self._means: dict[tuple[str, ...], Features] = {}

    def anchors(self, bank: PromptBank) -> Anchors:
        """The anchors of a bank: types in the bank's order, damage of no particular kind last where the bank has it."""
        types: tuple[str | None, ...] = (*bank.defects, *([None] if bank.damaged else []))
        groups = [bank.good, *bank.defects.values(), *([bank.damaged] if bank.damaged else [])]
        groups += bank.ignored.values()
        if len(self._sentences) > CAPACITY:
            self._sentences.clear()
            self._means.clear()
        self._embed([sentence for group in groups if group not in self._means for sentence in group])
        vectors = np.stack([self._mean(group) for group in groups])
        return Anchors(vectors[0], types, vectors[1 : 1 + len(types)], vectors[1 + len(types) :])

    def _mean(self, sentences: tuple[str, ...]) -> Features:
        """Normalise, average, normalise: CLIP's convention for prompt ensembles."""
        if sentences not in self._means:
            mean = np.mean([self._sentences[s] for s in sentences], axis=0, dtype=np.float64)
            self._means[sentences] = np.asarray(mean / max(float(np.linalg.norm(mean)), TINY), np.float32)
        return self._means[sentences]

    def _embed(self, sentences: Sequence[str]) -> None:
        new = [s for s in dict.fromkeys(sentences) if s not in self._sentences]
        for begin in range(0, len(new), BATCH):
            batch = new[begin : begin + BATCH]
            self._sentences.update(zip(batch, self._encoder.embed_texts(batch)))


def probability(margins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Two-way softmax of margins in logits: values in (0, 1), of the margins' shape."""
    return np.asarray(np.exp(-np.logaddexp(0, -margins.astype(np.float64))), np.float32)
