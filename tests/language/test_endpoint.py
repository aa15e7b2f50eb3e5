"""A model behind an address, over a real connection: what goes wrong is repeated, then told in one line."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import cv2
import numpy as np
import pytest

pytest.importorskip("openai")

from tests.support.chat_server import ChatServer, chat_server

from specsight.errors import SpecsightError
from specsight.language import Message, load_language_model
from specsight.language.chat_client import KEY
from specsight.language.endpoint import Endpoint, EndpointRefuses, EndpointSilent
from specsight.language.pacing import TIME

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
    assert (completion.text, completion.tokens_read, completion.tokens_written) == ("B", 900, 10)
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


@pytest.mark.parametrize("fault", ["html", "truncated", "empty", "said", "500", "cut", "stall", "drip"])
def test_what_fails_once_is_asked_again(server: ChatServer, fault: str) -> None:
    server.faults, server.answer = [fault], lambda request: "B"
    assert Endpoint(server.url, timeout=2, retries=1, budget=12).complete(QUESTION, 7).text == "B"
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", ["429/1", "503/1", "429/date"])
def test_a_server_that_is_too_busy_is_asked_when_it_says(server: ChatServer, fault: str) -> None:
    date = formatdate(time.time() + 2, usegmt=True)
    server.faults, server.answer = [fault.replace("date", date)], lambda request: "B"
    assert Endpoint(server.url, retries=1).complete(QUESTION, 7).text == "B"
    assert 0.95 <= server.times[1] - server.times[0] < 3


def test_all_threads_wait_where_one_is_told_to(server: ChatServer) -> None:
    model = Endpoint(server.url, retries=1)
    server.faults = ["429/1"]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(model.generate, QUESTION, 3)
        while not server.requests:
            time.sleep(0.01)
        time.sleep(0.2)
        second = pool.submit(model.generate, QUESTION, 3)
        assert first.result() == second.result()
    assert all(later - server.times[0] >= 0.95 for later in server.times[1:])


def test_a_question_takes_no_longer_than_it_may(server: ChatServer) -> None:
    server.always = "drip"
    start = time.monotonic()
    with pytest.raises(EndpointSilent, match=r"no whole answer within 0\.\d+ s \(asked \d times\)"):
        Endpoint(f"{server.url}#tiny", timeout=0.4, retries=99, budget=1.5).complete(QUESTION, 7)
    assert time.monotonic() - start < 2.5
    assert 2 <= len(server.requests) <= 3


def test_a_pause_that_is_too_long_is_told_at_once(server: ChatServer) -> None:
    server.always = "429/3600"
    model = Endpoint(server.url)
    for _ in range(2):  # and nobody else asks meanwhile
        with pytest.raises(
            EndpointRefuses, match=r"asks for a pause of 3,[56]\d\d s, and a question may take 120 s"
        ):
            model.complete(QUESTION, 7)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("html", SpecsightError, "the answer is no whole JSON: <html>"),
        ("truncated", SpecsightError, "the answer is no whole JSON: {"),
        ("empty", SpecsightError, "the answer holds no message"),
        ("said", SpecsightError, "the answer is an error: .*no provider"),
        ("huge", SpecsightError, "the answer has more than 16 MB"),
        ("thought", SpecsightError, "used up before its first word: allow longer answers"),
        ("filtered", SpecsightError, "content filter left nothing"),
        ("500", SpecsightError, "answered 500: no: 500"),
        ("400", SpecsightError, "answered 400: no: 400"),
        ("503", EndpointSilent, "answered 503: no: 503"),
        ("429", EndpointSilent, "answered 429: no: 429"),
        ("cut", EndpointSilent, "broke off: "),
        ("stall", EndpointSilent, f"did not answer in time: .*; {TIME} gives"),
        ("drip", EndpointSilent, "did not answer in time: no whole answer within 0.4 s"),
        ("drip-head", EndpointSilent, "did not answer in time: no whole answer within 0.4 s"),
        ("401", EndpointRefuses, rf"refuses \(401\): no: 401; .*{KEY}"),
        ("404", EndpointRefuses, "check the address, the model's name and"),
        ("quota", EndpointRefuses, "You exceeded your quota"),
    ],
)
def test_what_fails_for_good_is_told_in_one_line(
    server: ChatServer, fault: str, kind: type[SpecsightError], words: str
) -> None:
    server.always = fault
    timeout = 0.4 if fault in ("stall", "drip", "drip-head") else 10
    with pytest.raises(kind, match=words) as told:
        Endpoint(f"{server.url}#tiny", timeout=timeout, retries=0).complete(QUESTION, 7)
    assert type(told.value) is kind
    assert "\n" not in str(told.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["thought", "filtered", "400", "401", "quota"])
def test_what_would_fail_again_is_asked_once(server: ChatServer, fault: str) -> None:
    server.always = fault
    with pytest.raises(SpecsightError):
        Endpoint(server.url, retries=3).complete(QUESTION, 7)
    assert len(server.requests) == 1


def test_a_server_that_leaves_pictures_out_is_refused(server: ChatServer) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    question = [*QUESTION, Message("assistant", "Yes."), Message("user", "Is one there?", (picture,))]
    model = Endpoint(server.url)
    for _ in range(2):
        model.generate(question, 7)
    assert [isinstance(one["messages"][3]["content"], str) for one in server.requests] == [False, True, False]
    server.sees = False
    with pytest.raises(EndpointRefuses, match="counts 900 tokens with a picture as without it"):
        Endpoint(server.url).generate(question, 7)
    assert Endpoint(server.url, check_pictures=False).generate(question, 7)
    server.always = "uncounted"
    assert Endpoint(server.url).generate(question, 7) == "The answer is B."


@pytest.mark.parametrize("code", ["404", "400"])
def test_a_model_that_the_server_does_not_have_is_told_with_those_that_it_has(
    server: ChatServer, code: str
) -> None:
    server.models, server.always = ("large", "small"), code
    with pytest.raises(EndpointRefuses, match=r"the model's name \(it has: large, small\)"):
        Endpoint(f"{server.url}#tiny").complete(QUESTION, 7)


def test_newer_servers_are_told_the_longest_answer_by_its_newer_name(server: ChatServer) -> None:
    server.always, server.answer = "newer", lambda request: "B"
    model = Endpoint(server.url, retries=0, temperature="default")
    assert [model.complete(QUESTION, 7).text for _ in range(2)] == ["B", "B"]
    assert [set(request) & {"max_tokens", "max_completion_tokens"} for request in server.requests] == [
        {"max_tokens"},
        {"max_completion_tokens"},
        {"max_completion_tokens"},
    ]
    assert all("temperature" not in request for request in server.requests)


def test_a_model_that_takes_no_temperature_is_asked_without_unless_one_was_given(server: ChatServer) -> None:
    server.always, server.answer = "warm", lambda request: "B"
    model = Endpoint(server.url)
    assert [model.complete(QUESTION, 7).text for _ in range(2)] == ["B", "B"]
    assert ["temperature" in request for request in server.requests] == [True, False, False]
    with pytest.raises(SpecsightError, match="answered 400: Unsupported value: 'temperature'"):
        Endpoint(server.url, temperature=0.0).complete(QUESTION, 7)


def test_what_a_model_says_instead_of_an_answer_is_its_answer(server: ChatServer) -> None:
    server.always = "refused"
    completion = Endpoint(server.url).complete(QUESTION, 7)
    assert (completion.text, completion.tokens_read, completion.tokens_written) == ("I will not.", None, None)


def test_a_server_that_heeds_no_length_is_told(server: ChatServer) -> None:
    server.answer = lambda request: "word " * 1000
    with pytest.raises(SpecsightError, match="the answer has 5,000 characters, and 7 tokens were allowed"):
        Endpoint(server.url).complete(QUESTION, 7)
    assert Endpoint(server.url).complete(QUESTION, 1000).text == "word " * 1000


def test_a_stopped_endpoint_asks_nothing_more(server: ChatServer) -> None:
    model = Endpoint(server.url)
    server.always = "500/60"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(model.complete, QUESTION, 7)
        while not server.requests:
            time.sleep(0.01)
        model.stop()
        with pytest.raises(SpecsightError, match="answered 500"):
            waiting.result(timeout=5)
    with pytest.raises(EndpointSilent, match="nothing more is asked"):
        model.complete(QUESTION, 7)
    assert len(server.requests) == 1


def test_what_is_under_way_when_all_is_stopped_has_a_grace(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specsight.language.endpoint.GRACE", 0.6)
    model = Endpoint(server.url)
    with ThreadPoolExecutor(2) as pool:
        server.delay = 0.4
        answered = pool.submit(model.complete, QUESTION, 7)
        while not server.requests:
            time.sleep(0.01)
        server.always = "stall"
        server.faults = [""]
        stalled = pool.submit(model.complete, QUESTION, 7)
        while len(server.requests) < 2:
            time.sleep(0.01)
        model.stop()
        start = time.monotonic()
        assert answered.result(timeout=5).tokens_read == 900
        with pytest.raises(EndpointSilent, match="did not answer in time: given up"):
            stalled.result(timeout=5)
    assert time.monotonic() - start < 3


def test_a_server_that_is_silent_again_and_again_is_left_alone_for_a_while(server: ChatServer) -> None:
    model = Endpoint(f"{server.url}#tiny", timeout=0.1, retries=1, budget=5, rest=0.5)
    server.always = "stall"
    for _ in range(3):
        with pytest.raises(EndpointSilent, match="did not answer in time"):
            model.complete(QUESTION, 7)
    start = time.monotonic()
    for _ in range(100):
        with pytest.raises(EndpointSilent, match="was silent 3 times in a row: it is asked again in"):
            model.complete(QUESTION, 7)
    assert time.monotonic() - start < 0.4
    assert len(server.requests) == 6
    time.sleep(0.5)
    with pytest.raises(EndpointSilent, match="did not answer in time"):
        model.complete(QUESTION, 7)
    assert len(server.requests) == 7  # once
    time.sleep(0.5)
    server.always = None
    assert [model.complete(QUESTION, 7).tokens_read for _ in range(2)] == [900, 900]


def test_how_long_an_attempt_may_take_is_told_by_the_environment(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TIME, "0.2")
    server.always = "stall"
    with pytest.raises(EndpointSilent, match=r"within 0\.2 s"):
        Endpoint(f"{server.url}#tiny", retries=0).complete(QUESTION, 7)
    for wrong in ("soon", "0", "-1", "inf", "nan"):
        monkeypatch.setenv(TIME, wrong)
        with pytest.raises(SpecsightError, match=f"{TIME} is '{wrong}': give seconds, such as 300"):
            Endpoint(f"{server.url}#tiny")


def test_letters_that_no_text_has_do_not_keep_a_question_from_being_asked(server: ChatServer) -> None:
    Endpoint(server.url).generate([Message("user", "a file called \udcff")], 3)
    assert server.requests[0]["messages"][0]["content"] == "a file called ?"


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
