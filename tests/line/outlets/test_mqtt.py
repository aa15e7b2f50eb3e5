"""Records through a real broker (mosquitto): every one, the last one retained, also where the broker was killed."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.line.outlets.conftest import Make
from tests.support.certificates import certified
from tests.support.mosquitto import PROGRAM, Broker, broker
from tests.support.waiting import until

pytest.importorskip("paho.mqtt.client")
if PROGRAM is None:
    pytest.skip("there is no mosquitto: apt-get install mosquitto", allow_module_level=True)

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from specsight.line.outlets import Outlets


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as one:
        yield one


@contextmanager
def listening(port: int, topic: str) -> Iterator[list[Any]]:
    """Messages of a topic, as they come."""
    messages: list[Any] = []
    client = Client(CallbackAPIVersion.VERSION2)
    ready: list[bool] = []
    client.on_connect = lambda one, *_: one.subscribe(topic, 1)
    client.on_subscribe = lambda *_: ready.append(True)
    client.on_message = lambda _client, _data, message: messages.append(message)
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    until(lambda: bool(ready))
    yield messages
    client.disconnect()
    client.loop_stop()


def test_every_record_comes_whole_and_the_last_one_is_retained(
    running: Broker, folder: Path, part: Make
) -> None:
    to = Outlets([f"mqtt://127.0.0.1:{running.port}/line/a"], folder)
    with listening(running.port, "line/a/parts") as messages:
        to.send(part(1))
        to.send(part(2, verdict="accept"))
        until(lambda: len(messages) == 2)
    to.close(10)
    assert [json.loads(one.payload)["part"] for one in messages] == ["p1", "p2"]
    assert [one.qos for one in messages] == [1, 1]
    with listening(running.port, "line/a/#") as messages:
        until(lambda: len(messages) == 1)
    last = json.loads(messages[0].payload)
    assert messages[0].topic == "line/a/last"
    assert messages[0].retain
    assert (last["part"], last["result"], last["score"]) == ("p2", "accept", 3.5)


def test_a_broker_that_is_killed_and_comes_back_has_missed_nothing(
    running: Broker, folder: Path, part: Make
) -> None:
    to = Outlets([f"mqtt://127.0.0.1:{running.port}/line/a"], folder)
    to.send(part(1))
    until(lambda: to.states()[0].counts.sent == 1)
    running.kill()
    start = time.monotonic()
    to.send(part(2))
    to.send(part(3))
    assert time.monotonic() - start < 1
    until(lambda: bool(to.states()[0].down))
    assert to.states()[0].counts.waiting == 2
    running.start()
    with listening(running.port, "line/a/last") as messages:
        until(lambda: to.states()[0].counts.sent == 3)
        until(lambda: bool(messages) and json.loads(messages[-1].payload)["part"] == "p3")
    to.close()
    assert not to.final[0].down


def test_names_and_passwords_come_from_the_environment(
    tmp_path: Path, folder: Path, part: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = tmp_path / "accounts"
    accounts.touch(0o600)
    subprocess.run(
        ["mosquitto_passwd", "-b", str(accounts), "anna", "secret"], check=True, capture_output=True
    )
    with broker(tmp_path, accounts) as one:
        address = f"mqtt://127.0.0.1:{one.port}/line/a"
        to = Outlets([address], folder)
        to.send(part(1))
        until(lambda: "Not authorized" in to.states()[0].down)
        to.close(0)
        monkeypatch.setenv("SPECSIGHT_MQTT_USER", "anna")
        monkeypatch.setenv("SPECSIGHT_MQTT_PASSWORD", "secret")
        to = Outlets([address], folder)
        until(lambda: to.states()[0].counts.sent == 1)
        to.close()


def test_mqtts_is_encrypted_and_checks_the_certificate(tmp_path: Path, folder: Path, part: Make) -> None:
    certificate, key = certified(tmp_path)
    with broker(tmp_path, tls=(certificate, key)) as one:
        to = Outlets([f"mqtts://127.0.0.1:{one.port}/line/a"], folder)
        to.send(part(1))
        until(lambda: "CERTIFICATE_VERIFY_FAILED" in to.states()[0].down)
        to.close(0)
        to = Outlets([f"mqtts://127.0.0.1:{one.port}/line/a#ca={certificate}"], folder.with_name("second"))
        to.send(part(1))
        until(lambda: to.states()[0].counts.sent == 1)
        to.close()
