"""An endpoint answers a benchmark over a real connection: nothing that goes wrong ends the run or counts as right."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("openai")

from tests.support.capped_benchmark import item, items, write_benchmark
from tests.support.chat_server import ChatServer, chat_server

from specsight.benchmark.answering.contract import AnswererConfig, CannotAnswer
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.running import RunConfig, run_benchmark
from specsight.benchmark.answering.selecting import Selection
from specsight.benchmark.answers import Answer
from specsight.benchmark.files import read_lines
from specsight.cli import cli
from specsight.errors import SpecsightError

CHOICES = RunConfig(Selection(tasks=("anomaly", "type")))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        running.answer = lambda request: "The answer is B."
        yield running


def answers(folder: Path) -> list[Answer]:
    return list(read_lines(folder / "answers.jsonl", Answer))


def config(**settings: Any) -> AnswererConfig:
    return AnswererConfig(settings={"timeout": 10, "retries": 0, "check_pictures": False, **settings})


def test_answers_are_read_and_paid_for(server: ChatServer, tmp_path: Path) -> None:
    bench = write_benchmark(tmp_path / "bench")
    answerer = answerer_named(server.url, config(price_read=2.5, price_written=10))
    tally = run_benchmark(bench, server.url, answerer, tmp_path / "run", CHOICES)
    assert [one.given for one in answers(tmp_path / "run")] == ["B"] * 7
    assert tally.cost == pytest.approx(7 * (1000 * 2.5 + 10 * 10) / 1e6)
    assert (tally.tokens_read, tally.tokens_written) == (7000, 70)
    content = server.requests[0]["messages"][1]["content"]
    assert [one["type"] for one in content] == ["image_url", "text"]
    assert content[1]["text"].endswith("Answer with the letter of the right option alone.")


def test_every_fault_is_noted_of_its_item_and_asked_again_when_wanted(
    server: ChatServer, tmp_path: Path
) -> None:
    bench = write_benchmark(tmp_path / "bench")
    server.faults = ["stall", "html", "429", "500", "cut", "truncated"]
    out = tmp_path / "run"
    tally = run_benchmark(bench, server.url, answerer_named(server.url, config(timeout=2)), out, CHOICES)
    reasons = [one.error or "" for one in answers(out)]
    for reason, words in zip(
        reasons,
        (
            "in time",
            "is no whole JSON: <html>",
            "answered 429",
            "answered 500",
            "broke off",
            "is no whole JSON: {",
            "",
        ),
    ):
        assert words in reason
    assert [one.given for one in answers(out)] == [None] * 6 + ["B"]
    assert (sum(tally.failed.values()), tally.answered) == (6, 7)
    retry = RunConfig(CHOICES.selection, retry=True)
    again = run_benchmark(bench, server.url, answerer_named(server.url, config()), out, retry)
    assert (again.before, again.answered, sum(again.failed.values())) == (1, 7, 0)


def test_an_endpoint_that_refuses_or_stays_silent_ends_the_run(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specsight.benchmark.answering.speaking.GIVE_UP", 3)
    bench, answerer = write_benchmark(tmp_path / "bench"), answerer_named(server.url, config())
    server.always = "401"
    with pytest.raises(CannotAnswer, match="SPECSIGHT_ENDPOINT_KEY"):
        run_benchmark(bench, server.url, answerer, tmp_path / "refused")
    server.always = "cut"
    with pytest.raises(CannotAnswer, match="3 items in a row: run it again to go on"):
        run_benchmark(bench, server.url, answerer, tmp_path / "silent")
    assert len(answers(tmp_path / "silent")) == 2


def test_several_questions_are_under_way_at_once(server: ChatServer, tmp_path: Path) -> None:
    made = [item(f"d/anomaly/{k}", "d", "test", "A") for k in range(1, 25)]
    server.delay = 0.2
    bench = write_benchmark(tmp_path / "bench", [*items(), *made])
    start = time.monotonic()
    config_of = RunConfig(Selection(tasks=("anomaly",)), workers=8)
    run_benchmark(
        bench, server.url, answerer_named(server.url, config(timeout=20)), tmp_path / "run", config_of
    )
    assert time.monotonic() - start < 27 * 0.2
    assert len({one.item for one in answers(tmp_path / "run")}) == 27


@pytest.mark.long
def test_a_killed_run_pays_no_answer_twice(server: ChatServer, tmp_path: Path) -> None:
    made = [item(f"d/anomaly/{k:03}", "d", "test", "A") for k in range(40)]
    bench, out = write_benchmark(tmp_path / "bench", made), tmp_path / "run"
    write_benchmark(bench.folder, made + [one for one in items() if one.split == "train"])
    server.delay = 0.03
    command = [
        sys.executable,
        "-m",
        "specsight.cli",
        "benchmark",
        "run",
        str(bench.folder),
        "--model",
        server.url,
    ]
    command += ["-o", str(out), "--set", "retries=0", "--set", "check_pictures=false"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(server.requests) < 8:
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    asked = len(server.requests)
    assert 8 <= asked < 40
    second = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert second.returncode == 0, second.stderr
    assert sorted(one.item for one in answers(out)) == [one.id for one in made]
    # The one that was under way when it was killed is asked again.
    assert 40 <= len(server.requests) <= 41


def test_what_is_under_way_when_a_run_ends_is_kept_and_paid_once(server: ChatServer, tmp_path: Path) -> None:
    made = [item(f"d/anomaly/{k:03}", "d", "test", "A") for k in range(40)]
    train = [one for one in items() if one.split == "train"]
    bench, out = write_benchmark(tmp_path / "bench", made + train), tmp_path / "run"
    server.delay, server.faults = 0.2, [""] * 9 + ["401"]
    answerer = answerer_named(server.url, config(timeout=20))
    with pytest.raises(CannotAnswer, match="SPECSIGHT_ENDPOINT_KEY"):
        run_benchmark(bench, server.url, answerer, out, RunConfig(workers=4))
    asked = len(server.requests)
    assert 10 <= asked < 20
    assert [one.error for one in answers(out)] == [None] * (asked - 1)
    again = answerer_named(server.url, config(timeout=20))
    tally = run_benchmark(bench, server.url, again, out, RunConfig(workers=4))
    assert (tally.before, tally.answered, sum(tally.failed.values())) == (asked - 1, 40, 0)
    assert len(server.requests) == 41


@pytest.mark.long
@pytest.mark.parametrize("signals", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_keeps_what_is_under_way(
    server: ChatServer, tmp_path: Path, signals: signal.Signals
) -> None:
    made = [item(f"d/anomaly/{k:03}", "d", "test", "A") for k in range(60)]
    bench, out = write_benchmark(tmp_path / "bench", made), tmp_path / "run"
    server.delay = 0.3
    command = [sys.executable, "-m", "specsight.cli", "benchmark", "run", str(bench.folder), "-o", str(out)]
    process = subprocess.Popen(
        [*command, "--model", server.url, "--workers", "4", "--set", "check_pictures=false"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(server.requests) < 10:
        time.sleep(0.005)
    process.send_signal(signals)
    assert process.wait(timeout=120) != 0
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    assert len(answers(out)) == len(server.requests) < 60


def test_a_pause_that_is_too_long_ends_the_run_and_marks_no_item(server: ChatServer, tmp_path: Path) -> None:
    bench = write_benchmark(tmp_path / "bench")
    server.faults = ["", "429/86400"]
    with pytest.raises(CannotAnswer, match=r"asks for a pause of 86,400 s.* ask again after that"):
        run_benchmark(bench, server.url, answerer_named(server.url, config()), tmp_path / "run", CHOICES)
    assert [one.given for one in answers(tmp_path / "run")] == ["B"]


def test_a_model_that_is_shown_nothing_ends_the_run(server: ChatServer, tmp_path: Path) -> None:
    server.sees = False
    answerer = answerer_named(server.url, config(check_pictures=True))
    with pytest.raises(CannotAnswer, match="its server leaves pictures out"):
        run_benchmark(write_benchmark(tmp_path / "bench"), server.url, answerer, tmp_path / "run", CHOICES)
    assert answers(tmp_path / "run") == []


def test_a_full_disk_is_told_and_leaves_whole_lines_to_go_on_from(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, out = write_benchmark(tmp_path / "bench"), tmp_path / "run"
    whole = Path.open

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > 300:
                super().write(bytes(data)[:20])
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    def opened(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        return Full(path, "a") if mode == "ab" else whole(path, mode, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", opened)
        with pytest.raises(SpecsightError, match=r"cannot write '.*answers\.jsonl': No space left"):
            run_benchmark(bench, server.url, answerer_named(server.url, config()), out, CHOICES)
    before = (out / "answers.jsonl").read_bytes().count(b"\n")
    assert before >= 1
    tally = run_benchmark(bench, server.url, answerer_named(server.url, config()), out, CHOICES)
    assert (tally.before, tally.answered) == (before, 7)


def test_answers_whose_tokens_nobody_counted_are_told(server: ChatServer, tmp_path: Path) -> None:
    bench = write_benchmark(tmp_path / "bench")
    server.faults = ["uncounted", "uncounted"]
    answerer = answerer_named(server.url, config(price_read=1, price_written=1))
    tally = run_benchmark(bench, server.url, answerer, tmp_path / "run", CHOICES)
    assert (tally.uncounted, tally.answered) == (2, 7)
    command = ["benchmark", "run", str(bench.folder), "--model", server.url, "-o", str(tmp_path / "run")]
    prices = ["--set", "price_read=1", "--set", "price_written=1", "--task", "anomaly", "--task", "type"]
    said = CliRunner().invoke(cli, [*command, *prices])
    assert said.exit_code == 0, said.output
    assert "of 2 answers the endpoint did not count the tokens: their cost is not known" in said.output


def test_what_an_endpoint_cannot_be_told_is_refused(server: ChatServer) -> None:
    with pytest.raises(SpecsightError, match="price_read and price_written go together"):
        answerer_named(server.url, config(price_read=1))
    with pytest.raises(SpecsightError, match=r"--set prize: .* has no such setting; it has: price_read"):
        answerer_named(server.url, config(prize=1))
    with pytest.raises(SpecsightError, match="give a number from 0"):
        answerer_named(server.url, config(timeout="soon"))
    with pytest.raises(SpecsightError, match="--set check_pictures=maybe: give true or false"):
        answerer_named(server.url, config(check_pictures="maybe"))
    with pytest.raises(SpecsightError, match="name the model, such as endpoint:http"):
        answerer_named("endpoint")


def test_a_language_model_without_pictures_is_shown_none(server: ChatServer, tmp_path: Path) -> None:
    bench = write_benchmark(tmp_path / "bench")
    for picture in bench.folder.glob("*.png"):
        picture.unlink()
    answerer = answerer_named(f"text:endpoint:{server.url}", config())
    tally = run_benchmark(bench, "text", answerer, tmp_path / "run", CHOICES)
    assert not tally.failed
    assert all(isinstance(one["content"], str) for request in server.requests for one in request["messages"])
    assert answerer.protocol["order"] == "no pictures"
