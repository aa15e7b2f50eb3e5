"""A required text is aligned with what a recogniser gives of a line, and compared with what it would read instead."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.presence.ctc import Symbol, align, greedy

CLASSES = "-abcde "
"""Class 0 is no character."""


def line(steps: str, sure: float = 0.9) -> NDArray[np.float32]:
    """Probabilities of a line whose likeliest class at each step is given."""
    rest = (1 - sure) / (len(CLASSES) - 1)
    found = np.full((len(steps), len(CLASSES)), rest, np.float32)
    found[np.arange(len(steps)), [CLASSES.index(one) for one in steps]] = sure
    return found


def text(words: str) -> list[Symbol]:
    letters = [(c, k and words[k - 1] == " ") for k, c in enumerate(words) if c != " "]
    return [Symbol((CLASSES.index(c),), bool(behind)) for c, behind in letters]


@pytest.mark.parametrize(
    ("steps", "words", "place"),
    [
        ("a--b-c", "abc", (0, 6)),
        ("-dda-bb-ce-", "abc", (3, 9)),
        ("abc", "abc", (0, 3)),
        ("aa-a", "aa", (0, 4)),
        ("ddabcdd", "bc", (3, 5)),
        ("a b", "ab", (0, 3)),
        ("aeb", "a b", (0, 3)),
    ],
)
def test_what_is_read_fits_without_deficit(steps: str, words: str, place: tuple[int, int]) -> None:
    found = align(line(steps), text(words), (0, 6), signs=(5,))
    assert found is not None
    assert found.deficit == pytest.approx(0, abs=1e-6)
    assert found.margin == pytest.approx(np.log(0.9 / (0.1 / 6)), abs=1e-4)
    assert (found.start, found.stop) == place


@pytest.mark.parametrize(
    ("steps", "words"), [("a-d-c", "abc"), ("aaa", "aa"), ("ab-dc", "abc"), ("aeb", "ab")]
)
def test_one_character_that_is_otherwise_costs_its_likelihood(steps: str, words: str) -> None:
    found = align(line(steps), text(words), (0, 6), signs=())
    assert found is not None
    assert found.deficit == pytest.approx(np.log((0.1 / 6) / 0.9), abs=1e-4)


def test_a_rival_is_told_by_its_probability_and_a_missing_character_has_none() -> None:
    rival, missing = align(line("abd"), text("abc"), (0, 6), ()), align(line("ab-"), text("abc"), (0, 6), ())
    assert rival is not None
    assert missing is not None
    assert (rival.against, missing.against) == (pytest.approx(0.9), 0.0)


def test_a_sign_that_is_not_read_costs_little() -> None:
    sign = [Symbol((1,)), Symbol((5,), is_sign=True), Symbol((2,))]
    for steps in ("a-b", "aeb", "adb"):
        found = align(line(steps), sign, (0, 6), ())
        assert found is not None
        assert found.deficit >= -0.5
        assert found.margin > 1


def test_a_text_of_more_characters_than_steps_fits_nowhere() -> None:
    assert align(line("ab"), text("abc"), (0, 6), signs=()) is None


def test_a_character_in_either_letter_case() -> None:
    both = [Symbol((1, 2)), Symbol((3,))]
    found = align(line("bc"), both, (0, 6), signs=())
    assert found is not None
    assert found.deficit == pytest.approx(0, abs=1e-6)


def test_reading_joins_repeats() -> None:
    read = greedy(line("-aab-bb"))
    assert [(one, step) for one, step, _ in read] == [(1, 1), (2, 3), (2, 5)]
    assert greedy(line("---")) == []


def test_a_line_with_no_step_between_two_equal_characters_has_no_alignment() -> None:
    assert align(line("aa"), text("aa"), (0, 6), signs=(5,)) is None
    assert align(line("aab"), text("aab"), (0, 6), signs=(5,)) is None
