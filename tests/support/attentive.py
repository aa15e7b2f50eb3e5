"""A language model that answers yes as far as a picture is red, and attends to red when defects are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.images import Cells
from specsight.language import AttentionGrid, LanguageModel, Message

GRID = (12, 12)


class Attentive(LanguageModel):
    """Red is a "stain"; nothing is ever a "scratch". A third of all attention is paid to pictures."""

    name = "attentive"
    fingerprint = "ab" * 32
    sees = attends = True

    def __init__(self) -> None:
        self.questions: list[str] = []

    def _generate(self, messages: Sequence[Message], max_tokens: int, stop: object, seed: object) -> str:
        raise NotImplementedError

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        raise NotImplementedError

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        (message,) = messages
        self.questions.append(message.text)
        yes = 0.1 + 0.8 * float(np.clip(20 * self._red(message).mean(), 0, 1))
        yes = yes if self._relevant(message) else 0.05
        spellings = len(options) / 2
        return [
            float(np.log((yes if option.strip().lower() == "yes" else 1 - yes) / spellings / 2))
            for option in options
        ]

    def _attention(
        self, messages: Sequence[Message], depth: tuple[float, float]
    ) -> list[tuple[AttentionGrid, ...]]:
        (message,) = messages
        red = self._red(message)
        rows, columns = (np.array_split(np.arange(side), cells) for side, cells in zip(red.shape, GRID))
        cells = np.array([[red[np.ix_(down, across)].mean() for across in columns] for down in rows])
        shares = np.full(GRID, 1.0) + (10 * cells if self._relevant(message) else 0)
        shares = shares / shares.sum() / 3
        return [(AttentionGrid(shares.astype(np.float32), Cells.over(red.shape, GRID)),)]

    @staticmethod
    def _relevant(message: Message) -> bool:
        asked = message.text.split("Does this")[-1]
        return "defect" in asked or "stain" in asked

    @staticmethod
    def _red(message: Message) -> NDArray[np.float64]:
        picture = message.images[0].astype(int)
        return np.asarray(picture[..., 0] > picture[..., 1] + 100, np.float64)
