"""Parts of a line as they would be on record, without anything that judged them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np

from specsight.line.records import JudgedPart
from specsight.line.store import Judging, LineStore

VERSION = "0" * 12
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def line_of(
    store: LineStore,
    count: int,
    seed: int,
    *,
    light: float = 100.0,
    rejected: Sequence[int] = (),
    **values: str,
) -> list[JudgedPart]:
    """Store parts of line "a", of which those at `rejected` are; clocks run backwards."""
    random = np.random.default_rng(seed)
    made = []
    for k in range(count):
        measured = {"brightness": light + random.normal(), "sharpness": 0.3 + 0.01 * random.normal()}
        measured |= {"row": 0.5 + 0.001 * random.normal(), "column": 0.5 + 0.001 * random.normal()}
        part = JudgedPart(
            "a",
            f"{k}",
            "plate",
            VERSION,
            id=random.bytes(16).hex(),
            verdict="reject" if k in rejected else "accept",
            score=2.0 if k in rejected else 0.5 + 0.1 * random.normal(),
            threshold=1.0,
            measured=measured,
            received=NOON - timedelta(minutes=k),
        )
        made.append(Judging(replace(part, **values), b""))  # type: ignore[arg-type]
    return store.add(made)
