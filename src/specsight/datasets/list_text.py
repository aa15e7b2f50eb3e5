"""The text of a list file, in the encodings that spreadsheets and editors write."""

from __future__ import annotations

import codecs
from pathlib import Path

from specsight.errors import UnreadableFile
from specsight.storage import check_regular

WINDOWS = "cp1252"


def list_text(file: Path) -> tuple[str, list[str]]:
    """(text, notes) of a file in UTF-8, in UTF-16 with its mark, or in Windows-1252, which a note then says.

    Raises UnreadableFile for anything else, and for what cannot be read.
    """
    try:
        check_regular(file)
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableFile(f"'{file}' cannot be read ({reason}): check the path") from error
    text, notes = _decoded(content), list[str]()
    if text is None:
        try:
            text = content.decode(WINDOWS)
        except UnicodeDecodeError as error:
            raise UnreadableFile(f"'{file}' is not UTF-8 text: save it as UTF-8") from error
        notes.append(f"'{file}' is not UTF-8: read as Windows-1252")
    if "\0" in text:
        raise UnreadableFile(f"'{file}' holds zero bytes, as no text does: save it as UTF-8")
    return text, notes


def _decoded(content: bytes) -> str | None:
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        return None
