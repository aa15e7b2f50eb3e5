"""An endpoint that somebody else wrote: `transformers serve` with SmolLM2, over a real connection."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("openai")
pytest.importorskip("torch")
imports = pytest.importorskip("transformers.utils.import_utils")
if not getattr(imports, "is_serve_available", lambda: False)():
    pytest.skip("`transformers serve` is not installed", allow_module_level=True)

from tests.support.capped_benchmark import item, items, write_benchmark

from specsight.benchmark.answering.contract import AnswererConfig, CannotAnswer
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.running import RunConfig, run_benchmark
from specsight.errors import MissingExtra, SpecsightError
from specsight.language import LanguageModel, Message, load_language_model
from specsight.language.endpoint import Endpoint, EndpointRefuses, EndpointSilent
from specsight.language.smollm2 import smollm2_folder

pytestmark = pytest.mark.long

QUESTION = [
    Message("system", "You inspect tyres."),
    Message("user", "Sizes in mm:\n\n12.5 and 3\n\nIs a blister a defect? Answer in one sentence."),
]
TOKENS = 24


class Server:
    """`transformers serve` on a free port, and the address of it."""

    def __init__(self, folder: Path, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve"]
        options = ["--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
        with log.open("wb") as written:
            self.process = subprocess.Popen(
                [*command, str(folder), *options],
                stdout=written,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
            )
        deadline = time.monotonic() + 300
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        folder = smollm2_folder()
    except MissingExtra as error:
        pytest.skip(str(error))
    running = Server(folder, tmp_path_factory.mktemp("server") / "log")
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture(scope="module")
def model(server: Server) -> Endpoint:
    return Endpoint(server.url, timeout=120)


def test_it_answers_as_the_same_checkpoint_does_here(model: Endpoint) -> None:
    here: Any = load_language_model("smollm2", "cpu")
    there = model.complete(QUESTION, TOKENS)
    assert there.text == here.generate(QUESTION, TOKENS)
    # The chat template is the same there, and numbers are cut into the same pieces.
    assert there.tokens_read == len(here._tokens(here._layout(QUESTION)))
    assert model.complete(QUESTION, 3).tokens_written == 3


def test_an_answer_ends_before_what_it_shall_stop_at(model: Endpoint) -> None:
    whole = model.generate(QUESTION, TOKENS)
    word = whole.split()[2]
    assert model.generate(QUESTION, TOKENS, stop=[word]) == whole[: whole.index(word)]


def test_it_gives_words_alone_and_says_so(model: LanguageModel) -> None:
    with pytest.raises(SpecsightError, match="gives no likelihoods: let it generate"):
        model.likelihoods(QUESTION, ["yes"])
    with pytest.raises(SpecsightError, match="gives no hidden states"):
        model.hidden_states(QUESTION)


def test_pictures_that_it_leaves_out_are_told(model: Endpoint, server: Server, tmp_path: Path) -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(EndpointRefuses, match="as without it: its server leaves pictures out"):
        model.generate([Message("user", "What is shown?", (picture,))], 3)
    answerer = answerer_named(server.url, AnswererConfig(max_tokens=4))
    with pytest.raises(CannotAnswer, match="leaves pictures out"):
        run_benchmark(write_benchmark(tmp_path / "bench"), server.url, answerer, tmp_path / "run")


def test_it_answers_a_benchmark_without_pictures(server: Server, tmp_path: Path) -> None:
    made = [item(f"d/anomaly/{k}", "d", "test", "A") for k in range(4)]
    train = [one for one in items() if one.split == "train"]
    bench = write_benchmark(tmp_path / "bench", made + train)
    config = AnswererConfig(max_tokens=4, settings={"price_read": 1, "price_written": 2})
    answerer = answerer_named(f"text:endpoint:{server.url}", config)
    tally = run_benchmark(bench, "text", answerer, tmp_path / "run", RunConfig(workers=2))
    assert (tally.answered, dict(tally.failed), tally.uncounted) == (4, {}, 0)
    assert tally.tokens_read > 4 * 30
    assert 4 <= tally.tokens_written <= 16
    assert tally.cost == pytest.approx((tally.tokens_read + 2 * tally.tokens_written) / 1e6)


def test_a_model_that_it_does_not_have_is_told_with_the_one_that_it_has(server: Server) -> None:
    with pytest.raises(EndpointRefuses, match=r"refuses \(400\): .*no/such.*\(it has: .*smollm2-"):
        Endpoint(f"{server.url}#no/such").complete(QUESTION, 3)


@pytest.mark.parametrize("path", ["", "/v1/chat/completions"])
def test_an_address_that_is_not_the_protocols_is_told(server: Server, path: str) -> None:
    with pytest.raises(EndpointRefuses, match=r"refuses \(404\): Not Found; check the address"):
        Endpoint(f"{server.url.removesuffix('/v1')}{path}#any").complete(QUESTION, 3)


def test_a_server_that_stands_still_is_waited_for_as_long_as_was_said(server: Server) -> None:
    impatient = Endpoint(server.url, timeout=1.5, retries=1, budget=2.5)
    server.signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        with pytest.raises(EndpointSilent, match="did not answer in time"):
            impatient.complete(QUESTION, 3)
        assert time.monotonic() - start < 5
    finally:
        server.signal(signal.SIGCONT)
    assert Endpoint(server.url, timeout=120).complete(QUESTION, 3).text


def test_a_server_that_is_killed_is_told(server: Server) -> None:
    """The last one: nothing answers behind it."""
    name = f"{server.url}#any"
    server.signal(signal.SIGKILL)
    server.process.wait()
    with pytest.raises(EndpointSilent, match=r"cannot be reached: .*\(asked 2 times\)"):
        Endpoint(name, retries=1).complete(QUESTION, 3)
