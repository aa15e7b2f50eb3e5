"""The bundled encoder with PatchCore, 256 px: torch, ONNX Runtime, OpenVINO and int8 side by side, by stage.

The same model, fitted once to sport tyres, judges the same pictures by every runtime in turn, so that other load meets
all of them; medians of 30 rounds. Each number of threads is a process of its own. Cold start: a fresh process from its
first import to its first answer, the best of three.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from specsight.machine import usable_processors
from speed.rows import Row

TITLE = "runtimes: milliseconds by stage at 256 px, bundled encoder with PatchCore"
ROUNDS = 30
STAGES = ("read", "look", "judge", "find", "explain")
FASTER, START = 1.5, 4.0
"""Aims: how much faster than torch the encoder is, and seconds to the first answer."""
NAMES = ("torch", "onnx", "openvino", "onnx int8", "openvino int8")


def run() -> list[Row]:
    """Rows by threads and runtime, and of cold starts."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _make(place)
        rows: list[Row] = []
        for threads in range(1, min(2, usable_processors()) + 1):
            rows += _stages(place, threads)
        return rows + [_start(place, name) for name in NAMES[:4]]


def _make(place: Path) -> None:
    """A fitted model, and one exported for every runtime beside it."""
    from specsight.inspector import Inspector
    from specsight.inspector.exporting import export_model
    from specsight.synthetic.tyres import generate

    generate(
        place / "set", count=40, seed=7, zones=("sidewall",), lights=("diffuse",), model="sport", workers=1
    )
    Inspector.fit(place / "set", resolution=256, types=False).save(place / "torch")
    for name in NAMES[1:]:
        runtime, _, precision = name.partition(" ")
        export_model(place / "torch", runtime, place / name, precision == "int8", place / "set")


def _stages(place: Path, threads: int) -> list[Row]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "speed.runtimes", str(place)]
    measured = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    stages = json.loads(measured.splitlines()[-1])
    rows = []
    for name in NAMES:
        said = ", ".join(f"{stage} {stages[name][stage]:.1f}" for stage in STAGES if stage in stages[name])
        ratio = stages["torch"]["encode"] / stages[name]["encode"]
        graph = name != "torch"
        rows.append(
            Row(
                f"{name}, {threads} thread{'s' if threads > 1 else ''}",
                f"{said} ms; encoder alone {stages[name]['encode']:.1f} ms",
                f"encoder ≥ {FASTER:g} × torch" if graph else "",
                f"{ratio:.2f} ×" if graph else "",
                ratio >= FASTER if graph else None,
            )
        )
    return rows


def _start(place: Path, name: str) -> Row:
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "from specsight.inspector import Inspector\nimported = time.perf_counter()\n"
        f"inspector = Inspector.load({str(place / name)!r}); loaded = time.perf_counter()\n"
        f"inspector.inspect({str(_pictures(place)[0])!r}); answered = time.perf_counter()\n"
        "print(answered - start, imported - start, loaded - imported, answered - loaded)"
    )
    runs = [
        tuple(
            map(
                float,
                subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split(),
            )
        )
        for _ in range(3)
    ]
    whole, imported, loaded, answered = min(runs)
    return Row(
        f"{name}, cold start to first answer",
        f"{whole:.2f} s: import {imported:.2f}, load {loaded:.2f}, first picture {answered:.2f}",
        f"≤ {START:g} s",
        met=whole <= START,
    )


def _pictures(place: Path) -> list[Path]:
    return sorted((place / "set" / "rgb").glob("*.png"))[:8]


def measure(place: Path) -> dict[str, dict[str, float]]:
    """In a process of its own: median milliseconds by runtime and stage."""
    from specsight.images import load_picture
    from specsight.inspector import Inspector
    from specsight.records import Sample

    inspectors = {name: Inspector.load(place / name) for name in NAMES}
    pictures = _pictures(place)
    taken: dict[str, dict[str, list[float]]] = {name: {} for name in NAMES}
    for round_ in range(ROUNDS + 2):
        picture = pictures[round_ % len(pictures)]
        for name, inspector in inspectors.items():
            seconds = dict(inspector.inspect(picture).seconds)
            detector = inspector.detector
            framed = detector.framed(load_picture(Sample("one", picture, "")))
            start = time.perf_counter()
            detector.get_encoder().layers(framed)
            seconds["encode"] = time.perf_counter() - start
            for stage, one in seconds.items():
                taken[name].setdefault(stage, []).append(1000 * one)
    return {name: {stage: median(all_[2:]) for stage, all_ in of.items()} for name, of in taken.items()}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
