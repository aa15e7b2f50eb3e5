"""What is no conversation, no length and no seed is refused before a model sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.language import LanguageModel, Message


class Silent(LanguageModel):
    """Never asked."""

    name = "silent"

    def _generate(self, *_: Any) -> str:
        raise AssertionError

    def _likelihoods(self, *_: Any) -> list[float]:
        raise AssertionError

    def _hidden_states(self, *_: Any) -> NDArray[np.float32]:
        raise AssertionError


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((["hello"], 2), "made of Messages, got str"),
        (([Message("user", "hello")], 1.5), "max_tokens must be at least 1, got 1.5"),
        (([Message("user", "hello")], 2, (), "x"), "a seed must be a whole number of 64 bits, got 'x'"),
        (([Message("user", "hello")], 2, (), 2**70), "a seed must be a whole number of 64 bits"),
    ],
)
def test_wrong_types_are_refused(arguments: Any, words: str) -> None:
    with pytest.raises(SpecsightError, match=words):
        Silent().generate(*arguments)
