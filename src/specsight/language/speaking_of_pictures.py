"""Language models that point as `LanguageModel`s: `bundled`, and `pointing:NAME` of another that ships or of a folder.

In: conversations with a picture. Out: words, likelihoods, states. It answers one question: the last message's, about
the last picture; earlier turns do not enter, for it learned from single ones. How its tokens point is the matter of
`pointing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.language.contract import LanguageModel, Message, language_models

if TYPE_CHECKING:
    from specsight.encoders import Features

NAME = "bundled"
SIDE = 256
"""Shorter side in pixels of what it looks at: the side of the pictures that it learned from."""


@language_models.register("pointing")
class PointingLanguageModel(LanguageModel):
    """`pointing:NAME`: a language model that points and ships, or the folder that `specsight train language` exported,
    with the encoder that it was trained beside."""

    sees = True
    reads = False

    def __init__(self, name: str, device: str = "auto") -> None:
        """`name`: "bundled", "smollm2", or a folder that `specsight train language` wrote.

        Raises SpecsightError as `Pointer.load` does, and where the encoder beside which it was trained is another now
        or not on this machine: nothing is fetched because a folder names it.
        """
        from specsight.encoders import load_encoder, names_same_encoder
        from specsight.language.pointing.pointer import Pointer

        if not name:
            raise SpecsightError(
                "language model 'pointing:': name one, such as pointing:smollm2 or pointing:runs/language/model"
            )
        self._pointer = Pointer.load(name, device)
        self.name, self.fingerprint = name, self._pointer.fingerprint
        described = self._pointer.description
        digest = described.encoder_fingerprint
        same = names_same_encoder(described.encoder, digest, Path(name))
        self._encoder = load_encoder(described.encoder, device)
        if not same or self._encoder.fingerprint != digest:
            raise SpecsightError(
                f"language model '{name}' was trained beside another encoder than '{described.encoder}' is now: put "
                "that one back, or train a language model beside this one (specsight train language)"
            )

    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        features = self._features(messages)
        return self._pointer.say(features, messages[-1].text, longest=max_tokens, seed=seed).text

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        features = self._features(messages)
        # One by one: in one pass the last bits of an option's sum would depend on the others.
        return [self._pointer.weigh(features, messages[-1].text, [option])[0] for option in options]

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        return self._pointer.states(self._features(messages), "\n".join(one.text for one in messages))

    def _features(self, messages: Sequence[Message]) -> Mapping[str, Features]:
        """What is seen of the last picture. Raises SpecsightError where there is none."""
        from specsight import images
        from specsight.encoders import JOINT

        shown = [image for message in messages for image in message.images]
        if not shown:
            raise SpecsightError(f"language model '{self.name}' speaks of pictures alone: show it one")
        pixels, _ = images.shorter_side(shown[-1], SIDE, self._encoder.multiple)
        found = self._encoder.all_grids(pixels[None])
        adapted = self._pointer.adapt([found[layer][0] for layer in self._pointer.description.layers])
        return {**adapted, JOINT: found[JOINT][0]}


@language_models.register(NAME)
def bundled(name: str, device: str) -> LanguageModel:
    """`bundled`: the small one that ships, which speaks of a picture that it is shown and of nothing else."""
    if name:
        raise SpecsightError(f"language model '{NAME}:{name}': there is one; write {NAME} alone")
    return PointingLanguageModel(NAME, device)
