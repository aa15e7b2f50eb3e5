"""The contract of language models: a conversation → words, likelihoods of given words, or hidden states.

In: `Message`s, with pictures where the model sees. Out: text, log-likelihoods in nats, or features per token. The
public methods check what they are given, so that an adapter only computes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.images import Cells
from specsight.registry import Registry

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, eq=False)
class Message:
    """One turn of a conversation. Raises ValueError for another role and for pictures of another shape or type."""

    role: Role
    text: str
    images: tuple[NDArray[np.uint8], ...] = ()
    """RGB pictures (H, W, 3), in the order in which the text speaks of them."""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"a message's role must be one of {', '.join(ROLES)}, got '{self.role}'")
        for image in self.images:
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise ValueError(f"images must be (H, W, 3) uint8, got {image.shape} {image.dtype}")


@dataclass(frozen=True, eq=False)
class AttentionGrid:
    """How an answer attends to one grid of cells over a picture."""

    shares: NDArray[np.float32]
    """(h, w): the share in [0, 1] of all attention that each cell gets."""
    cells: Cells
    """Where they lie, in pixels of the picture."""


class LanguageModel(ABC):
    """Continues, weighs and embeds conversations. Deterministic; a result depends on its own arguments alone."""

    name: str
    """What `load_language_model` was asked for."""
    fingerprint: str
    """Hex digest over configuration, tokenizer and weights: same fingerprint, same answers up to rounding."""
    sees: bool = False
    """Whether messages may hold pictures."""
    reads: bool = True
    """Whether messages may hold none: a model that speaks of pictures alone rewrites no sentence."""
    weighs: bool = True
    """Whether it gives likelihoods of given words."""
    embeds: bool = True
    """Whether it gives hidden states."""
    attends: bool = False
    """Whether it tells how its answer attends to pictures."""

    def generate(
        self, messages: Sequence[Message], max_tokens: int, stop: Sequence[str] = (), seed: int | None = None
    ) -> str:
        """The assistant's next message.

        Parameters: `max_tokens` is the longest answer in tokens, at least 1; the answer ends before the first of the
        strings in `stop`. Without a `seed` the likeliest token is taken at each step; with one, tokens are sampled at
        temperature 1, equally for equal seeds. Raises SpecsightError where the conversation cannot be answered (see
        `check`) or is too long for the model.
        """
        self.check(messages, answered=True)
        if not isinstance(max_tokens, int) or max_tokens < 1:
            raise SpecsightError(f"max_tokens must be at least 1, got {max_tokens}")
        if seed is not None and not (isinstance(seed, int) and abs(seed) < 2**63):
            raise SpecsightError(f"a seed must be a whole number of 64 bits, got {seed!r}")
        if "" in stop:
            raise SpecsightError("a string to stop at must not be empty")
        text = self._generate(messages, max_tokens, tuple(stop), seed)
        return text[: min((text.index(ending) for ending in stop if ending in text), default=None)]

    def likelihoods(self, messages: Sequence[Message], options: Sequence[str]) -> list[float]:
        """Log-likelihood in nats of each option as the assistant's next words: the sum over the option's tokens.

        Each option is weighed by itself. Longer options have more tokens and so lower sums: compare options of equal
        length, or divide. Raises SpecsightError for an empty option, and as `generate` does.
        """
        if not self.weighs:
            raise SpecsightError(f"language model '{self.name}' gives no likelihoods: let it generate")
        self.check(messages, answered=True)
        if "" in options:
            raise SpecsightError("an option must not be empty: say what the model could answer")
        return self._likelihoods(messages, tuple(options))

    def hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        """The last layer's features (T, D) of a conversation's tokens, in the order of the text.

        A conversation that the assistant has to go on with includes the tokens that open its turn.
        """
        if not self.embeds:
            raise SpecsightError(
                f"language model '{self.name}' gives no hidden states: load a checkpoint on this machine"
            )
        self.check(messages, answered=False)
        return self._hidden_states(messages)

    def attention(
        self, messages: Sequence[Message], depth: tuple[float, float] = (0.0, 1.0)
    ) -> list[tuple[AttentionGrid, ...]]:
        """How the opening of the assistant's next message attends to each picture, in their order.

        It is the attention of the last token before the answer, which decides the answer's first one, averaged over
        heads and over the layers whose place in the model, from 0 (first) to 1 (last), lies within `depth`; always at
        least one layer. A picture has as many grids as the model looks at it at (an overview, and tiles). Raises
        SpecsightError where the model does not tell, and as `generate` does.
        """
        if not self.attends:
            raise SpecsightError(
                f"language model '{self.name}' does not tell how it attends to pictures: load a vision-language "
                "checkpoint of a family whose image tokens are known (vision:FOLDER)"
            )
        low, high = depth
        if not 0 <= low <= high <= 1:
            raise SpecsightError(
                f"layers must be given as shares 0 <= first <= last <= 1, got {low} and {high}"
            )
        self.check(messages, answered=True)
        return self._attention(messages, depth)

    def check(self, messages: Sequence[Message], *, answered: bool) -> None:
        """Raise SpecsightError for what the model cannot read: an empty conversation, pictures where it does not see.

        `answered`: the assistant is to speak next, so its own message must not come last.
        """
        if not messages:
            raise SpecsightError("a conversation needs at least one message")
        for message in messages:
            if not isinstance(message, Message):
                raise SpecsightError(f"a conversation is made of Messages, got {type(message).__name__}")
        if answered and messages[-1].role == "assistant":
            raise SpecsightError("the assistant has spoken last: add a message that it can answer")
        if not self.sees and any(message.images for message in messages):
            raise SpecsightError(
                f"language model '{self.name}' does not see: leave the pictures out, or choose a vision-language model"
            )

    @abstractmethod
    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        """The answer; what stands from a string of `stop` on is cut off by `generate`, and need not be written."""

    @abstractmethod
    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]: ...

    @abstractmethod
    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]: ...

    def _attention(
        self, messages: Sequence[Message], depth: tuple[float, float]
    ) -> list[tuple[AttentionGrid, ...]]:
        raise NotImplementedError


Adapter = Callable[[str, str], LanguageModel]
"""What makes a model of a name and a device ("auto", "cpu", "cuda:0"); most are the class itself."""


def _adopt(name: str, plugin: Any) -> Adapter:
    """An adapter that another distribution brings."""
    if not callable(plugin):
        raise SpecsightError(
            f"'{name}' must be a function of a name and a device that returns a LanguageModel, got {plugin!r}"
        )
    adapter: Adapter = plugin
    return adapter


language_models: Registry[Adapter] = Registry(
    "language model adapter", "specsight.language", group="specsight.language_models", adopt=_adopt
)
"""Name of an adapter → what makes its models. A module of this package that registers one is found by itself."""
