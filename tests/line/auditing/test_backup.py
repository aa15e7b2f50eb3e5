"""A line's database and models are copied while it runs, and come back whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.support.factory import refused, specsight
from tests.support.postgresql import Postgres

from specsight.errors import SpecsightError
from specsight.line.auditing.backup import backup, restore
from specsight.line.auditing.rejudging import rejudge
from specsight.line.fleet import Fleet
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore


def another(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database of the same kind that does not hold anything."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/restored.db"
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed (Debian: postgresql-client)")
    server = request.getfixturevalue("server")
    assert isinstance(server, Postgres)
    return server.database()


def test_what_comes_back_is_whole_and_judges_as_before(
    reviewed: JudgedPart,
    store: LineStore,
    url: str,
    plates: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    target = another(url, tmp_path, request)
    backup(store, plates / "models", tmp_path / "backup")
    found = restore(tmp_path / "backup", target, tmp_path / "models")
    assert [one.words.partition(";")[0] for one in found] == [
        "what concerns all lines: whole",
        "line 'a': whole",
    ]
    restored = LineStore.open(target)
    assert restored.part(reviewed.id) == reviewed
    assert rejudge(restored, Fleet(tmp_path / "models", restored), reviewed.id).reproduced
    restored.close()
    with pytest.raises(SpecsightError, match=r"is there already|is not empty"):
        restore(tmp_path / "backup", target, None)


def test_a_backup_that_was_damaged_is_refused(sqlite_store: LineStore, tmp_path: Path) -> None:
    backup(sqlite_store, None, tmp_path / "backup")
    (tmp_path / "backup" / "line.db").write_bytes(b"SQLite format 3\x00")
    with pytest.raises(SpecsightError, match="damaged"):
        restore(tmp_path / "backup", f"sqlite:///{tmp_path}/other.db", None)
    assert not (tmp_path / "other.db").exists()


def test_verbs(sqlite_store: LineStore, tmp_path: Path) -> None:
    url = sqlite_store.engine.url.render_as_string()
    assert "without models" in specsight("line", "backup", "-o", tmp_path / "b", "--db", url)
    assert "there is no folder" in refused(
        "line", "backup", "-o", tmp_path / "c", "--models", tmp_path / "x", "--db", url
    )
    assert "a backup replaces nothing: choose a new folder" in refused(
        "line", "backup", "-o", tmp_path / "b", "--db", url
    )
    assert "is no backup of a line" in refused(
        "line", "restore", tmp_path, "--db", f"sqlite:///{tmp_path}/x.db"
    )
    specsight("line", "restore", tmp_path / "b", "--db", f"sqlite:///{tmp_path}/other.db")
    assert (tmp_path / "other.db").is_file()
