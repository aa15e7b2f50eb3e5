"""What one part costs on this machine, and the sizing table from it (`docs/growth.md`); within a minute.

Parts are synthetic tyres of the model `sport`, 256 px; PatchCore on the bundled encoder. Pictures, maps and records are
real ones; where more are stored than were judged, a picture gets a few bytes behind its end, so that it is another one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
from steady.parts import FITTED, specsight
from tests.support.postgresql import postgres, why_absent

from measured.sizing_table import Costs, described, table
from specsight.line.fleet import Fleet
from specsight.line.judging import TOGETHER, judge
from specsight.line.records import new_id
from specsight.line.requests import PartRequest
from specsight.line.store import Judging, LineStore
from specsight.synthetic.tyres import generate

SIDE = 256
GOOD = 30
JUDGED = 24
SECONDS = 2.0
"""Of each rate of a database."""
AT_ONCE = 8
"""Lines that write at once."""


def main(arguments: list[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m measured sizing", description=__doc__.split("\n")[0])
    parser.add_argument("--rate", type=float, default=60.0, help="parts a minute of a line")
    rate = parser.parse_args(arguments).rate
    begun, load = time.monotonic(), psutil.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        costs, lines = _costs(Path(folder))
    print(f"{described(costs, rate)}\n{table(costs, rate)}\n\n" + "\n".join(lines))
    print(f"took {time.monotonic() - begun:.0f} s; load of the machine before: {load:.1f}")
    return 0


def _costs(folder: Path) -> tuple[Costs, list[str]]:
    """The costs, and lines that say more of the databases."""
    pictures = _fitted(folder)
    store = LineStore.open(f"sqlite:///{folder / 'cost.db'}")
    model = Fleet(folder / "models", store).live("tyre")

    def judged(number: int) -> Judging:
        picture = pictures[number % len(pictures)]
        request = PartRequest("line 0", f"{number}.png", "tyre", picture, key=new_id())
        return judge(model, request)

    for number in range(4):
        judged(number)
    before, judgings = time.process_time(), []
    for number in range(JUDGED):
        judgings.append(judged(number))
        store.add(judgings[-1:])
    core = (time.process_time() - before) / JUDGED
    store.close()
    stored = _growth(folder / "all.db", [_another(one) for one in judgings * 4])
    record = _growth(folder / "record.db", [_another(judgings[0], False) for _ in range(4 * JUDGED)])
    said = [f"{JUDGED} parts judged, {4 * JUDGED} stored"]
    sqlite = _rates(f"sqlite:///{folder / 'one.db'}", judgings, "SQLite", said)
    postgresql = None
    if why := why_absent():
        said.append(f"PostgreSQL: {why}")
    else:
        with postgres(fsync=True) as server:
            postgresql = _rates(server.database(), judgings, "PostgreSQL", said)
    mean = [sum(sizes) / JUDGED for sizes in zip(*map(_sizes, judgings), strict=True)]
    return Costs(core, mean[0], mean[1], stored, record, sqlite, postgresql), said


def _fitted(folder: Path) -> list[bytes]:
    """Fit `folder/models/tyre` on a few good parts; returns new pictures."""
    generate(folder / "set", model="sport", count=2 * GOOD, seed=5, size=SIDE)
    samples = [json.loads(one) for one in (folder / "set" / "manifest.jsonl").read_text().splitlines()]
    (folder / "good").mkdir()
    new = []
    for sample in samples:
        picture = folder / "set" / sample["image"]
        if sample["split"] == "train":
            picture.rename(folder / "good" / picture.name)
        else:
            new.append(picture.read_bytes())
    words = ("--encoder", "bundled", "--resolution", SIDE)
    specsight("fit", "--good", folder / "good", "-o", folder / "models" / "tyre", *words, *FITTED)
    return new


def _sizes(judging: Judging) -> tuple[int, int]:
    """Bytes of the picture and of the answer."""
    return len(judging.picture), len(json.dumps(judging.part.to_json()).encode())


def _another(one: Judging, picture: bool = True, line: str = "line 0") -> Judging:
    """The same as another part; with `picture`, of another picture and map."""
    id_ = new_id()
    tail = id_.encode() if picture else b""
    part = replace(one.part, id=id_, key=id_, line=line)
    return replace(one, part=part, picture=one.picture + tail, map=one.map + tail if one.map else None)


def _growth(database: Path, judgings: Sequence[Judging]) -> float:
    """Bytes by which an SQLite file grows with each of these."""
    store = LineStore.open(f"sqlite:///{database}")
    store.add([_another(judgings[0], False)])

    def size() -> int:
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return database.stat().st_size

    before = size()
    for one in judgings:
        store.add([one])
    grown = size() - before
    store.close()
    return grown / len(judgings)


def _rates(url: str, judgings: Sequence[Judging], name: str, said: list[str]) -> float:
    """Commits a second of lines that write at once, one part each; `said` gets those of other ways to write."""
    store = LineStore.open(url)
    one = _commits(store, judgings, 1, 1)
    many = _commits(store, judgings, AT_ONCE, 1)
    together = _commits(store, judgings, AT_ONCE, TOGETHER) * TOGETHER
    store.close()
    said.append(
        f"{name}: {one:.0f} commits/s of one writer, {many:.0f} of {AT_ONCE} lines at once; "
        f"{together:.0f} parts/s where {AT_ONCE} lines store {TOGETHER} parts in a transaction"
    )
    return many


def _commits(store: LineStore, judgings: Sequence[Judging], lines: int, parts: int) -> float:
    """Commits a second of `lines` threads for `SECONDS`, each of so many parts."""
    done = [0] * lines
    end = time.monotonic() + SECONDS

    def write(line: int) -> None:
        while time.monotonic() < end:
            store.add([_another(judgings[n % JUDGED], line=f"line {line}") for n in range(parts)])
            done[line] += 1

    begun = time.monotonic()
    _all_at_once([partial(write, line) for line in range(lines)])
    return sum(done) / (time.monotonic() - begun)


def _all_at_once(tasks: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
