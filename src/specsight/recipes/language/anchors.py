"""Words of a batch → where the joint level of its pointers starts from: the encoder's own embeddings of sentences.

In: things and phrases. Out: unit vectors. The sentences are those that detectors compare with (`prompts.ensemble`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from specsight.encoders import Encoder
from specsight.prompts.ensemble import damaged_prompts, defect_prompts, good_prompts
from specsight.specification.vocabulary import with_article


class SentenceAnchors:
    """Embeds each thing's phrases once; of an encoder that does not read, there are none."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[tuple[str, str | None], Tensor] = {}

    def of(self, things: Sequence[str], words: Sequence[str]) -> tuple[Tensor, Tensor] | None:
        """Embeddings (Q, D) of each thing with the defect that its words say (empty: any), and of each as good."""
        if not self._encoder.reads:
            return None
        defects = torch.stack([self._one(thing, said) for thing, said in zip(things, words, strict=True)])
        return defects, torch.stack([self._one(thing, None) for thing in things])

    def _one(self, thing: str, words: str | None) -> Tensor:
        key = (thing, words)
        if key not in self._known:
            if words is None:
                sentences = good_prompts(thing)
            else:
                sentences = defect_prompts(thing, [with_article(words)]) if words else damaged_prompts(thing)
            mean = np.mean(self._encoder.embed_texts(list(sentences)), axis=0)
            self._known[key] = functional.normalize(torch.from_numpy(mean), dim=0)
        return self._known[key]
