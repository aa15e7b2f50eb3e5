"""What a server does once a day; it goes on judging where it cannot, and says why."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.support.factory import refused
from tests.support.lines import served_line

from specsight.line.records import now
from specsight.line.store import LineStore
from specsight.service.line.daily import Daily


def test_rules_are_applied_and_a_mistake_in_them_stops_no_part(
    plates: Path, sqlite_store: LineStore, tmp_path: Path
) -> None:
    rules, told = tmp_path / "rules.yaml", list[str]()
    rules.write_text("keep: {accepted: 3}")
    daily = Daily(sqlite_store, rules, told.append)
    with served_line(plates / "models", sqlite_store, daily=daily) as served:
        program, picture = served.program("auditor"), (plates / "new" / "40.png").read_bytes()
        (part,) = served.inspect(picture).json()
        daily.look()
        assert program.get(f"/inspections/{part['id']}/picture").status_code == 200
        sqlite_store.clock = lambda: now() + timedelta(days=4)
        rules.write_text("keep: {acepted: 3}")
        for _ in range(2):
            daily.look()
        answer = program.get("/health")
        assert answer.status_code == 200
        assert "keep.acepted" in answer.json()["daily"]
        assert served.inspect((plates / "new" / "42.png").read_bytes()).status_code == 200
        rules.write_text("keep: {accepted: 3}")
        daily.look()
        assert program.get("/health").json()["daily"] == ""
        assert program.get(f"/inspections/{part['id']}/picture").status_code == 404
    assert [line[:32] for line in told] == [
        "retention: deleted 0 records and",
        ("not done: retention: '" + str(rules))[:32],
        "retention: deleted 0 records and",
    ]
    assert [one.action for one in sqlite_store.entries("") if one.person == "specsight"].count("noted") == 2
    assert "and 4 pictures and maps" in told[2]


def test_rules_that_are_none_are_refused_before_the_server_starts(plates: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("keep: [")
    said = refused(
        "serve",
        plates / "models",
        "--db",
        f"sqlite:///{tmp_path}/line.db",
        "--retention",
        tmp_path / "rules.yaml",
    )
    assert "rules.yaml" in said
