"""How fast the tyre line fills a folder: square 256 px samples with every output, on two processes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from specsight.synthetic.tyres import generate
from speed.rows import Row

TITLE = "tyre line: 256 px samples a second with all outputs, two processes"
COUNT = 240
PROCESSES = 2
AIM = 15.0


def run() -> list[Row]:
    """The rate by the clock, and the one by processor time (what two processors reach that do nothing else)."""
    folder = Path(tempfile.mkdtemp(prefix="specsight-tyres-"))
    try:
        before, start = _processor_seconds(), time.perf_counter()
        generate(folder / "set", count=COUNT, seed=7, workers=PROCESSES)
        wall, processor = time.perf_counter() - start, _processor_seconds() - before
    finally:
        shutil.rmtree(folder)
    by_clock, by_processor = COUNT / wall, COUNT * PROCESSES / processor
    return [
        Row(
            f"{COUNT} samples, {name}",
            f"{rate:.1f} / s",
            f">= {AIM:g} / s",
            f"{rate / AIM:.1f} × the aim",
            rate >= AIM,
        )
        for name, rate in (("by the clock", by_clock), ("by processor time", by_processor))
    ]


def _processor_seconds() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
