"""`make line`: database, server and a replayed line of *synthetic* tyres in front of an instruction, until Ctrl-C.

Nothing here is Specsight: it starts the verbs that a plant would start, and sends pictures as a camera's program would.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import yaml
from tests.support.postgresql import postgres, why_absent

PROGRAM = [sys.executable, "-m", "specsight.cli"]
LINE, MODEL = "press 1", "tyre"
WORDS = "Stains and chalk marks are acceptable. Scratches up to 8 mm may pass. No blisters are acceptable."
"""What the line is told to look for."""
TYRES = ("--model", "sport", "--count", "140", "--seed", "16", "--zone", "bead", "--light", "grazing")


def main() -> None:
    """Start everything, replay, and end everything."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, default=Path("runs/line"))
    options.add_argument("--rate", type=float, default=1.0, help="parts a second")
    options.add_argument("--port", type=int, default=8000)
    options.add_argument("--parts", type=int, default=0, help="end after so many; 0: at Ctrl-C")
    options.add_argument("--sqlite", action="store_true", help="also where PostgreSQL is installed")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    prepare(given.folder)
    with ExitStack() as stack:
        url = stack.enter_context(database(given.folder, given.sqlite))
        token = specsight("line", "token", "add", "camera", "--role", "operator", "--db", url).strip()
        address = stack.enter_context(served(given.folder, url, given.port))
        print(f"up after {time.monotonic() - began:.0f} s; the line runs until Ctrl-C", flush=True)
        try:
            replay(given.folder / "tyres", address, token, given.rate, given.parts)
        except KeyboardInterrupt:
            print("\nstopping", flush=True)


def prepare(folder: Path) -> None:
    """Pictures and a model, made once."""
    tyres, model = folder / "tyres", folder / "models" / MODEL
    if not (tyres / "manifest.jsonl").is_file():
        specsight("tyres", "--out", tyres, *TYRES)
    if not model.is_dir():
        product = yaml.safe_load((tyres / "specification.yaml").read_text("utf-8"))
        first = json.loads((tyres / "manifest.jsonl").read_text("utf-8").splitlines()[0])
        # A camera's program sends pictures alone: the scale is one for all, and stands in the specification.
        specification = folder / "tyre.yaml"
        specification.write_text(
            yaml.safe_dump({**product, "mm_per_px": first["mm_per_px"]}, sort_keys=False)
        )
        model.parent.mkdir(parents=True, exist_ok=True)
        specsight(
            "fit", "--good", tyres, "--spec", specification, "--resolution", 256, "--holdout", 30, "-o", model
        )


@contextmanager
def database(folder: Path, sqlite: bool) -> Iterator[str]:
    """PostgreSQL where it is installed, for as long as the line runs; SQLite otherwise."""
    why = "as asked" if sqlite else why_absent()
    if why:
        print(f"database: SQLite, {folder / 'line.db'} ({why})", flush=True)
        yield f"sqlite:///{folder / 'line.db'}"
        return
    with postgres() as server:
        print(f"database: PostgreSQL on port {server.port}, removed in the end", flush=True)
        yield server.database()


@contextmanager
def served(folder: Path, url: str, port: int) -> Iterator[str]:
    """The server, whose addresses for persons are printed; yields the one for programs."""
    words = ["serve", folder / "models", "--line", LINE, "--port", port]
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        words.append("--open")
    process = subprocess.Popen(
        [*PROGRAM, *map(str, words)],
        env={**os.environ, "SPECSIGHT_DB": url, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for this process, which ends the others in their order
    )
    try:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("auditor: "):
                address = line.split()[-1].partition("/enter")[0]
                break
        if not address:
            raise SystemExit("the server did not start")
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def replay(tyres: Path, address: str, token: str, rate: float, most: int) -> None:
    """Send the pictures that the model did not learn from, over and over, at a steady rate."""
    samples = [json.loads(line) for line in (tyres / "manifest.jsonl").read_text("utf-8").splitlines()]
    unseen = [one for one in samples if one["split"] == "test"]
    random.Random(16).shuffle(unseen)
    client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    begun = time.monotonic()
    with client:
        for number, sample in enumerate(itertools.islice(itertools.cycle(unseen), most or None)):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            name = f"{sample['id']}-{number // len(unseen) + 1}"
            fields = {"line": LINE, "part": name, "model": MODEL, "say": WORDS}
            picture = (tyres / sample["image"]).read_bytes()
            answer = client.post(
                "/inspect", data=fields, files={"picture": ("tyre.png", picture, "image/png")}
            )
            if answer.status_code != 200:
                print(f"{name}: {answer.status_code} {answer.text[:200]}", flush=True)


def specsight(*words: object) -> str:
    """What a verb prints; what it says besides goes to the terminal."""
    command = [*PROGRAM, *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
