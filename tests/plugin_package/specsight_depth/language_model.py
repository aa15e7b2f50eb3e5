"""A language model that repeats what it was told last: the smallest adapter there can be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.language import LanguageModel, Message


class Parrot(LanguageModel):
    """repeats the last message, word for word"""

    def __init__(self, name: str, device: str) -> None:
        self.name = f"parrot:{name}"
        self.fingerprint = hashlib.sha256(b"parrot 1").hexdigest()

    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        answer = " ".join(messages[-1].text.split()[:max_tokens])
        ends = [answer.index(ending) for ending in stop if ending in answer]
        return answer[: min(ends)] if ends else answer

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        return [0.0 if option == messages[-1].text else -1.0 for option in options]

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        words = " ".join(message.text for message in messages).split()
        return np.array([[len(word)] for word in words], np.float32)
