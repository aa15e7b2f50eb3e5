"""Anchors: prompt ensembles as CLIP averages them, and margins against values worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from specsight.encoders import Encoder, Features
from specsight.images.cells import Region
from specsight.prompts import PromptBank
from specsight.prompts import anchors as module
from specsight.prompts.anchors import Anchors, PhraseBook, probability

VECTORS = {
    "good": (1.0, 0.0),
    "fine": (0.0, 1.0),
    "crack": (0.6, 0.8),
    "stain": (-0.6, 0.8),
    "dust": (-1.0, 0.0),
}


class WordEncoder(Encoder):
    """Reads the five words of `VECTORS` and keeps count of what it reads."""

    name, fingerprint, multiple, reads = "words", "0", 1, True
    available, default_layers = (), ()

    def __init__(self) -> None:
        self.read: list[str] = []

    def layers(self, images: NDArray[np.uint8], which: Sequence[str] | None = None) -> list[Features]:
        raise NotImplementedError

    def embed_images(self, images: NDArray[np.uint8], inside: Region | None = None) -> Features:
        raise NotImplementedError

    def embed_texts(self, texts: Sequence[str]) -> Features:
        self.read += texts
        return np.array([VECTORS[text] for text in texts], np.float32)


BANK = PromptBank(
    good=("good", "fine"), damaged=("stain",), defects={"crack": ("crack",)}, ignored={"dust": ("dust",)}
)


def test_anchors_are_means_of_sentences_in_the_order_of_the_bank() -> None:
    anchors = PhraseBook(WordEncoder()).anchors(BANK)
    assert anchors.types == ("crack", None)
    np.testing.assert_allclose(anchors.good, [0.5**0.5, 0.5**0.5], rtol=1e-6)
    np.testing.assert_allclose(anchors.defects, [VECTORS["crack"], VECTORS["stain"]], rtol=1e-6)
    np.testing.assert_allclose(anchors.ignored, [VECTORS["dust"]], rtol=1e-6)


def test_a_group_of_sentences_is_embedded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = WordEncoder()
    book = PhraseBook(encoder)
    for _ in range(2):
        book.anchors(BANK)
    book.anchors(PromptBank(good=("good", "fine"), defects={"stain": ("stain",)}))
    assert sorted(encoder.read) == sorted(VECTORS)
    monkeypatch.setattr(module, "CAPACITY", 3)
    book.anchors(BANK)
    assert sorted(encoder.read) == sorted([*VECTORS, *VECTORS])


def test_margins_compare_each_type_with_what_is_acceptable() -> None:
    good, crack, stain = (np.array(VECTORS[word], np.float32) for word in ("good", "crack", "stain"))
    patches = np.array([[1.0, 0.6], [0.0, 0.8]], np.float32)
    nothing = np.zeros((0, 2), np.float32)
    margins = Anchors(good, ("crack", "stain"), np.stack([crack, stain]), nothing).margins(patches, 0.5)
    np.testing.assert_allclose(margins, [[-0.8, 0.8], [-3.2, -0.64]], rtol=1e-5)
    # The second patch, taken against "good" and an ignored "crack": log(exp(1.2) + exp(2)) = 2.3711.
    alone = Anchors(good, ("stain",), stain[None], crack[None]).margins(patches[:, 1:], 0.5)
    np.testing.assert_allclose(alone, [[0.56 - 2.3711]], atol=1e-4)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=5))
def test_the_list_of_types_changes_no_types_margin(values: list[float]) -> None:
    patches = np.stack([np.cos(values), np.sin(values)]).astype(np.float32)
    good, crack, stain = (np.array(VECTORS[word], np.float32) for word in ("good", "crack", "stain"))
    nothing = np.zeros((0, 2), np.float32)
    both = Anchors(good, ("crack", "stain"), np.stack([crack, stain]), nothing).margins(patches, 0.07)
    alone = Anchors(good, ("stain",), stain[None], nothing).margins(patches, 0.07)
    np.testing.assert_allclose(both[1:], alone, atol=1e-4)


def test_probabilities_are_those_of_a_softmax_over_two() -> None:
    margins = np.array([-1000, -1, 0, 2, 1000], np.float32)
    expected = [0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2)), 1]
    np.testing.assert_allclose(probability(margins), expected, rtol=1e-6)
