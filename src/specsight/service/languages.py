"""Languages of pages: which one a person reads, and its words (gettext).

The words of all pages stand in `line/locale/LANGUAGE/LC_MESSAGES/specsight.po`; `make locale` brings these files, and
the compiled ones that ship, to what templates and code say. What a model says of a part (statements, clauses) is
English.
"""

from __future__ import annotations

import gettext
import math
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

LANGUAGES = {"en": "English", "de": "Deutsch", "it": "Italiano"}
"""Code → what its speakers call it."""
DOMAIN = "specsight"


def marked(message: str) -> str:
    """The message itself, which `make locale` finds by this call: for words that are translated where they stand."""
    return message


@lru_cache
def translations(language: str) -> gettext.NullTranslations:
    """The words of a language; those of English are the messages themselves."""
    if language == "en":
        return gettext.NullTranslations()
    file = resources.files(__package__) / "line" / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    with file.open("rb") as stream:
        return gettext.GNUTranslations(stream)


def read_by(choice: str | None, accepted: str, offered: Sequence[str]) -> str:
    """The language of a page: a person's choice, otherwise the first that their browser accepts (the header
    Accept-Language), otherwise the first that is offered."""
    if choice in offered:
        return str(choice)
    weighed = []
    for place, one in enumerate(accepted[:1000].split(",")):
        name, _, weight = one.strip().partition(";q=")
        try:
            share = float(weight or 1)
        except ValueError:
            continue
        code = name.strip().lower().partition("-")[0]
        if code in offered and share > 0:
            weighed.append((-share, place, code))
    return min(weighed)[2] if weighed else offered[0]


def number(value: float, language: str, digits: int = 3) -> str:
    """A number in `digits` significant digits, as a language writes it."""
    size = math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    text = f"{value:.{max(0, digits - 1 - size)}f}" if -4 < size < 7 else f"{value:.{digits}g}"
    return text if language == "en" else text.replace(".", ",")
