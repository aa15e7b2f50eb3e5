"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Each test process gets one thread: several of them share the processors, and waiting threads would spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real pictures and a real encoder beside the project; skips where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("real pictures and encoder ('shared' beside the project) are not on this machine")
    return SHARED
