"""Records to send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from specsight.line.outlets import Outlets, sending
from specsight.line.outlets.spool import Counts
from specsight.line.records import JudgedPart

Make = Callable[..., JudgedPart]
Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def part() -> Make:
    """Makes a judged part."""

    def make(number: int = 1, **values: object) -> JudgedPart:
        given = {"verdict": "reject", "score": 3.5, "threshold": 2.0, "statement": "Rejected.", **values}
        return JudgedPart("a", f"p{number}", "cap", "0" * 12, id=f"{number:032x}", number=number, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is down is tried again at once."""
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(sending, "LONGEST_PAUSE", 0.1)


def counts(outlets: Outlets) -> Counts:
    """Of the only outlet."""
    return outlets.states()[0].counts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where outlets keep what waits."""
    return tmp_path / "outlets"
