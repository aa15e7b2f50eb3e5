"""Signed requests to a real HTTP server: checked by the five lines of the docs, tried again, never led elsewhere."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.line.outlets.conftest import Make
from tests.support.certificates import certified
from tests.support.waiting import until

pytest.importorskip("httpx")

from specsight.errors import SpecsightError
from specsight.line.outlets import OutletDown, Outlets, outlet
from specsight.line.records import JudgedPart

DOCS = Path(__file__).parents[3] / "docs" / "watch.md"


class Receiver:
    """An HTTP server that keeps what it is sent, and gives the answers it is told, then 204."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        receiver = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,)).start()

    @property
    def address(self) -> str:
        return f"webhook:http://127.0.0.1:{self.port}/hook"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("SPECSIGHT_WEBHOOK_SECRET", "a long secret")
    one = Receiver()
    yield one
    one.close()


def checked(headers: dict[str, str], body: bytes, secret: bytes) -> bool:
    """Run the check that the docs print."""
    code = re.search(r"```python\n(# A receiver.*?)```", DOCS.read_text(), re.DOTALL)
    assert code
    names = {"headers": headers, "body": body, "secret": secret}
    exec(code[1], names)  # noqa: S102 (the code of our own page)
    return bool(names["genuine"])


def test_a_request_holds_the_record_and_its_signature_is_checked_as_the_docs_say(
    receiver: Receiver, folder: Path, part: Make
) -> None:
    to = Outlets([receiver.address], folder)
    to.send(part(1))
    to.close(10)
    ((headers, body),) = receiver.requests
    assert JudgedPart.from_json(json.loads(body)) == part(
        1,
        received=JudgedPart.from_json(json.loads(body)).received,
        judged=JudgedPart.from_json(json.loads(body)).judged,
    )
    assert headers["webhook-id"] == part(1).id
    assert checked(headers, body, b"a long secret")
    assert not checked(headers, body + b" ", b"a long secret")
    assert not checked({**headers, "webhook-timestamp": "1"}, body, b"a long secret")
    assert not checked(headers, body, b"another")


def test_what_fails_is_tried_again_with_the_same_id_until_it_is_taken(
    receiver: Receiver, folder: Path, part: Make
) -> None:
    receiver.answers = [(500, {}), (429, {"retry-after": "0"}), (302, {"location": "http://127.0.0.1:1/"})]
    said: list[str] = []
    to = Outlets([receiver.address], folder, tell=said.append)
    to.send(part(1))
    to.send(part(2))
    until(lambda: to.states()[0].counts.sent == 2)
    to.close()
    assert [headers["webhook-id"] for headers, _ in receiver.requests] == [part(1).id] * 4 + [part(2).id]
    assert said[0].endswith("answers 500")


def test_a_redirect_is_not_followed(receiver: Receiver, folder: Path, part: Make) -> None:
    other = Receiver()
    receiver.answers = [(307, {"location": f"http://127.0.0.1:{other.port}/"})] * 2
    to = Outlets([receiver.address], folder)
    to.send(part(1))
    until(lambda: to.states()[0].counts.sent == 1)
    to.close()
    other.close()
    assert not other.requests
    assert len(receiver.requests) == 3


def test_a_body_that_is_refused_for_good_does_not_stop_the_next(
    receiver: Receiver, folder: Path, part: Make
) -> None:
    receiver.answers = [(422, {})]
    to = Outlets([receiver.address], folder)
    to.send(part(1))
    to.send(part(2))
    to.close(10)
    assert (to.final[0].counts.sent, to.final[0].counts.refused) == (1, 1)


def test_secrets_come_from_files_too_and_stay_out_of_messages(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: Make
) -> None:
    monkeypatch.delenv("SPECSIGHT_WEBHOOK_SECRET")
    file = tmp_path / "secret"
    file.write_text("whsec_YSBsb25nIHNlY3JldA==\n")
    for address in (receiver.address + f"#secret={file}", receiver.address):
        monkeypatch.setenv("SPECSIGHT_WEBHOOK_SECRET_FILE", str(file))
        to = outlet(address)
        to.open()
        to.send(part(1))
        to.close()
        assert checked(*receiver.requests[-1], b"a long secret")
    file.write_text("whsec_my secret")
    with pytest.raises(SpecsightError, match="no base64") as told:
        outlet(receiver.address)
    assert "my secret" not in str(told.value)


def test_a_certificate_of_ones_own_is_trusted_where_it_is_named(
    receiver: Receiver, tmp_path: Path, part: Make
) -> None:
    certificate, key = certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    address = receiver.address.replace("http:", "https:")
    stranger, known = outlet(address), outlet(f"{address}#ca={certificate}")
    stranger.open()
    with pytest.raises(OutletDown, match="certificate"):
        stranger.send(part(1))
    known.open()
    known.send(part(1))
    assert len(receiver.requests) == 1
    stranger.close()
    known.close()
    with pytest.raises(SpecsightError, match="no file of certificates"):
        outlet(f"{address}#ca={tmp_path}/none.pem")
