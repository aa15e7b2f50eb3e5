"""What every request passes before a page sees it, and what every answer carries (ASGI).

Requests must name this machine as their host, come from the same page where they change something, be of a sensible
length, and carry the secret of a person, which a cookie holds after the first visit. Answers forbid scripts, frames and
pictures of other sites, and caching.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from specsight.service.access import Access, Person

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LONGEST = 8 << 20
"""Bytes of a form: one with a text of a megabyte has three times as many."""
FORM = "application/x-www-form-urlencoded"
ENTER = "/enter/"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # without any, browsers send forms with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets requests of known persons pass to `app`, which finds them as `request.state.person`."""

    def __init__(self, app: App, access: Access, port: int) -> None:
        self._app, self._access = app, access
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"specsight-{port}"

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"a connection of type {scope['type']} is not served")
        guarded = _with_headers(send)
        headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in scope["headers"]}
        refused = self._refused(scope["method"], headers)
        if refused is not None:
            await _answer(guarded, *refused)
        elif scope["path"].startswith(ENTER):
            await self._enter(scope["path"].removeprefix(ENTER), guarded)
        elif (person := self._known(headers.get("cookie", ""))) is None:
            await _answer(guarded, 403, "open the address that was printed for you")
        else:
            scope.setdefault("state", {})["person"] = person
            await self._app(scope, receive, guarded)

    def _refused(self, method: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Why a request is refused whoever sent it; None where it is not."""
        if headers.get("host") not in self._hosts:
            return 403, "this page answers to 127.0.0.1 alone"
        if method not in ("GET", "HEAD", "POST"):
            return 405, "not allowed"
        if method == "POST":
            origin = headers.get("origin")
            if origin is not None and origin.removeprefix("http://") not in self._hosts:
                return 403, "forms of other sites are refused"
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return 403, "forms of other sites are refused"
            length = headers.get("content-length", "")
            if not (length.isascii() and length.isdigit()):
                return 411, "a form needs a length"
            if len(length) > 9 or int(length) > LONGEST:
                return 413, f"a form of more than {LONGEST:,} bytes"
            if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
                return 415, "this is no form"
        return None

    def _known(self, cookie: str) -> Person | None:
        try:
            given = SimpleCookie(cookie).get(self._cookie)
        except CookieError:
            return None
        return None if given is None else self._access.person(given.value)

    async def _enter(self, secret: str, send: Send) -> None:
        """The first visit: the secret moves from the address, which a browser remembers, into a cookie."""
        if self._access.person(secret) is None:
            await _answer(send, 403, "open the address that was printed for you")
            return
        cookie = f"{self._cookie}={secret}; Path=/; HttpOnly; SameSite=Lax"
        await _answer(send, 303, "", {"Location": "/", "Set-Cookie": cookie})


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name in HEADERS}
            kept = [(k, v) for k, v in message.get("headers", []) if k.decode("latin-1").lower() not in own]
            message["headers"] = kept + [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
        await send(message)

    return guarded


async def _answer(send: Send, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
    content = text.encode()
    fields = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(content)),
        **(headers or {}),
    }
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
