"""The grammar: what contradicts what, and that wordings say what is meant."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.recipes.encoder.sentences import (
    ANOMALY,
    MATERIAL_NAMES,
    NONE,
    THINGS,
    Meaning,
    agreements,
    contradictions,
    say,
)
from specsight.specification.synonyms import PHRASES, related
from specsight.specification.vocabulary import place_phrase
from specsight.synthetic.scenes.materials import COLOURS

meanings = st.builds(
    Meaning,
    defect=st.sampled_from(["", NONE, *PHRASES]),
    thing=st.sampled_from(["", *THINGS]),
    material=st.sampled_from(["", *MATERIAL_NAMES]),
    colour=st.sampled_from(["", *COLOURS]),
)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Meaning("crack"), Meaning(NONE), True),
        (Meaning("crack"), Meaning("stain"), True),
        (Meaning("crack"), Meaning("cut"), False),
        (Meaning("crack"), Meaning(ANOMALY), False),
        (Meaning(NONE), Meaning(ANOMALY), True),
        (Meaning("crack", thing="disc"), Meaning("crack", thing="gear"), True),
        (Meaning("crack", thing="disc"), Meaning("crack"), False),
        (Meaning(colour="red"), Meaning(colour="blue"), True),
        (Meaning(), Meaning("crack", "disc", "glass", "green"), False),
    ],
)
def test_contradictions(first: Meaning, second: Meaning, expected: bool) -> None:
    assert contradictions([first, second]).tolist() == [[False, expected], [expected, False]]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Meaning(), Meaning(), 1.0),
        (Meaning("crack"), Meaning("crack"), 1.0),
        (Meaning("crack"), Meaning("stain"), 0.0),
        (Meaning("crack"), Meaning("cut"), 0.25 / 0.5),
        (Meaning(NONE), Meaning(ANOMALY), 0.0),
        (Meaning("crack", "disc"), Meaning("crack", "gear"), 0.5 / 0.7),
        (Meaning("crack", "disc", "glass", "green"), Meaning("crack"), 0.5),
        (Meaning("", "disc", "glass"), Meaning("", "disc", "wood", "red"), 0.2 / 0.5),
    ],
)
def test_agreement_by_hand(first: Meaning, second: Meaning, expected: float) -> None:
    assert agreements([first, second])[0, 1] == pytest.approx(expected)


@given(st.lists(meanings, min_size=1, max_size=6))
def test_contradictions_and_agreements_are_symmetric_and_fit_together(drawn: list[Meaning]) -> None:
    apart, shared = contradictions(drawn), agreements(drawn)
    assert (apart == apart.T).all()
    assert np.allclose(shared, shared.T)
    assert ((shared >= 0) & (shared <= 1 + 1e-6)).all()
    assert not apart.diagonal().any()
    assert np.allclose(shared.diagonal(), 1)
    for i, first in enumerate(drawn):
        for j, second in enumerate(drawn):
            assert apart[i, j] == contradictions([first, second])[0, 1], "pairs do not depend on the others"


@given(meanings, st.integers(0, 2**32 - 1))
def test_sentences_name_what_is_meant_and_are_well_formed(meaning: Meaning, seed: int) -> None:
    sentence = say(np.random.default_rng(seed), meaning)
    assert sentence == sentence.strip()
    assert "  " not in sentence
    assert "{" not in sentence
    if meaning.defect not in ("", NONE, ANOMALY):
        assert any(
            phrase.removeprefix("a ").removeprefix("an ") in sentence for phrase in PHRASES[meaning.defect]
        )


def test_articles_agree_with_the_word_behind_them() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        words = say(rng, Meaning("", "oval", "rubber", str(rng.choice(["orange", "red"])))).split()
        for article, word in pairwise(words):
            if article in ("a", "an"):
                assert (article == "an") == (word[0] in "aeiou")


def test_every_type_has_several_phrases_and_no_phrase_means_two_types() -> None:
    phrases = [phrase for group in PHRASES.values() for phrase in group]
    assert len(phrases) == len(set(phrases))
    assert min(len(group) for group in PHRASES.values()) >= 4


def test_any_defect_is_an_anomaly_and_types_stay_apart() -> None:
    assert all(related(name, ANOMALY) for name in PHRASES)
    assert not related("hole", "stain")


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [(0.5, 0.5, "in the centre"), (0.1, 0.1, "at the top left"), (0.9, 0.5, "at the right")],
)
def test_places(x: float, y: float, words: str) -> None:
    assert place_phrase(x, y) == words
