"""The operator's page in a real Chromium: first paint, and how long after its record was stored a part is on screen.

One line, the tyres of `make line` (*synthetic*, 256 px) at one a second, the server in this process with SQLite that
waits for the disk, Chromium without a window, 1280 × 720. Shown: the second frame after the part's picture, map and
verdict were put into the page. Clocks: both that of this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.lines import served_line

from speed.rows import Row

TITLE = "operator page"
PARTS = 60
WATCH = """
window.shown = {};
new MutationObserver(() => {
  const pane = document.querySelector("#stage .pane"), id = pane && pane.dataset.id;
  if (!id || window.shown[id]) return;
  window.shown[id] = 1;
  const at = () => { window.shown[id] = performance.timeOrigin + performance.now(); };
  requestAnimationFrame(() => requestAnimationFrame(at));
}).observe(document.getElementById("stage"), { childList: true, subtree: true });
"""
COUNT = "return document.querySelectorAll('*').length"


def run() -> list[Row]:
    """Measure."""
    from examples.line.line import LINE, MODEL, prepare

    from specsight.line.records import JudgedPart
    from specsight.line.requests import PartRequest
    from specsight.line.store import LineStore

    place = Path(os.environ.get("SPECSIGHT_LINE", "runs/line"))
    prepare(place)
    samples = [
        json.loads(row) for row in (place / "tyres" / "manifest.jsonl").read_text("utf-8").splitlines()
    ]
    pictures = [(place / "tyres" / one["image"]).read_bytes() for one in samples if one["split"] == "test"]
    stored: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, chromium(folder) as browser:
        store = LineStore.open(f"sqlite:///{folder}/line.db")
        with served_line(place / "models", store, lines=(LINE,)) as served:
            judge = served.context.judge

            def told(part: JudgedPart) -> None:
                stored[part.id] = time.time() * 1000

            judge.listeners = (told, *judge.listeners)
            judge.submit(PartRequest(LINE, "first", MODEL, pictures[0])).result()
            browser.get(served.server.addresses["operator"])
            paints = [_first_paint(browser, f"{served.url}/") for _ in range(10)]
            browser.execute_script(WATCH)
            stored.clear()
            begin = time.monotonic()
            before = 0
            for number in range(PARTS):
                time.sleep(max(0.0, begin + number - time.monotonic()))
                picture = pictures[(number + 1) % len(pictures)]
                judge.submit(PartRequest(LINE, f"tyre {number}", MODEL, picture)).result()
                if number == 30:  # the queue is full
                    time.sleep(0.5)
                    before = browser.execute_script(COUNT)
            time.sleep(1)
            shown = browser.execute_script("return window.shown")
            after = browser.execute_script(COUNT)
            browser.get("about:blank")
        waits = np.array([shown[one] - at for one, at in stored.items() if shown.get(one, 1) > 1])
    paint, wait = float(np.median(paints)), float(np.median(waits))
    slowest = f"95 %: {np.quantile(waits, 0.95):.0f} ms, longest: {waits.max():.0f} ms"
    return [
        Row("first paint, median of 10", f"{paint:.0f} ms", "≤ 1000 ms", met=paint <= 1000),
        Row("part shown after it was stored, median", f"{wait:.0f} ms", "≤ 200 ms", slowest, wait <= 200),
        Row(f"of {PARTS} parts were shown", f"{len(waits)}", f"{PARTS}", met=len(waits) == PARTS),
        Row("elements of the page before and after", f"{before} and {after}", ""),
    ]


def _first_paint(browser: Any, address: str) -> float:
    browser.get(address)
    time.sleep(0.5)
    found = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
    return float(browser.execute_script(found))


@contextmanager
def chromium(folder: str) -> Iterator[Any]:
    """A browser for as long as the block runs."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium") or shutil.which("google-chrome"))
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"):
        options.add_argument(flag)
    options.add_argument("--window-size=1280,720")
    opened = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield opened
    finally:
        opened.quit()
