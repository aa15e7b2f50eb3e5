"""No test cuts the power: that what is written survives it is not waited for, which takes most of the time."""

from __future__ import annotations

import os

import pytest

from specsight.storage import database


@pytest.fixture(autouse=True)
def _no_power_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(database, "SYNCHRONOUS", "OFF")
