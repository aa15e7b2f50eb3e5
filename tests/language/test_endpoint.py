"""A model behind an address, over a real connection: what goes wrong is repeated, then told in one line."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

pytest.importorskip("openai")

from tests.support.chat_server import ChatServer, chat_server

from specsight.errors import SpecsightError
from specsight.language import Message, load_language_model
from specsight.language.endpoint import KEY, Endpoint, EndpointRefuses, EndpointSilent

QUESTION = [Message("system", "You inspect tyres."), Message("user", "Is a blister a defect?")]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def test_an_answer_comes_with_its_tokens(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "key-of-the-line")
    model = Endpoint(server.url)
    server.answer = lambda request: "B"
    completion = model.complete(QUESTION, 7)
    assert (completion.text, completion.tokens_read, completion.tokens_written) == ("B", 1000, 10)
    (request,) = server.requests
    assert (request["model"], request["max_tokens"], request["temperature"]) == ("tiny", 7, 0)
    assert request["messages"] == [{"role": m.role, "content": m.text} for m in QUESTION]
    assert server.keys == ["Bearer key-of-the-line"]
    assert "key-of-the-line" not in f"{vars(model)}{model.name}"


def test_pictures_arrive_as_they_were(server: ChatServer) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    load_language_model(f"endpoint:{server.url}").generate(
        [Message("user", "What is it?", (picture, picture))], 3
    )
    *pictures, words = server.requests[0]["messages"][0]["content"]
    assert words == {"type": "text", "text": "What is it?"}
    assert len(pictures) == 2
    head, _, data = pictures[0]["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    np.testing.assert_array_equal(decoded[..., ::-1], picture)


@pytest.mark.parametrize("fault", ["html", "truncated", "empty", "500", "cut", "stall"])
def test_what_fails_once_is_asked_again(server: ChatServer, fault: str) -> None:
    server.faults, server.answer = [fault], lambda request: "B"
    assert Endpoint(server.url, timeout=0.3, retries=1).complete(QUESTION, 7).text == "B"
    assert len(server.requests) == 2


def test_a_server_that_is_too_busy_is_asked_when_it_says(server: ChatServer) -> None:
    server.faults, server.answer = ["429"], lambda request: "B"
    assert Endpoint(server.url, retries=1).complete(QUESTION, 7).text == "B"
    assert server.times[1] - server.times[0] >= 0.95


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("html", SpecsightError, "the answer is no JSON: <html>"),
        ("truncated", SpecsightError, "the answer cannot be read"),
        ("empty", SpecsightError, "the answer holds no message"),
        ("500", SpecsightError, "answered 500: .*no: 500"),
        ("400", SpecsightError, "answered 400: .*no: 400"),
        ("cut", EndpointSilent, "cannot be reached"),
        ("stall", EndpointSilent, "did not answer in time, 1 times"),
        ("401", EndpointRefuses, f"refuses: .*no: 401.*{KEY}"),
        ("404", EndpointRefuses, "check the address, the model's name"),
    ],
)
def test_what_fails_for_good_is_told_in_one_line(
    server: ChatServer, fault: str, kind: type[SpecsightError], words: str
) -> None:
    server.always = fault
    with pytest.raises(kind, match=words) as told:
        Endpoint(server.url, timeout=0.3, retries=0).complete(QUESTION, 7)
    assert "\n" not in str(told.value)
    assert len(server.requests) == 1


def test_newer_servers_are_told_the_longest_answer_by_its_newer_name(server: ChatServer) -> None:
    server.always, server.answer = "newer", lambda request: "B"
    model = Endpoint(server.url, retries=0, temperature=None)
    assert [model.complete(QUESTION, 7).text for _ in range(2)] == ["B", "B"]
    assert [set(request) & {"max_tokens", "max_completion_tokens"} for request in server.requests] == [
        {"max_tokens"},
        {"max_completion_tokens"},
        {"max_completion_tokens"},
    ]
    assert all("temperature" not in request for request in server.requests)


def test_requests_keep_a_pace(server: ChatServer) -> None:
    model = Endpoint(server.url, per_minute=600)
    for _ in range(4):
        model.generate(QUESTION, 3)
    assert server.times[-1] - server.times[0] >= 0.28


def test_the_model_is_named_where_there_are_several(server: ChatServer) -> None:
    server.models = ("large", "small")
    with pytest.raises(EndpointRefuses, match=r"has 2 models \(large, small\): give URL#MODEL"):
        Endpoint(server.url)
    assert Endpoint(f"{server.url}#small").name == f"endpoint:{server.url}#small"
    with pytest.raises(EndpointRefuses, match="does not say which models it has"):
        Endpoint("http://127.0.0.1:9/v1", retries=0)


@pytest.mark.parametrize("name", ["localhost:80", "file:///etc", "https://me:secret@host/v1#m", ""])
def test_what_is_no_address_is_refused(name: str) -> None:
    with pytest.raises(SpecsightError, match="give http") as told:
        Endpoint(name)
    assert "secret" not in str(told.value)
