"""The command that watches, in a process of its own: stopped by Ctrl-C, and killed again and again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from tests.support.factory import photograph
from tests.support.sorted_pictures import records, tree
from tests.support.waiting import until

from specsight.line.history import find
from specsight.line.store import LineStore


def watching(folder: Path, plates: Path, seen: Path) -> subprocess.Popen[str]:
    """The command, in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "specsight.cli",
        "watch",
        folder / "in",
        "--out",
        folder / "done",
        "--settle",
        0.1,
    ]
    command += ["--model", plates / "models" / "plate", "--db", f"sqlite:///{folder}/line.db"]
    command += ["--to", f"jsonl:{folder}/r.jsonl", "--to", f"csv:{folder}/r.csv"]
    with seen.open("a") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=partial(
                signal.signal, signal.SIGINT, signal.SIG_DFL
            ),  # which shells ignore in the background
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )


@pytest.mark.long
def test_ctrl_c_ends_with_one_line_that_accounts_for_everything(plates: Path, tmp_path: Path) -> None:
    arriving, seen = tmp_path / "in", tmp_path / "seen.txt"
    shutil.copytree(plates / "new", arriving)
    (arriving / "notes.txt").write_text("x")
    process = watching(tmp_path, plates, seen)
    until(lambda: len(tree(tmp_path / "done")) == 6, 60)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    lines = seen.read_text().splitlines()
    assert lines[-1] == (
        "6 judged (3 accept, 3 reject); 1 left (notes.txt: not a picture by its ending); "
        f"jsonl:{tmp_path}/r.jsonl: 6 sent; csv:{tmp_path}/r.csv: 6 sent"
    )


def _more_or_ended(done: Path, before: int, process: subprocess.Popen[str]) -> bool:
    return len(tree(done)) > before or process.poll() is not None


@pytest.mark.long
def test_killed_again_and_again_every_picture_is_once_everywhere(plates: Path, tmp_path: Path) -> None:
    count, chance = 24, random.Random(0)
    photograph(tmp_path / "in", count, 100)
    kills = 0
    while len(tree(tmp_path / "done")) < count:
        process = watching(tmp_path, plates, tmp_path / "seen.txt")
        there = len(tree(tmp_path / "done"))
        until(partial(_more_or_ended, tmp_path / "done", there, process), 60)
        threading.Event().wait(chance.uniform(0, 0.2))
        process.kill()
        process.wait()
        kills += 1
    process = watching(tmp_path, plates, tmp_path / "seen.txt")
    until(lambda: (tmp_path / "seen.txt").read_text().endswith("Ctrl-C\n"), 60)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert kills >= 3
    assert tree(tmp_path / "in") == []
    assert sorted(Path(name).stem for name in tree(tmp_path / "done")) == sorted(
        str(k) for k in range(100, 100 + count)
    )
    parts = sorted(str(k) for k in range(100, 100 + count))
    assert sorted(one.part for one in records(tmp_path / "r.jsonl")) == parts
    assert len((tmp_path / "r.csv").read_text().splitlines()) == count + 1
    store = LineStore.open(f"sqlite:///{tmp_path}/line.db")
    assert sorted(one.part for one in find(store, limit=1000)) == parts
    store.close()
