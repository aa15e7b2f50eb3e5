"""A clock that jumps changes no order, no key and no trail; tokens follow it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.support.lines import served_line

from specsight.line import records, trail
from specsight.line.store import LineStore


def test_records_keep_their_order_while_the_clock_jumps(plates: Path, sqlite_store: LineStore) -> None:
    begun = datetime.now(timezone.utc)
    shift = timedelta(0)
    sqlite_store.clock = lambda: datetime.now(timezone.utc) + shift
    with served_line(plates / "models", sqlite_store) as line:
        expiring, _ = line.tokens.add("visitor", "auditor", days=2)
        ids = []
        for number, jump in enumerate((0, 1, -400, 400, -1)):
            shift = timedelta(days=jump)
            picture = (plates / "new" / f"{40 + number}.png").read_bytes()
            ids.append(line.inspect(picture, key=f"{number}").json()[0]["id"])
            assert line.inspect(picture, key=f"{number}").json()[0]["id"] == ids[-1]
            visitor = line.program(None, headers={"Authorization": f"Bearer {expiring}"})
            assert line.context.store.clock() - begun > timedelta(days=jump - 1)
            good = line.tokens.of(expiring) is not None
            assert good == (jump < 2)
            assert visitor.get("/inspections?limit=1").status_code in ((200,) if good else (200, 401))
        assert [one["id"] for one in line.program().get("/inspections").json()] == ids[::-1]
        told = line.program().get("/inspections", params={"after": "0", "limit": "5"}).json()
        assert sorted(one["number"] for one in told) == list(range(1, 6))
    entries = [one for one in sqlite_store.entries("a") if one.action == "judged"]
    assert [one.subject for one in entries] == ids
    assert entries[2].at < entries[1].at
    assert trail.check(sqlite_store.entries("a")) is None
    assert records.now() >= begun
