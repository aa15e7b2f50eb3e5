"""A part that is to be judged: bytes as they came from a camera or a client, and what belongs to them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from specsight.line.records import JudgedPart, Role, new_id, now
from specsight.line.store import LineStore

MOST_SIGNALS = 16
"""Further channels of one part."""


@dataclass(frozen=True)
class PartRequest:
    """A part to be judged by the live version of `model`, under `words`."""

    line: str
    part: str
    model: str
    picture: bytes = field(repr=False)
    depth: bytes | None = field(default=None, repr=False)
    """A file of depth, in mm; None: the part brings none."""
    signals: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Files of further channels, by name (`Sample.signals`, and "normals")."""
    words: str = ""
    key: str = ""
    """See `JudgedPart.key`."""
    person: str = ""
    role: Role = "operator"
    id: str = field(default_factory=new_id)
    received: datetime = field(default_factory=now)
    begun: float = field(default_factory=time.monotonic)
    """When it was received, by a clock that nobody sets."""


def digests_of(given: PartRequest) -> dict[str, Any]:
    """SHA-256 of what was given, as `JudgedPart` has it: "picture", "depth", "signals"."""
    return {
        "picture": _digest(given.picture),
        "depth": _digest(given.depth),
        "signals": {name: _digest(content) for name, content in given.signals.items()},
    }


def request_of(store: LineStore, part: JudgedPart) -> PartRequest | None:
    """What a part on record was asked, with its bytes, to be judged again; None where they are kept no longer."""
    picture = store.content(part.picture) if part.picture else None
    depth = store.content(part.depth) if part.depth else None
    signals = {name: store.content(digest) for name, digest in part.signals.items()}
    kept = {name: content for name, content in signals.items() if content is not None}
    if picture is None or (part.depth and depth is None) or kept.keys() != signals.keys():
        return None
    return PartRequest(part.line, part.part, part.model, picture, depth, kept, part.words, id=part.id)


def _digest(content: bytes | None) -> str:
    return sha256(content).hexdigest() if content else ""
