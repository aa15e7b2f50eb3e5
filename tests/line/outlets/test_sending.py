"""Records are kept on disk before `send` returns, sent once, and a dead outlet stops nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.line.outlets.conftest import Make
from tests.support.waiting import until

from specsight.errors import SpecsightError
from specsight.line.outlets import NotTaken, Outlet, OutletDown, Outlets, outlets
from specsight.line.outlets.spool import Counts, Spool
from specsight.line.records import JudgedPart


class Taker(Outlet):
    """Takes what the test lets it."""

    taken: list[str]
    down = refuses = False

    def open(self) -> None:
        if self.down:
            raise OutletDown("nobody answers")

    def send(self, part: JudgedPart) -> None:
        if self.down:
            raise OutletDown("nobody answers")
        if self.refuses:
            raise NotTaken("no")
        self.taken.append(part.part)

    def close(self) -> None:
        pass


@pytest.fixture
def taker(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Taker]]:
    monkeypatch.setattr(Taker, "taken", [], raising=False)
    monkeypatch.setattr(Taker, "down", False)
    monkeypatch.setattr(Taker, "refuses", False)
    list(outlets)
    outlets._entries["taker"] = Taker
    yield Taker
    del outlets._entries["taker"]


def test_a_dead_outlet_delays_nobody_and_gets_everything_in_order_when_it_is_back(
    taker: type[Taker], folder: Path, tmp_path: Path, part: Make
) -> None:
    taker.down = True
    said: list[str] = []
    to = Outlets(["taker:x", f"jsonl:{tmp_path}/r.jsonl"], folder, tell=said.append)
    for number in range(5):
        assert to.send(part(number))
    until(lambda: to.states()[1].counts.sent == 5)
    until(lambda: bool(to.states()[0].down))
    assert "5 wait (nobody answers)" in str(to.states()[0])
    taker.down = False
    until(lambda: to.states()[0].counts.sent == 5)
    to.close()
    assert taker.taken == ["p0", "p1", "p2", "p3", "p4"]
    assert said == ["taker:x: down, parts wait for it: nobody answers", "taker:x: takes parts again"]


def test_what_waits_outlives_the_process(taker: type[Taker], folder: Path, part: Make) -> None:
    taker.down = True
    to = Outlets(["taker:x"], folder)
    to.send(part(1))
    start = time.monotonic()
    to.close(10)
    assert time.monotonic() - start < 5
    assert to.final[0].counts.waiting == 1
    taker.down = False
    to = Outlets(["taker:x"], folder)
    to.send(part(1))
    to.send(part(2))
    to.close(10)
    assert taker.taken == ["p1", "p2"]


def test_a_new_outlet_begins_with_what_is_new(
    taker: type[Taker], folder: Path, tmp_path: Path, part: Make
) -> None:
    to = Outlets([f"jsonl:{tmp_path}/r.jsonl"], folder)
    to.send(part(1))
    to.close(10)
    to = Outlets(["taker:x"], folder)
    to.send(part(2))
    to.close(10)
    assert taker.taken == ["p2"]


def test_a_part_that_is_refused_for_good_is_counted(taker: type[Taker], folder: Path, part: Make) -> None:
    taker.refuses = True
    to = Outlets(["taker:x"], folder)
    to.send(part(1))
    to.close(10)
    assert to.final[0].counts == Counts(0, 0, 1, 0)


def test_the_oldest_are_lost_and_counted_where_too_many_wait(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "waiting.db", places=3)
    spool.join("x")
    spool.join("y")
    for number in range(5):
        spool.add(str(number), f"body {number}")
        spool.finished("y", number + 1, True)
    assert spool.counts("x") == Counts(3, 0, 0, 2)
    assert [body for _, body in spool.waiting("x")] == ["body 2", "body 3", "body 4"]
    assert spool.counts("y") == Counts(0, 5, 0, 0)
    spool.close()


def test_send_returns_within_milliseconds(taker: type[Taker], folder: Path, part: Make) -> None:
    taker.down = True
    to = Outlets(["taker:x"], folder)
    start = time.monotonic()
    for number in range(50):
        to.send(part(number))
    assert (time.monotonic() - start) / 50 < 0.1
    to.close()


def test_a_disk_that_refuses_is_said_and_not_raised(
    taker: type[Taker], folder: Path, part: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SpecsightError("disk full")

    said: list[str] = []
    to = Outlets(["taker:x"], folder, tell=said.append)
    monkeypatch.setattr(to._spool, "add", full)
    assert not to.send(part(1))
    assert to.missed == 1
    assert said == ["p1: disk full"]
    to.close()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("jsonl", "write a kind"),
        ("jsonl:", "write a kind"),
        ("jsom:x", "did you mean 'jsonl'"),
        ("csv:table.txt", "ends in .csv"),
        ("webhook:ftp://host/", "https://"),
        ("webhook:https://anna:word@host/", "no name and password"),
        ("webhook:https://host/#secrets=x", "may stand secret, ca"),
        ("webhook:https://host/", "no secret to sign with"),
        ("mqtt://broker", "name a topic"),
        ("mqtt://broker/line/#", "behind '#'"),
        ("mqtt://broker/line/+", "topic"),
        ("mqtt://anna:word@broker/a", "no name and password"),
        ("opcua:4840", "names no host"),
        ("opcua:http://127.0.0.1:4840", "where to listen"),
    ],
)
def test_addresses_that_are_none_say_what_to_write(
    address: str, reason: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPECSIGHT_WEBHOOK_SECRET", raising=False)
    with pytest.raises(SpecsightError, match=reason) as told:
        Outlets([address], folder)
    assert "word@" not in str(told.value)


KILLED = """
import sys
from pathlib import Path
from specsight.line.outlets import Outlets
from specsight.line.records import JudgedPart
to = Outlets([f"jsonl:{sys.argv[1]}/r.jsonl", f"csv:{sys.argv[1]}/r.csv"], Path(sys.argv[1], "outlets"))
for number in range(int(sys.argv[2]), 100000):
    assert to.send(JudgedPart("a", f"p{number}", "cap", "0" * 12, id=f"{number:032x}"))
    print(number, flush=True)
"""


def test_killed_again_and_again_files_have_every_part_once(tmp_path: Path) -> None:
    first = 0
    for count in (3, 20, 41):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(first)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        for _ in range(count):
            first = int(process.stdout.readline()) + 1
        process.kill()
        rest = process.communicate()[0].split()
        first = max([first, *(int(number) + 1 for number in rest)])
    Outlets([f"jsonl:{tmp_path}/r.jsonl", f"csv:{tmp_path}/r.csv"], tmp_path / "outlets").close(20)
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    numbers = [int(json.loads(line)["id"], 16) for line in lines]
    rows = [int(row.partition(",")[0], 16) for row in (tmp_path / "r.csv").read_text().splitlines()[1:]]
    assert numbers[:first] == rows[:first] == list(range(first))
    assert numbers == rows
    assert len(numbers) <= first + 1


def test_a_server_that_was_killed_hands_over_what_its_store_has(
    taker: type[Taker], folder: Path, part: Make
) -> None:
    stored = [part(number) for number in (7, 8, 9)]

    def after(number: int) -> list[JudgedPart]:
        return [one for one in stored if one.number > number]

    to = Outlets(["taker:x"], folder)
    to.catch_up(after)  # nothing was sent before: it begins now
    to.told(stored[0])
    to.told(stored[1])
    to.close(10)
    to = Outlets(["taker:x"], folder)
    to.catch_up(after)
    to.close(10)
    assert taker.taken == ["p7", "p8", "p9"]
