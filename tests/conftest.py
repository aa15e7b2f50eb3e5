"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real pictures and a real encoder beside the project; skips where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("real pictures and encoder ('shared' beside the project) are not on this machine")
    return SHARED
