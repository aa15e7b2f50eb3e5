"""Alarms of a line on its page, at `/lines/…/health` and in the metrics, until somebody says that they know."""

from __future__ import annotations

from pathlib import Path

from tests.support.lines import served_line
from tests.support.watched_line import line_of

from specsight.line.monitoring.alarms import standing_of
from specsight.line.monitoring.references import take_reference
from specsight.line.store import LineStore


def test_an_alarm_stands_on_every_page_until_it_is_known(plates: Path, sqlite_store: LineStore) -> None:
    with served_line(plates / "models", sqlite_store) as served:
        version = served.context.fleet.live("plate").version
        line_of(sqlite_store, 200, 1, version=version)
        take_reference(sqlite_store, "a", "plate", 1, 200, "ada", promised=0.05)
        line_of(sqlite_store, 200, 2, light=80, version=version)
        served.context.feed.latest = sqlite_store.latest()
        served.context.watcher.look()
        program, auditor = served.program("operator"), served.program("auditor")
        (health,) = program.get("/lines/a/health").json()
        (alarm,) = [one for one in health["alarms"] if one["kind"] == "brightness"]
        assert "brightness is 20 % lower" in alarm["words"]
        assert alarm["words"] in served.context.alarms("a")
        assert "brightness is 20 % lower" in served.browser("operator").get("/line/a").text
        assert 'specsight_alarms{line="a",model="plate"} 0.0' not in program.get("/metrics").text
        known = f"/alarms/{alarm['number']}/acknowledge"
        assert auditor.post(known, json={"note": "x"}).status_code == 403
        for one in health["alarms"]:
            program.post(f"/alarms/{one['number']}/acknowledge", json={"note": "lamp"}).raise_for_status()
        served.context.watcher.look()
        assert served.context.alarms("a") == []
        assert 'specsight_alarms{line="a",model="plate"} 0.0' in program.get("/metrics").text
        assert program.post("/alarms/999999/acknowledge", json={}).status_code == 404
        assert program.get("/lines/nowhere/health").json() == []


def test_an_engineer_sees_alarms_with_their_parts_knows_of_them_and_begins_anew(
    plates: Path, sqlite_store: LineStore
) -> None:
    with served_line(plates / "models", sqlite_store) as served:
        version = served.context.fleet.live("plate").version
        line_of(sqlite_store, 200, 1, version=version)
        take_reference(sqlite_store, "a", "plate", 1, 200, "ada", promised=0.05)
        parts = line_of(sqlite_store, 200, 2, light=80, version=version)
        served.context.feed.latest = sqlite_store.latest()
        served.context.watcher.look()
        (alarm,) = standing_of(sqlite_store, "plate", version)
        page = served.browser("auditor").get("/engineer/plate").text
        assert alarm.words in page
        assert "Look at the lamp" in page
        assert f'href="/part/{parts[alarm.since - 201].id}"' in page
        assert "/acknowledge" not in page
        german = served.browser("auditor").get("/engineer/plate", headers={"accept-language": "de"}).text
        assert "Helligkeit" in german
        engineer = served.browser("engineer")
        page = engineer.get("/engineer/plate").text
        form = {"csrf": page.partition('name="csrf" value="')[2].partition('"')[0], "note": "the <lamp>"}
        own = {**form, "alarm": str(alarm.number)}
        assert served.browser("operator").post("/engineer/plate/acknowledge", data=own).status_code == 403
        known = engineer.post("/engineer/plate/acknowledge", data=own, follow_redirects=True).text
        assert "the &lt;lamp&gt;" in known
        assert "I know of it" not in known
        served.context.watcher.look()
        assert served.context.alarms("a") == []
        anew = engineer.post("/engineer/plate/anew", data=own, follow_redirects=True).text
        assert "None stands." in anew
        begun = [one for one in sqlite_store.entries("a", limit=1000) if one.action == "began the watch"]
        assert begun[-1].detail["why"] == "the <lamp>"
        again = engineer.post("/engineer/plate/anew", data=own)
        assert "stands no longer" in again.text
