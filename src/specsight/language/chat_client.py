"""Requests to a server that speaks chat completions: JSON there and back, each within a time and a size.

The client is `openai`, which the protocol's authors keep and which reads proxies' settings. It asks once: whoever calls
knows how long a question may take in all, and which other questions wait for the same server. Its timeouts are those of
single reads, so that a server that sends a byte now and then would never end; here the whole of a request has one.
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

from specsight.errors import SpecsightError, excerpt, require
from specsight.storage import parse_json

KEY = "SPECSIGHT_ENDPOINT_KEY"
LARGEST_ANSWER = 16 * 2**20
"""Bytes of an answer."""
LARGEST_ERROR = 64 * 2**10
"""Bytes that are read of what comes with an error."""
PLAIN = {"Accept-Encoding": "identity"}
"""A small body that unpacks to a large one is not asked for."""


class Trouble(Exception):
    """What came of a request is no answer; its text says why."""


class Unreachable(Trouble):
    """No connection, or one that broke off."""


class Late(Trouble):
    """No whole answer in time."""


class Unreadable(Trouble):
    """An answer that is no JSON."""


class Status(Trouble):
    """The server says that it failed, or that the request did."""

    def __init__(self, code: int, headers: Mapping[str, str], words: str, kind: str) -> None:
        super().__init__(words)
        self.code, self.words, self.kind = code, words, kind
        self.headers = {name.lower(): value for name, value in headers.items()}


class ChatClient:
    """A connection to the server at `url`, for any number of threads. The key is that of SPECSIGHT_ENDPOINT_KEY.

    Raises SpecsightError where `url` or a proxy's settings cannot be used.
    """

    def __init__(self, url: str) -> None:
        openai = require("openai", "endpoint")
        key = (os.environ.get(KEY) or "").strip() or "none"
        try:
            http = openai.DefaultAsyncHttpxClient(event_hooks={"response": [_raise_status]})
            self._client = openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, http_client=http)
        except Exception as error:  # whatever its parsers raise for an address or for proxies' settings
            raise SpecsightError(f"endpoint '{url}' cannot be used: {said(error)}") from error
        self._under_way: set[Future[bytes]] = set()

    def complete(self, body: Mapping[str, Any], seconds: float) -> Any:
        """What the server answers to one chat completion. Raises `Trouble`."""
        create = self._client.chat.completions.with_streaming_response.create
        return self._run(lambda: create(**body, timeout=seconds, extra_headers=PLAIN), seconds)

    def models(self, seconds: float) -> list[str]:
        """The names of the server's models, sorted. Raises `Trouble`."""
        ask = self._client.models.with_streaming_response.list
        answer = self._run(lambda: ask(timeout=seconds, extra_headers=PLAIN), seconds)
        try:
            return sorted(str(model["id"]) for model in answer["data"])
        except (KeyError, TypeError) as error:
            raise Unreadable("the answer lists no models") from error

    def give_up(self, seconds: float) -> None:
        """Let what is under way end as `Late` in so many seconds."""
        loop = _loop()
        loop.call_soon_threadsafe(loop.call_later, seconds, self._cancel)

    def _cancel(self) -> None:
        for future in list(self._under_way):
            future.cancel()

    def _run(self, request: Callable[[], Any], seconds: float) -> Any:
        future = asyncio.run_coroutine_threadsafe(_within(_body(request), seconds), _loop())
        self._under_way.add(future)
        try:
            body = future.result()
        except CancelledError as error:
            raise Late("given up") from error
        except BaseException:
            future.cancel()
            raise
        finally:
            self._under_way.discard(future)
        try:
            return parse_json(body)
        except ValueError as error:
            words = " ".join(body.decode("utf-8", "replace").split())
            raise Unreadable(f"the answer is no whole JSON: {excerpt(words) or 'it is empty'}") from error


async def _within(work: Coroutine[Any, Any, bytes], seconds: float) -> bytes:
    try:
        return await asyncio.wait_for(work, seconds)
    except asyncio.TimeoutError as error:
        raise Late(f"no whole answer within {seconds:.3g} s") from error


async def _body(request: Callable[[], Any]) -> bytes:
    """The body of an answer. Raises `Trouble`."""
    import openai

    pieces, size = [], 0
    try:
        async with request() as response:
            async for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST_ANSWER:
                    raise Unreadable(f"the answer has more than {LARGEST_ANSWER >> 20} MB")
    except Trouble:
        raise
    except openai.APITimeoutError as error:
        raise Late("no answer in time") from error
    except openai.APIConnectionError as error:
        if isinstance(error.__cause__, Status):
            raise error.__cause__ from None
        raise Unreachable(f"cannot be reached: {said(error.__cause__ or error)}") from error
    except Exception as error:  # whatever the client raises where a connection breaks off or speaks no HTTP
        raise Unreachable(f"broke off: {said(error)}") from error
    return b"".join(pieces)


async def _raise_status(response: Any) -> None:
    """Raise `Status` for an answer that says it is none, of which no more is read than a message needs."""
    if response.status_code < 400:
        return
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LARGEST_ERROR:
            break
    words, kind = _words(body)
    raise Status(response.status_code, dict(response.headers), words, kind)


def _words(body: bytes) -> tuple[str, str]:
    """What an error's body says, and the code that it has for it; servers put both in several places."""
    text = " ".join(body.decode("utf-8", "replace").split())
    try:
        content = parse_json(body)
    except ValueError:
        return excerpt(text), ""
    if isinstance(content, dict):
        inner = content.get("error", content)
        if isinstance(inner, str):
            return excerpt(inner), ""
        if isinstance(inner, dict):
            said_there = next(
                (inner[name] for name in ("message", "detail") if isinstance(inner.get(name), str)), text
            )
            return excerpt(" ".join(said_there.split())), str(inner.get("code") or inner.get("type") or "")
    return excerpt(text), ""


def said(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    return excerpt(" ".join(str(error).split()) or type(error).__name__)


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """What all requests run on: a loop in a thread that ends with the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="endpoints", daemon=True).start()
    return loop
