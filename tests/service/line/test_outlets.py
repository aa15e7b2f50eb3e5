"""A server's records at outlets: those that clients were answered, also where a server was killed in between."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.lines import ServedLine
from tests.support.waiting import until

from specsight.line.history import Wanted, find
from specsight.line.outlets import Outlets
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore


def test_records_reach_outlets_and_those_that_were_missed_are_caught_up(
    plates: Path, line: ServedLine, sqlite_store: LineStore, tmp_path: Path
) -> None:
    def ask(number: int) -> None:
        picture = (plates / "new" / f"{number}.png").read_bytes()
        assert line.inspect(picture, f"{number}.png").status_code == 200

    def attached() -> Outlets:
        to = Outlets([f"jsonl:{tmp_path}/r.jsonl"], tmp_path / "outlets")
        to.catch_up(lambda number: find(sqlite_store, Wanted(after=number), oldest_first=True))
        line.context.judge.listeners = (to.told,)
        return to

    to = attached()
    ask(40)
    until(lambda: to.states()[0].counts.sent == 1)
    line.context.judge.listeners = ()
    to.close(10)
    ask(41)  # on record, and lost to the outlets with the process
    to = attached()
    ask(42)
    until(lambda: to.states()[0].counts.sent == 3)
    line.context.judge.listeners = ()
    to.close(10)
    sent = [JudgedPart.from_json(json.loads(one)) for one in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert sent == find(sqlite_store, oldest_first=True)
    assert [one.number for one in sent] == [1, 2, 3]
