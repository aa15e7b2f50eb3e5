"""A live version that is missing or damaged stops no other model; health says which it is, and it comes back."""

from __future__ import annotations

import time
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from tests.support.factory import specsight
from tests.support.lines import ServedLine, served_line

from specsight.errors import SpecsightError
from specsight.line import fleet as fleets
from specsight.line.fleet import Fleet
from specsight.line.store import LineStore
from specsight.service.line import following


@pytest.fixture
def models(plates: Path, tmp_path: Path) -> Path:
    """Two models, both of which were live before."""
    for name in ("plate", "cap"):
        copytree(plates / "models" / "plate", tmp_path / "models" / name)
    return tmp_path / "models"


def kept(fleet: Fleet, name: str) -> Path:
    return fleet.place(name, fleet.check(name).version)


def damage(folder: Path) -> None:
    file = max(folder.glob("**/*.safetensors"), key=lambda one: one.stat().st_size)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def inspected(line: ServedLine, plates: Path, **fields: str) -> tuple[int, str]:
    answer = line.inspect((plates / "new" / "40.png").read_bytes(), **fields)
    return answer.status_code, answer.text


def test_others_go_on(
    plates: Path, models: Path, sqlite_store: LineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = kept(Fleet(models, sqlite_store), "cap")
    damage(place)
    monkeypatch.setattr(fleets, "PAUSE", 0.0)
    monkeypatch.setattr(following, "EVERY", 0.1)
    with served_line(models, sqlite_store) as line:
        health = line.program().get("/health")
        assert health.status_code == 200
        assert list(health.json()["models"]) == ["plate"]
        assert "cap" in health.json()["problems"]
        assert inspected(line, plates, model="plate")[0] == 200
        status, why = inspected(line, plates, model="cap")
        assert (status, str(place) in why) == (503, True)
        assert (
            inspected(line, plates)[0] == 422
        )  # which one is meant is not guessed because one of them is away
        assert inspected(line, plates, model="cup")[0] == 404
        assert line.program().post("/models/scan").status_code == 200
        page = line.browser("engineer").get("/engineer/cap")
        assert (page.status_code, str(place) in page.text) == (200, True)
        rmtree(place)
        copytree(models / "cap", place)
        assert inspected(line, plates, model="cap")[0] == 200


def test_what_is_loaded_goes_on_and_health_says_what_is_missing(
    plates: Path, models: Path, sqlite_store: LineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "EVERY", 0.1)
    with served_line(models, sqlite_store) as line:
        place = kept(line.context.fleet, "cap")
        place.rename(models.parent / "away")
        problems = line.program()
        for _ in range(100):
            if found := problems.get("/health").json()["problems"]:
                break
            time.sleep(0.05)
        assert "is gone or was changed" in found["cap"]
        assert inspected(line, plates, model="cap")[0] == 200
        (models.parent / "away").rename(place)
        for _ in range(100):
            if not problems.get("/health").json()["problems"]:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("the problem stays")


def test_no_model_at_all_is_said_at_the_start(models: Path, sqlite_store: LineStore) -> None:
    fleet = Fleet(models, sqlite_store)
    for name in ("plate", "cap"):
        damage(kept(fleet, name))
    with pytest.raises(SpecsightError, match=r"cap: .*; plate: "):
        served_line(models, sqlite_store).__enter__()
    listed = specsight("line", "live", models, "cap", "--db", sqlite_store.engine.url)
    assert "the first version" in listed
