"""Languages of pages: every message has its words, the compiled files are those of the words, and who reads what."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("babel", reason="Babel is not installed (extra dev)")
from tests.support import catalogues

from specsight.service.languages import LANGUAGES, number, read_by, translations

TRANSLATED = [language for language in LANGUAGES if language != "en"]


def _forms(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple | list) else (str(value),)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_keeps_its_blanks(language: str) -> None:
    words = catalogues.catalogue(language)
    for message in catalogues.extracted():
        if not message.id:
            continue
        found = words.get(message.id, message.context)
        assert found is not None, f"'make locale' has not run since {message.id!r} was written"
        assert all(_forms(found.string)), f"{language}: {message.id!r} waits for its translation"
        assert not found.fuzzy
        for original, translated in zip(_forms(message.id)[-1:] * 2, _forms(found.string)):
            blanks = [set(re.findall(r"%\(\w+\)s", text)) for text in (original, translated)]
            assert blanks[0] == blanks[1], message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_ships_is_compiled_of_what_is_written(language: str) -> None:
    words = catalogues.catalogue(language)
    assert catalogues.place(language).with_suffix(".mo").read_bytes() == catalogues.compiled(words)
    assert catalogues.place(language).read_bytes() == catalogues.written(words)
    assert translations(language).gettext("dark") != "dark"


@pytest.mark.parametrize(
    ("choice", "accepted", "read"),
    [
        ("it", "de", "it"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "fr, it;q=0.4, de;q=0.7", "de"),
        ("xx", "it;q=0", "en"),
        (None, "de;q=much, ;;;,", "en"),
        (None, "", "en"),
    ],
)
def test_a_choice_goes_before_what_the_browser_asks_for(choice: str | None, accepted: str, read: str) -> None:
    assert read_by(choice, accepted, ("en", "de", "it")) == read


def test_numbers_are_written_as_the_language_does() -> None:
    assert (number(1.2345, "en"), number(4, "de"), number(1234, "it")) == ("1.23", "4,00", "1234")
    assert (number(0, "en"), number(1.25e-9, "it"), number(float("inf"), "de")) == ("0.00", "1,25e-09", "inf")
