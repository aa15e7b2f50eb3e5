"""Catalogues of the pages' words: extracted from templates and code, brought up to date, compiled (`make locale`)."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path

from babel.messages import Catalog, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import specsight.service
from specsight.service.languages import DOMAIN, LANGUAGES

SERVICE = Path(specsight.service.__file__).parent
KEYWORDS = {**extract.DEFAULT_KEYWORDS, "marked": None}
METHODS = [("**.py", "python"), ("**.j2", "jinja2")]
OPTIONS = {
    "**.j2": {"newstyle_gettext": "true", "trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
}
SOME_DAY = datetime(2026, 1, 1, tzinfo=timezone.utc)
HEADER = "# Words of the pages of Specsight."


def place(language: str) -> Path:
    """The catalogue of a language."""
    return SERVICE / "line" / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def extracted() -> Catalog:
    """The messages that templates and code hold."""
    found = Catalog(charset="utf-8", header_comment=HEADER)
    for name, _, message, comments, context in extract.extract_from_dir(
        str(SERVICE), METHODS, OPTIONS, KEYWORDS, comment_tags=("words:",)
    ):
        found.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    return found


def catalogue(language: str) -> Catalog:
    """What is written for a language."""
    with place(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(one: Catalog) -> bytes:
    """A catalogue as gettext reads it."""
    one.creation_date = one.revision_date = SOME_DAY  # the same bytes for the same words
    buffer = io.BytesIO()
    write_mo(buffer, one)
    return buffer.getvalue()


def written(one: Catalog) -> bytes:
    """A catalogue as a translator reads it: the same bytes for the same words."""
    buffer = io.BytesIO()
    write_po(
        buffer, one, width=120, sort_output=True, omit_header=True, ignore_obsolete=True, include_lineno=False
    )
    head = (
        f'{HEADER}\nmsgid ""\nmsgstr ""\n"Language: {one.locale}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Plural-Forms: {one.plural_forms}\\n"\n\n'
    )
    return head.encode() + buffer.getvalue()


def main() -> None:
    """Bring all catalogues up to date, and say what waits for a translation."""
    template = extracted()
    for language in LANGUAGES:
        if language == "en":
            continue
        path = place(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        one = catalogue(language) if path.is_file() else Catalog(locale=language)
        one.update(template, no_fuzzy_matching=True)
        path.write_bytes(written(one))
        path.with_suffix(".mo").write_bytes(compiled(catalogue(language)))
        missing = [message.id for message in one if message.id and not all(_forms(message.string))]
        print(f"{language}: {len(template)} messages, to be translated: {missing or 'none'}")


def _forms(string: object) -> tuple[object, ...]:
    return string if isinstance(string, tuple) else (string,)


if __name__ == "__main__":
    main()
