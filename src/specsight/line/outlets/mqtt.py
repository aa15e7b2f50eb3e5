"""Records to an MQTT broker, QoS 1 (delivered at least once), and the last verdict of the line retained beside them.

In: a broker and a topic, mqtt://broker:1883/line/a. Out: `TOPIC/parts`, every record whole; `TOPIC/last`, retained: the
last one in short, for whoever subscribes later.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from specsight.errors import SpecsightError, require
from specsight.line.outlets.contract import Outlet, OutletDown, outlets
from specsight.line.outlets.secrets import secret, split_address, trusted
from specsight.line.records import JudgedPart, iso

if TYPE_CHECKING:
    from paho.mqtt.client import Client

USER, PASSWORD = "SPECSIGHT_MQTT_USER", "SPECSIGHT_MQTT_PASSWORD"
ANSWER = 10.0
"""Seconds to wait for the broker's answer, to a connection or a message."""
KEEP_ALIVE = 30
PORTS = {"mqtt": 1883, "mqtts": 8883}
LAST = ("id", "number", "line", "part", "verdict", "score", "threshold", "error")


@outlets.register("mqtts")
@outlets.register("mqtt")
class Mqtt(Outlet):
    """Each record to an MQTT broker, QoS 1, the last one retained: mqtt://broker:1883/line/a, or mqtts:// for TLS"""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        parts, options = split_address(address, address, ("ca", "password"))
        self._host, self._tls = str(parts.hostname), parts.scheme == "mqtts"
        self._port = parts.port or PORTS[parts.scheme]
        self._topic = parts.path.strip("/")
        if not self._topic or parts.query or any(sign in self._topic for sign in "+#\0"):
            raise SpecsightError(
                f"--to {address}: name a topic behind the broker, such as /line/a, without + and #"
            )
        self._ca = trusted(options)
        self._user, self._password = secret(USER), secret(PASSWORD, options.get("password", ""))
        require("paho.mqtt.client", "outlets")
        self._client: Client | None = None

    def open(self) -> None:
        """Connect, and wait until the broker says that it takes messages."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2)
        answered, refusal = threading.Event(), [""]

        def on_connect(_client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
            refusal[0] = f"the broker refuses: {code}" if code.is_failure else ""
            answered.set()

        client.on_connect = on_connect
        if self._user:
            client.username_pw_set(self._user, self._password or None)
        try:
            if self._tls:
                client.tls_set(ca_certs=self._ca)
            client.connect_timeout = ANSWER
            client.connect(self._host, self._port, KEEP_ALIVE)
        except (OSError, ValueError) as error:
            raise OutletDown(f"{type(error).__name__}: {error}") from error
        client.loop_start()
        self._client = client
        if not answered.wait(ANSWER):
            raise OutletDown(f"the broker does not answer within {ANSWER:g} s")
        if refusal[0]:
            raise OutletDown(refusal[0])

    def send(self, part: JudgedPart) -> None:
        """Publish the record, then the last state; return when the broker has acknowledged both."""
        values = part.to_json()
        self._publish("parts", values, False)
        last = {name: values[name] for name in LAST}
        self._publish("last", {**last, "result": part.word, "judged": iso(part.judged)}, True)

    def close(self) -> None:
        """Leave the broker."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _publish(self, name: str, values: dict[str, Any], retain: bool) -> None:
        client = self._client
        if client is None or not client.is_connected():
            raise OutletDown("the broker has gone")
        body = json.dumps(values, separators=(",", ":"), allow_nan=False)
        try:
            told = client.publish(f"{self._topic}/{name}", body, qos=1, retain=retain)
            told.wait_for_publish(ANSWER)
        except (ValueError, RuntimeError) as error:
            raise OutletDown(str(error)) from error
        if not told.is_published():
            raise OutletDown(f"the broker has not acknowledged a part within {ANSWER:g} s")
