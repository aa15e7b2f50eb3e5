"""A real HTTP server on the loopback address that speaks chat completions, and can misbehave as servers do.

It answers by hashing the conversation, so that equal requests get equal answers; `faults` are taken one by one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = str
"""Of an HTTP status its number, with "/SECONDS" or "/DATE" behind it as Retry-After; else one of: stall, html, cut,
truncated, empty, drip (a byte now and then), drip-head (of the head, too), huge (no end), newer (takes
max_completion_tokens alone), warm (takes no temperature), quota, said (an error that is called a success), thought (all
tokens used up before the answer), filtered, refused (in the model's own words), uncounted (no usage). "": none."""
SAID = {
    "newer": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
    "warm": "Unsupported value: 'temperature' does not support 0 with this model.",
}


@dataclass
class ChatServer:
    """What was asked, and what is to go wrong."""

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    models: tuple[str, ...] = ("tiny",)
    answer: Callable[[dict[str, Any]], str] | None = None
    stall: float = 5.0
    delay: float = 0.0
    sees: bool = True
    """Whether pictures count among the tokens read: 1000 with them, 900 without."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self) -> Fault | None:
        with self._lock:
            return (self.faults.pop(0) or None) if self.faults else self.always

    def reply(self, request: dict[str, Any]) -> str:
        """Letters that depend on the conversation, and on the seed where one is given; as many as tokens allow."""
        if self.answer is not None:
            return self.answer(request)
        digest = hashlib.sha256(json.dumps([request["messages"], request.get("seed")]).encode()).hexdigest()
        return "".join(chr(ord("a") + int(digit, 16)) for digit in digest)[: request["max_tokens"]]


@contextlib.contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server that runs meanwhile."""
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            models = [
                {"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in state.models
            ]
            self._send(200, json.dumps({"object": "list", "data": models}).encode())

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state._lock:
                state.requests.append(request)
                state.times.append(time.monotonic())
                state.keys.append(self.headers.get("Authorization", ""))
            time.sleep(state.delay)
            fault = state.next_fault()
            limit = request.get("max_tokens") or request["max_completion_tokens"]
            shown = state.sees and "image_url" in json.dumps(request["messages"])
            body = _completion(state.reply({**request, "max_tokens": limit}), 1000 if shown else 900)
            content = fault and {
                "empty": {"choices": []},
                "said": {"error": {"message": "no provider", "code": 502}},
                "thought": _message(None, "length"),
                "filtered": _message("", "content_filter"),
                "refused": _message(None, "stop", refusal="I will not."),
                "uncounted": _message("The answer is B.", "stop"),
            }.get(fault)
            if content:
                self._send(200, json.dumps(content).encode())
            elif (
                fault is None
                or (fault == "newer" and "max_completion_tokens" in request)
                or (fault == "warm" and "temperature" not in request)
            ):
                self._send(200, body)
            elif fault in SAID:
                self._send(400, json.dumps({"error": {"message": SAID[fault]}}).encode())
            elif fault == "quota":
                error = {"message": "You exceeded your quota", "code": "insufficient_quota"}
                self._send(429, json.dumps({"error": error}).encode())
            elif fault in ("drip", "drip-head", "huge"):
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                with contextlib.suppress(OSError):
                    if fault != "drip-head":
                        self.wfile.write(head + b"Connection: close\r\n\r\n")
                    while True:
                        self.wfile.write(
                            b"X" if fault == "drip-head" else b" " * (1 << 20 if fault == "huge" else 1)
                        )
                        time.sleep(0.0 if fault == "huge" else 0.05)
            elif fault == "stall":
                time.sleep(state.stall)
            elif fault == "html":
                self._send(200, b"<html><script>alert(1)</script>Bad gateway</html>", "text/html")
            elif fault == "cut":
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
                )
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault == "truncated":
                self._send(200, body[: len(body) // 2])
            else:
                code, _, seconds = fault.partition("/")
                wait = {"Retry-After": seconds} if seconds else {}
                self._send(int(code), json.dumps({"error": {"message": f"no: {code}"}}).encode(), **wait)

        def _send(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _message(text: str | None, reason: str, **more: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text, **more}, "finish_reason": reason}]}


def _completion(text: str, read: int) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "c", "object": "chat.completion", "created": 0, "model": "tiny",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": read, "completion_tokens": 10, "total_tokens": read + 10},
        }
    ).encode()  # fmt: skip
