"""How commands end: real processes, real signals, real streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from tests.support.command import specsight_here
from tests.support.signals import heed_signals
from tests.support.synthetic_run import make_dataset

SUITE = """
import sys
from specsight import cli
from specsight.evaluation.suite_catalogue import DETECTION, SUITES, Row, Suite

def rows(config, encoders):
    return [
        Row("first", "patchcore", {"coreset_limit": 50}),
        Row("second", "patchcore", {"coreset_limit": 40}),
        Row("third", "spade"),
    ]

if __name__ == "__main__":
    SUITES["three"] = Suite(rows, DETECTION)
    cli.main()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture
def suite(data: Path, tmp_path: Path) -> list[str]:
    """Command line of a suite of three rows, into `tmp_path`/out; each judges under many seeds."""
    script = tmp_path / "suite.py"
    script.write_text(SUITE)
    seeds = ",".join(map(str, range(30)))
    return [
        *(sys.executable, str(script), "evaluate", "--suite", "three", "--data", str(data), "--encoder", "filters"),
        *("--resolution", "64", "--resamples", "0", "--seeds", seeds, "--out", str(tmp_path / "out")),
    ]  # fmt: skip


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def lines_of(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def litter(folder: Path) -> list[str]:
    names = (p.name for p in folder.rglob("*"))
    return [name for name in names if name.startswith((".tmp-", ".lock", ".old-"))]


@pytest.mark.long
def test_a_suite_that_is_killed_takes_its_child_with_it(suite: list[str], tmp_path: Path) -> None:
    with subprocess.Popen(suite, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        predictions = tmp_path / "out" / "first" / "predictions.jsonl"
        wait_for(lambda: lines_of(predictions) >= 3)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.kill()
    wait_for(lambda: not any(running(child) for child in children), 10)
    at_the_end = lines_of(predictions)
    time.sleep(0.5)
    assert lines_of(predictions) == at_the_end


@pytest.mark.long
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_stopped_suite_says_so_and_leaves_no_litter(suite: list[str], tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    with subprocess.Popen(
        suite, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals
    ) as process:
        wait_for(lambda: lines_of(tmp_path / "out" / "first" / "predictions.jsonl") >= 3)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert process.stderr is not None
        error = process.stderr.read()
    assert process.returncode == 128 + number
    assert len(error.strip().splitlines()) == 1, error
    assert "run the same command again to go on" in error
    assert name == "SIGINT" or f"stopped by {name}" in error
    # The tracker of multiprocessing ends a moment after the command.
    wait_for(lambda: not any(running(child) for child in children), 10)
    assert litter(tmp_path) == []


@pytest.mark.long
def test_rows_that_fail_or_are_locked_do_not_stop_the_others(suite: list[str], tmp_path: Path) -> None:
    command = [*suite[: suite.index("--seeds")], "--seeds", "0", *suite[suite.index("--out") :]]
    (tmp_path / "out" / "first").mkdir(parents=True)
    (tmp_path / "out" / "first" / "mine.txt").write_text("x")
    hold = (
        "import sys, time; from pathlib import Path; from specsight.storage import only_writer\n"
        "with only_writer(Path(sys.argv[1])):\n print(flush=True); time.sleep(120)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "out" / "second")], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
        holder.kill()
    assert result.returncode == 2
    (error,) = result.stderr.splitlines()
    assert "2 of 3 rows failed" in error
    assert "'first': '" in error
    assert "mine.txt" in error
    assert "'second': '" in error
    assert "in use by another process" in error
    record = json.loads((tmp_path / "out" / "suite.json").read_text())
    assert [row["name"] for row in record["rows"]] == ["third"]
    assert set(record["failed"]) == {"first", "second"}
    assert (tmp_path / "out" / "report.html").exists()
    (tmp_path / "out" / "first" / "mine.txt").unlink()
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert again.returncode == 0, again.stderr
    record = json.loads((tmp_path / "out" / "suite.json").read_text())
    assert len(record["rows"]) == 3
    assert record["failed"] == {}


@pytest.mark.long
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_stopped_tyres_leave_no_process_and_go_on(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "specsight.cli", "tyres", "--out", str(tmp_path / "set"), "--size", "64"]
    command += ["--count", "60", "--zone", "tread", "--workers", "2"]
    number = getattr(signal, name)
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals
    ) as process:
        wait_for(lambda: lines_of(tmp_path / "set" / "unfinished.jsonl") >= 2)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.send_signal(number)
        assert process.stderr is not None
        error = process.stderr.read()
    wait_for(lambda: not any(running(child) for child in children), 20)
    if name != "SIGKILL":
        assert process.returncode == 128 + number
        assert error == f"specsight: stopped by {name}; run the same command again to go on\n"
        assert litter(tmp_path) == []
    kept = lines_of(tmp_path / "set" / "unfinished.jsonl")
    assert kept >= 2
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert again.returncode == 0, again.stderr
    assert lines_of(tmp_path / "set" / "manifest.jsonl") == 60
    assert litter(tmp_path) == []


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good/ with parts, new/ with names that need care, model/."""
    root = tmp_path_factory.mktemp("line")
    for folder, names in (("good", [f"{k}.png" for k in range(6)]), ("new", ["\x1b[2Jä·.png", "=1+1.png"])):
        (root / folder).mkdir()
        for k, name in enumerate(names):
            pixels = np.random.default_rng(k).integers(90, 130, (48, 48, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / folder / name)
    (root / "new" / "\x1b]0;title\x07ü.png").write_text("no picture")
    made = shell(root, "fit --good good -o model --encoder filters --resolution 48 --holdout 2")
    assert made.returncode == 0, made.stderr
    return root


def shell(folder: Path, words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command line of the program with the shell's own redirections, in `folder`."""
    command = f"{sys.executable} -m specsight.cli {words}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=200,
    )


@pytest.mark.long
@pytest.mark.parametrize("redirection", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_nothing_and_reach_no_file(line: Path, tmp_path: Path, redirection: str) -> None:
    result = shell(line, f"inspect model new -o {tmp_path / 'out'} {redirection}")
    assert result.returncode == 0, result.stderr
    assert b"Traceback" not in result.stdout + result.stderr
    assert lines_of(tmp_path / "out" / "predictions.jsonl") == 2
    for text in (tmp_path / "out").rglob("*.json*"):
        assert text.read_bytes()[:1] in (b"{", b"[")


@pytest.mark.long
def test_a_reader_that_leaves_gets_no_complaint(line: Path, tmp_path: Path) -> None:
    for words in ("list metrics", f"inspect model new -o {tmp_path / 'out'}"):
        result = shell(line, f"{words} | true")
        assert result.returncode in (0, 141), result.stderr
        assert b"Broken" not in result.stderr
        assert b"Traceback" not in result.stderr


def test_a_full_output_is_one_line(line: Path) -> None:
    result = shell(line, "list metrics > /dev/full")
    assert result.returncode == 2
    assert result.stderr.decode() == "specsight: No space left on device: 'the output'\n"


SEVERAL = """
import shlex, sys
from specsight import cli

for words in sys.argv[1:]:
    sys.argv = ["specsight", *shlex.split(words)]
    try:
        cli.main()
    except SystemExit as end:
        open("codes", "a").write(f"{end.code}\\n")
"""


@pytest.mark.long
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "utf-8:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1:strict"},
    ],
)
def test_every_screen_is_written_to(line: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """One process runs all verbs, each of which opens its streams anew."""
    model, new, out = line / "model", line / "new", tmp_path / "out"
    verbs = {
        f"inspect {model} {new} -o {out}": 0,
        f"check {new}": 1,
        "list metrics": 0,
        f"fit --good {new} -o {tmp_path / 'model'} --encoder filters --resolution 48 --holdout 0": 0,
    }
    result = subprocess.run(
        [sys.executable, "-c", SEVERAL, *verbs],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=200,
    )
    assert result.returncode == 0, result.stderr.decode()
    assert [int(code) for code in (tmp_path / "codes").read_text().split()] == list(verbs.values()), (
        result.stderr
    )
    assert b"Traceback" not in result.stderr, result.stderr.decode()
    assert b"Error" not in result.stderr
    assert b"\x1b[2J" not in result.stdout + result.stderr
    assert b"\x1b]0" not in result.stdout + result.stderr
    assert b"\x07" not in result.stdout + result.stderr


def test_list_alone_says_what_can_be_listed() -> None:
    shown = specsight_here("list")
    assert shown.returncode == 0
    for what in ("detectors", "encoders", "datasets", "language-models", "metrics"):
        assert f"specsight list {what}" in shown.stdout


def test_help_names_every_verb_with_its_whole_sentence() -> None:
    shown = " ".join(specsight_here("--help").stdout.split())
    assert "..." not in shown.partition("Commands:")[2]
    assert "say what is missing, broken, double or leaking." in shown


def test_model_and_pictures_in_each_others_place_are_told(line: Path, tmp_path: Path) -> None:
    result = specsight_here("inspect", "new", "model", "-o", tmp_path / "out", cwd=line)
    assert result.returncode == 2
    assert "give the model first, specsight inspect model new" in result.stderr


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("fit --good good --encoder filters --resolution 48 -o {out}", "{folder}/file/below"),
        ("fit --good good --encoder filters --resolution 48 -o {out}", "."),
        ("inspect model good -o {out}", "{line}/model/below"),
        ("evaluate --data good --encoder filters -o {out}", "/proc/x"),
        ("tyres --count 2 --out {out}", "{folder}/file"),
        ("train transformer --photographs good --out {out}", "{folder}/file"),
    ],
)
def test_every_verb_tries_its_output_before_the_work(
    line: Path, tmp_path: Path, words: str, out: str
) -> None:
    (tmp_path / "file").write_text("mine")
    result = specsight_here(*words.format(out=out.format(folder=tmp_path, line=line)).split(), cwd=line)
    assert result.returncode == 2, result.stdout
    (error,) = result.stderr.splitlines()
    assert any(
        reason in error
        for reason in (
            "is a file",
            "below a file",
            "cannot write",
            "inside the saved model",
            "current folder",
        )
    )
    assert (tmp_path / "file").read_text() == "mine"
    assert result.stdout == ""


def test_a_fit_that_is_asked_for_again_keeps_the_model(line: Path) -> None:
    fit = [
        "fit",
        "--good",
        "good",
        "-o",
        "model",
        "--encoder",
        "filters",
        "--resolution",
        "48",
        "--holdout",
        "2",
    ]
    before = (line / "model" / "checksums.json").read_bytes()
    again = specsight_here(*fit, cwd=line)
    assert again.returncode == 0, again.stderr
    assert "unchanged: this model was fitted to the same pictures in the same way already" in again.stdout
    other = specsight_here(*fit, "--seed", 5, cwd=line)
    assert other.returncode == 2
    assert "add --replace" in other.stderr
    assert (line / "model" / "checksums.json").read_bytes() == before
