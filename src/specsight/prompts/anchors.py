"""Sentences → anchors in the joint space, and anchors → how likely a picture or patch shows each type of defect.

In: a `PromptBank` and an encoder that reads; then embeddings of pictures, windows or patches. Out: one margin (in
logits) or probability per type of defect. The ensemble of sentences follows CLIP (Radford et al., ICML 2021). Every
group of sentences is embedded once: words may change from judgement to judgement, pictures are not looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Features
from specsight.prompts.banks import PromptBank

CAPACITY = 20_000
"""Groups of sentences that a book remembers before it starts afresh: 40 MB at 512 dimensions."""
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


class Reader(Protocol):
    """What reads sentences: an encoder that reads, or its text tower after training."""

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Return sentence embeddings (N, D), unit length."""


class PhraseBook:
    """Embeds the sentences of prompt banks with one reader, each group of them once.

    A text tower's matrix products round a sentence differently with the number and the length of those that it is read
    together with. So a group is read by itself: its anchor is the same, to the bit, whatever was read before, and the
    same for a detector that was loaded as for the one that was fitted.

    Parameters: `reader`, as a rule an encoder; `embed_texts` of one that does not read raises SpecsightError.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._means: dict[tuple[str, ...], Features] = {}

    def anchors(self, bank: PromptBank) -> Anchors:
        """The anchors of a bank: types in the bank's order, damage of no particular kind last where the bank has it."""
        types: tuple[str | None, ...] = (*bank.defects, *([None] if bank.damaged else []))
        groups = [bank.good, *bank.defects.values(), *([bank.damaged] if bank.damaged else [])]
        groups += bank.ignored.values()
        if len(self._means) > CAPACITY:
            self._means.clear()
        vectors = np.stack([self._mean(group) for group in groups])
        return Anchors(vectors[0], types, vectors[1 : 1 + len(types)], vectors[1 + len(types) :])

    def sentences(self, group: tuple[str, ...]) -> dict[str, Features]:
        """The embedding (D,), unit length, of each different sentence of a group; not remembered."""
        return {sentence: _unit_mean(vector[None]) for sentence, vector in self._embed(group).items()}

    def _mean(self, group: tuple[str, ...]) -> Features:
        if group not in self._means:
            embedded = self._embed(group)
            self._means[group] = _unit_mean(np.stack([embedded[sentence] for sentence in group]))
        return self._means[group]

    def _embed(self, group: tuple[str, ...]) -> dict[str, Features]:
        different = list(dict.fromkeys(group))
        return dict(zip(different, self._reader.embed_texts(different)))


def probability(margins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Two-way softmax of margins in logits: values in (0, 1), of the margins' shape."""
    return np.asarray(np.exp(-np.logaddexp(0, -margins.astype(np.float64))), np.float32)


def _unit_mean(vectors: Features) -> Features:
    """Normalise, average, normalise: CLIP's convention for prompt ensembles. Of unit vectors (n, D): (D,)."""
    mean = np.mean(vectors, axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), TINY), np.float32)
