"""The bundled encoder: its first load in a process, a 256 px picture, and sentences."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from specsight.encoders import BUNDLED, load_encoder
from speed.rows import Row

TITLE = "the bundled encoder: loading, looking, reading"
SIDE = 256
SENTENCES = 1200
REPEATS = 30
LOAD_AIM, LOOK_AIM = 1.0, 0.045
"""Seconds."""
LOAD = f"""
import time
start = time.perf_counter()
from specsight.encoders import load_encoder
load_encoder({BUNDLED!r})
print(time.perf_counter() - start)
"""


def run() -> list[Row]:
    """Load in fresh processes; look at one picture and read sentences in this one. The best of several of each."""
    load = min(
        float(subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    )
    encoder = load_encoder(BUNDLED)
    picture = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    sentences = [f"a photo of a part with defect number {number}" for number in range(SENTENCES)]
    layers = _best(lambda: encoder.layers(picture), REPEATS)
    joint = _best(lambda: encoder.embed_patches(picture), REPEATS)
    texts = _best(lambda: encoder.embed_texts(sentences), 3)
    return [
        Row("first load of a process", f"{load:.2f} s", f"≤ {LOAD_AIM:g} s", met=load <= LOAD_AIM),
        Row("256 px, strides 8 and 16", f"{layers * 1e3:.0f} ms", _aim(), met=layers <= LOOK_AIM),
        Row("256 px, patches in the joint space", f"{joint * 1e3:.0f} ms", _aim(), met=joint <= LOOK_AIM),
        Row(f"{SENTENCES} sentences", f"{texts:.2f} s", ""),
    ]


def _aim() -> str:
    return f"≤ {LOOK_AIM * 1e3:g} ms"


def _best(act: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of several calls, after one that is not counted."""
    act()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return min(times)
