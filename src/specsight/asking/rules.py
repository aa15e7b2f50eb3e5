"""Tagged questions → what kind of question it is, and what it says beside: patterns over tags, from `rules.yaml`.

In: the tags of one question as one text ("how long BE the TYPE"). Out: a kind, or none; whether a sign is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from specsight.asking.query import KINDS, Kind


@dataclass(frozen=True)
class Rules:
    """What stands in `rules.yaml`, compiled."""

    kinds: tuple[tuple[Kind, re.Pattern[str]], ...]
    signs: Mapping[str, re.Pattern[str]]


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The patterns of `rules.yaml`."""
    given = yaml.load(Path(__file__).with_suffix(".yaml").read_text("utf-8"), yaml.CSafeLoader)
    fragments: Mapping[str, str] = given["fragments"]

    def compiled(pattern: str) -> re.Pattern[str]:
        for name, fragment in fragments.items():
            pattern = pattern.replace(f"<{name}>", fragment)
        return re.compile(pattern)

    by_name = {kind: kind for kind in KINDS}
    return Rules(
        tuple((by_name[kind], compiled(pattern)) for kind, pattern in given["kinds"]),
        {name: compiled(pattern) for name, pattern in given["signs"].items()},
    )


def kind_of(words: str) -> Kind | None:
    """The kind of a question by its tags; None where no pattern is found."""
    return next((kind for kind, pattern in rules().kinds if pattern.search(words)), None)


def has(sign: str, words: str) -> bool:
    """Whether the tags of a question have a sign, such as "absent"."""
    return rules().signs[sign].search(words) is not None
