"""Errors that a person can mend: each message names the file or value and the way out.

The command line prints them as one line; anything else that escapes is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
import importlib
import re
import unicodedata
from collections.abc import Iterable
from types import ModuleType
from typing import Any

CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories of what a terminal obeys or cannot show: controls, surrogates, separators of lines."""
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of the text behind them."""
LONGEST_EXCERPT = 300
"""Characters of other people's words in a message."""


class SpecsightError(Exception):
    """A user's mistake or a broken input, told in one line: what, where, and what to do next."""


class UnreadableFile(SpecsightError):
    """A file that is not what its name promises (truncated, empty, another format, over a limit)."""


class WrongSize(UnreadableFile):
    """A mask, depth or part map whose size is not that of its picture."""


class MissingExtra(SpecsightError):
    """An optional library is not installed; the message holds the exact install line."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional library, or say which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        top = module.partition(".")[0]
        raise MissingExtra(f"{top} is not installed: pip install 'specsight[{extra}]'") from error


def printable(text: str) -> str:
    """`text` for a terminal: line ends stay; other control characters, which could steer it, and those that turn the
    direction of what follows, so that it reads as something else, are written as `\\x1b`."""
    return "".join(
        character
        if character == "\n"
        or (unicodedata.category(character) not in CONTROLS and not TURNING.match(character))
        else _escaped(character)
        for character in text
    )


def one_line(text: str) -> str:
    """`text` on one line of a terminal: as `printable`, and ends of lines are written as `\\x0a`, so that words of
    other people never look like a line of ours."""
    return printable(text).replace("\n", "\\x0a")


def unturned(value: Any) -> Any:
    """What a page shows of a value: in text, of whatever class, characters that turn the direction of what follows are
    written as `\\u202e`; anything else as it is."""
    if not isinstance(value, str) or not TURNING.search(value):
        return value
    return type(value)(TURNING.sub(lambda found: _escaped(found[0]), value))


def excerpt(text: str) -> str:
    """`text` for a message: one that is longer than `LONGEST_EXCERPT` characters without its middle."""
    if len(text) <= LONGEST_EXCERPT:
        return text
    return f"{text[: LONGEST_EXCERPT - 50].rstrip()} … {text[-40:].lstrip()} ({len(text):,} characters)"


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`": did you mean 'padim'?"`-style ending for an unknown name, or the list of what exists."""
    names = sorted(known)
    close = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names)}"
