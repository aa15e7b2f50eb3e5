"""Servers under load: many programs at once, two servers on one database, models swapped while parts come."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from specsight.line.fleet import version_of
from steady.clients import Clients, Told
from steady.parts import NAME, Pictures, pictures, specsight
from steady.records import check_records
from steady.server import Server


def summary(told: Told, seconds: float) -> dict[str, Any]:
    """Figures of what clients were told."""
    waits = np.array(told.seconds or [np.nan]) * 1000
    return {
        "acknowledged": len(told.ids),
        "a second": round(len(told.seconds) / seconds, 2),
        "p50 ms": round(float(np.percentile(waits, 50)), 1),
        "p99 ms": round(float(np.percentile(waits, 99)), 1),
        "longest silence s": round(told.longest_silence, 2),
        "statuses": dict(told.statuses),
        "wrong": len(told.wrong),
        "first wrong": told.wrong[:3],
    }


def _own(models: Path, side: int) -> Pictures:
    place = models / NAME
    return pictures({version_of(place): place}, side)


def many_clients(models: Path, db: str, side: int, seconds: float, count: int = 24) -> dict[str, Any]:
    """`count` programs for so long, every answer compared with the bare inspector's; the server's memory over time."""
    asked = _own(models, side)
    server = Server(models, db)
    memory = []
    with server:
        with Clients([server.url], server.token, asked, count) as told:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(min(5.0, seconds / 8))
                memory.append(server.resident())
        stopped = server.stop()
    settled = memory[len(memory) // 4 :]
    return {
        **summary(told, seconds),
        "memory MiB at a quarter, end, most": [round(settled[0]), round(settled[-1]), round(max(memory))],
        "memory bounded": max(settled[len(settled) // 2 :])
        <= 1.1 * max(settled[: len(settled) // 2 + 1]) + 16,
        "ended with": stopped,
        **check_records(db, told.ids),
    }


def two_servers(models: Path, db: str, side: int, seconds: float, count: int = 6) -> dict[str, Any]:
    """Two servers on one database; every part is sent to both, under one key."""
    asked = _own(models, side)
    first = Server(models, db)
    with first, Server(models, db, first.token) as second:
        with Clients([first.url, second.url], first.token, asked, count, twice=True) as told:
            time.sleep(seconds)
        seen = _followed([first, second])
    return {**summary(told, seconds), "followers of both saw the same": seen, **check_records(db, told.ids)}


def _followed(servers: Sequence[Server]) -> bool:
    """Whether a follower of each server is told all parts, in one order."""
    found = []
    for server in servers:
        ids = []
        with httpx.Client(headers={"Authorization": f"Bearer {server.token}"}, timeout=30) as http:
            newest = http.get(f"{server.url}/inspections?limit=1").json()[0]["number"]
            with http.stream("GET", f"{server.url}/events?line=a&after=0") as answer:
                for text in answer.iter_lines():
                    if text.startswith("id: "):
                        ids.append(int(text[4:]))
                        if ids[-1] == newest:
                            break
        found.append(ids)
    return found[0] == found[1] == sorted(set(found[0]))


def swapped(models: Path, db: str, side: int, seconds: float, count: int = 6) -> dict[str, Any]:
    """A model whose two versions go live in turn, every two seconds, while parts come: each answer must be that of the
    version that it names."""
    place = models / NAME
    first = version_of(place)
    server = Server(models, db)
    with server:
        specsight("set-threshold", place, "--threshold", 1e9)
        second = version_of(place)
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as http:
            http.post("/models/scan", headers={"Content-Length": "0"}).raise_for_status()
            kept = models / ".versions" / NAME
            asked = pictures({one: kept / one for one in (first, second)}, side)
            swaps = 0
            with Clients([server.url], server.token, asked, count) as told:
                end = time.monotonic() + seconds
                for version in itertools.cycle((second, first)):
                    if time.monotonic() >= end:
                        break
                    wanted = {
                        "version": version,
                        "reason": "in turn",
                        "without_preview": "a test of steadiness",
                    }
                    answer = http.post(f"/models/{NAME}/live", json=wanted)
                    swaps += answer.status_code == 200
                    time.sleep(2 * random.random())
    return {"swaps": swaps, **summary(told, seconds), **check_records(db, told.ids)}
