"""Text that others wrote, read only as far as it is sound: a regular file, of a sensible size, nested a little.

In: a path, or text. Out: text, or the plain values that JSON and YAML hold.
"""

from __future__ import annotations

import errno
import json
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from specsight.errors import SpecsightError

DEEPEST = 64
"""Lists and mappings inside each other, in JSON and YAML; records and specifications take a tenth of it."""
MOST_VALUES = 50_000
"""Values of a YAML text, those counted again that an alias repeats."""


def check_regular(path: Path) -> None:
    """Raise SpecsightError for a device or a pipe, which may have no end; what is missing or a folder is let pass."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SpecsightError(f"'{path}' is a pipe or a device: give a file")


def read_text(path: Path, longest: int | None = None) -> str:
    """UTF-8 text of a file of at most `longest` bytes.

    Raises SpecsightError for what is longer and for pipes and devices, OSError for what cannot be read and
    UnicodeDecodeError for other text.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no file has a name with a zero byte", str(path))
    check_regular(path)
    with path.open("rb") as file:
        content = file.read(-1 if longest is None else longest + 1)
    if longest is not None and len(content) > longest:
        raise SpecsightError(f"'{path}' has more than {longest:,} bytes: shorten it, or give another file")
    return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def parse_json(text: str | bytes) -> Any:
    """The value that `text` holds.

    Raises ValueError where it is no JSON, is nested more than `DEEPEST` levels, or has an object in which a name stands
    twice, of which one value would be lost.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return value
    raise ValueError("nested too deeply")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"'{next(name for name, count in counts.items() if count > 1)}' stands twice")
    return content


def parse_yaml(text: str) -> Any:
    """The value that YAML text holds which a program wrote; what persons write is read by `specification`.

    Raises ValueError where it is no YAML; before anything is built, where it is nested more than `DEEPEST` levels or
    has more than `MOST_VALUES` values, aliases counted as what they stand for.
    """
    try:
        _check_extent(text)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error).splitlines()[0]
        raise ValueError(problem) from error


def _check_extent(text: str) -> None:
    """Raise ValueError where the text is nested too deeply or holds too much."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                raise ValueError("a list or mapping inside itself")
            total += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
        if len(open_) > DEEPEST:
            raise ValueError("nested too deeply")
        if total > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values, those that aliases repeat among them")
