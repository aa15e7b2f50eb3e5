"""How fast a server is: its start, its answers at a given pace, and its rate against that of the bare inspector."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from specsight.encoders import set_default_runtime
from specsight.inspector import Inspector
from specsight.line.fleet import version_of
from steady.clients import Clients
from steady.parts import NAME, Pictures, pictures
from steady.server import Server


def pace(
    models: Path, db: str, side: int, rate: float, seconds: float, rounds: int, runtime: str
) -> dict[str, Any]:
    """Start to first answer; times of `rate` parts a second for so long; and, in `rounds` of five seconds in turn,
    parts a second of the bare inspector in a loop and of the server asked by four programs. On a machine that others
    use, seconds of the processor say more than those of the clock."""
    place = models / NAME
    set_default_runtime(runtime)
    asked = pictures({version_of(place): place}, side)
    inspector = Inspector.load(place)
    server = Server(models, db, options=("--runtime", runtime))
    begun = time.monotonic()
    with server, httpx.Client(headers={"Authorization": f"Bearer {server.token}"}, timeout=60) as http:
        _ask(http, server, asked, 0)
        start = {"s": time.monotonic() - begun, "processor s": _processor(server)}
        for index in range(20):
            _ask(http, server, asked, index)
            inspector.inspect(asked.content[index])
        alone = [_timed(lambda k=k: inspector.inspect(asked.content[k % 24])) for k in range(40)]
        times = _at_a_rate(http, server, asked, rate, seconds)
        bare, served, spent = [], [], {"bare": 0.0, "served": 0.0}
        for _ in range(rounds):
            before = time.process_time()
            bare.append(_bare_rate(inspector, asked, 5))
            spent["bare"] += time.process_time() - before
            before = _processor(server)
            with Clients([server.url], server.token, asked, 4) as told:
                time.sleep(5)
            served.append(len(told.seconds) / 5)
            spent["served"] += _processor(server) - before
    return {
        "start to first answer": {name: round(value, 2) for name, value in start.items()},
        "bare inspector ms p50 p99": _percentiles(alone),
        f"through HTTP at {rate:g} a second ms p50 p99": _percentiles(times),
        "bare parts a second": [round(one, 1) for one in bare],
        "served parts a second": [round(one, 1) for one in served],
        "served against bare": round(statistics.median(s / b for s, b in zip(served, bare)), 3),
        "processor ms a part, bare": round(200 * spent["bare"] / sum(bare), 1),
        "processor ms a part, served": round(200 * spent["served"] / sum(served), 1),
        "load of the machine": [round(one, 1) for one in psutil.getloadavg()],
        "wrong": 0,
    }


def _processor(server: Server) -> float:
    used = psutil.Process(server.pid).cpu_times()
    return float(used.user + used.system)


def _percentiles(seconds: list[float]) -> list[float]:
    return [round(float(np.percentile(seconds, p)) * 1000, 1) for p in (50, 99)]


def _timed(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _ask(http: httpx.Client, server: Server, asked: Pictures, index: int) -> None:
    index %= len(asked.content)
    files = {"picture": (f"{index}.png", asked.content[index])}
    (part,) = http.post(f"{server.url}/inspect", files=files).raise_for_status().json()
    assert not asked.wrong(index, part), part


def _at_a_rate(
    http: httpx.Client, server: Server, asked: Pictures, rate: float, seconds: float
) -> list[float]:
    """Seconds of each answer, from when its part was due."""
    times, begun = [], time.perf_counter()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        _ask(http, server, asked, number)
        times.append(time.perf_counter() - due)
    return times


def _bare_rate(inspector: Inspector, asked: Pictures, seconds: float) -> float:
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        inspector.inspect(asked.content[done % len(asked.content)])
        done += 1
    return done / (time.perf_counter() - begun)
