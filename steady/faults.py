"""Servers under faults: killed, their database gone, their disk full."""

from __future__ import annotations

import random
import resource
import time
from pathlib import Path
from typing import Any

import psutil

from specsight.line.fleet import version_of
from steady.clients import Clients
from steady.load import summary
from steady.parts import NAME, pictures
from steady.records import check_records
from steady.server import Server

ROOM = 64 << 10
"""Bytes that a full disk still takes."""


def killed(models: Path, db: str, side: int, times: int, count: int = 6) -> dict[str, Any]:
    """`kill -9` of the server under load, so many times; clients send again, by their key, until they are answered."""
    place = models / NAME
    asked = pictures({version_of(place): place}, side)
    server = Server(models, db, forked=True)
    begun, starts = time.monotonic(), [server.start()]
    with Clients([server.url], server.token, asked, count) as told:
        for _ in range(times):
            before, end = len(told.seconds), time.monotonic() + 10
            while len(told.seconds) == before and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.5))
            server.kill()
            starts.append(server.start())
        time.sleep(1)
    seconds = time.monotonic() - begun
    server.stop()
    return {
        "kills": times,
        "slowest start s": round(max(starts), 1),
        **summary(told, seconds),
        **check_records(db, told.ids),
    }


def without_database(
    models: Path, side: int, rounds: int, away: float = 3.0, count: int = 4
) -> dict[str, Any]:
    """PostgreSQL is stopped under load and started again, so many times."""
    from tests.support.postgresql import postgres

    place = models / NAME
    asked = pictures({version_of(place): place}, side)
    with postgres() as database:
        db = database.database()
        begun = time.monotonic()
        with Server(models, db) as server, Clients([server.url], server.token, asked, count) as told:
            for _ in range(rounds):
                time.sleep(2)
                database.stop()
                time.sleep(away)
                database.start()
            time.sleep(3)
        return {
            "rounds": rounds,
            **summary(told, time.monotonic() - begun),
            **check_records(db, told.ids),
        }


def full_disk(models: Path, folder: Path, side: int, count: int = 4) -> dict[str, Any]:
    """No file of the server may grow beyond a size (RLIMIT_FSIZE), and then it may again."""
    place = models / NAME
    asked = pictures({version_of(place): place}, side)
    db = f"sqlite:///{folder}/line.db"
    begun = time.monotonic()
    with Server(models, db) as server, Clients([server.url], server.token, asked, count) as told:
        time.sleep(2)
        largest = max(one.stat().st_size for one in folder.glob("line.db*"))
        process = psutil.Process(server.pid)
        process.rlimit(resource.RLIMIT_FSIZE, (largest + ROOM, resource.RLIM_INFINITY))
        end = time.monotonic() + 60
        while told.statuses["503"] < count and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(2)
        refused = told.statuses["503"]
        process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        time.sleep(3)
    return {
        "refused while full": refused,
        **summary(told, time.monotonic() - begun),
        **check_records(db, told.ids),
    }
