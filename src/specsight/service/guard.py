"""What every request passes before a page sees it, and what every answer carries (ASGI).

Requests must name this machine as their host, come from the same page where they change something, be of a sensible
length, and carry the secret of a person: in a cookie after the first visit, or, where tokens are given out, in the
header of a program. Answers forbid scripts, frames and pictures of other sites, and caching.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from specsight.service.access import Access, Person
from specsight.service.limits import Limiter
from specsight.service.rules import FORM, Rules
from specsight.storage.database import Unavailable

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Refusal = tuple[int, str, Mapping[str, str]]

ENTER = "/enter/"
ENTERING = "/enter"
"""Where a browser brings a token."""
LEAVING = "/leave"
BEARER = "bearer "
CSRF = "x-csrf-token"
"""The header by which a script of our own pages shows that it is one."""
SESSION = 12 * 3600
"""Seconds after which a browser must bring its token anew."""
LONGEST_TOKEN = 4096
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # without any, browsers send forms with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CACHING = (b"cache-control", b"no-store")
"""Of answers that do not say how long they may be kept."""


class Guard:
    """Lets requests of known persons pass to `app`, which finds them as `request.state.person`."""

    def __init__(self, app: App, access: Access, port: int, rules: Rules | None = None) -> None:
        self._app, self._access, self._rules = app, access, rules or Rules()
        names = self._rules.hosts
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", *names)} | set(names)
        self._cookie = f"specsight-{port}"
        self._limiter = None if self._rules.rates is None else Limiter(self._rules.rates)
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":  # nothing is told that way: events are server-sent
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            raise ValueError(f"a connection of type {scope['type']} is not served")
        guarded = _with_headers(send)
        headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in scope["headers"]}
        refused = self._counted("address", _address(scope)) or self._refused(scope["method"], headers)
        if refused is None and scope["method"] == "POST" and scope["path"] in (ENTERING, LEAVING):
            refused = _refused_stranger(headers)
        if refused is not None:
            await self._refuse(guarded, headers, refused)
            return
        length = int(headers.get("content-length", "0") or 0) if scope["method"] == "POST" else 0
        self._bytes += length
        try:
            await self._admitted(scope, headers, _patient(receive, self._rules.patience, length), guarded)
        finally:
            self._bytes -= length

    async def _admitted(self, scope: Scope, headers: Mapping[str, str], receive: Receive, send: Send) -> None:
        """A request that may be read: who sent it?"""
        path, method = scope["path"], scope["method"]
        if path.startswith(ENTER):
            await self._enter(scope, path.removeprefix(ENTER), self._access.person, send)
            return
        if self._rules.tokens and method == "POST" and path == ENTERING:
            await self._enter_with_token(scope, receive, send)
            return
        if self._rules.tokens and method == "POST" and path == LEAVING:
            await _answer(send, 303, "", {"Location": ENTERING, "Set-Cookie": self._session(scope, "", 0)})
            return
        try:
            person, refused = await self._person(scope, headers)
        except Unavailable as error:
            person, refused = None, (503, f"nobody can be let in just now: {error}", {"Retry-After": "2"})
        if path in self._rules.open or path.startswith(self._rules.open_below):
            refused = None
        if refused is None and person is not None:
            scope.setdefault("state", {})["person"] = person
            refused = self._counted("person", f"{person.role} {person.code}")
        if refused is not None:
            await self._refuse(send, headers, refused)
        else:
            await self._app(scope, receive, send)

    async def _refuse(self, send: Send, headers: Mapping[str, str], refused: Refusal) -> None:
        """Say why: to programs as JSON, to browsers in words."""
        status, text, more = refused
        if self._rules.tokens and "text/html" not in headers.get("accept", ""):
            await _answer(
                send, status, json.dumps({"detail": text}), {"Content-Type": "application/json", **more}
            )
        else:
            await _answer(send, status, text, more)

    # ---- refused whoever sent it

    def _refused(self, method: str, headers: Mapping[str, str]) -> Refusal | None:
        """Why a request is refused whoever sent it; None where it is not."""
        if headers.get("host", "").lower() not in self._hosts:
            return 403, "this page answers to 127.0.0.1 and its own names alone (--allow-host)", {}
        if method not in ("GET", "HEAD", "POST"):
            return 405, "not allowed", {"Allow": "GET, HEAD, POST"}
        if method == "POST":
            origin = headers.get("origin")
            if origin is not None and origin.partition("://")[2] not in self._hosts:
                return 403, "forms of other sites are refused", {}
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return 403, "forms of other sites are refused", {}
            return self._refused_body(headers)
        return None

    def _refused_body(self, headers: Mapping[str, str]) -> Refusal | None:
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or "transfer-encoding" in headers:
            return 411, "a form needs a length", {}
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        most = self._rules.bodies.get(kind)
        if len(length) > 12 or int(length) > max(self._rules.bodies.values()):
            return 413, f"a form of more than {max(self._rules.bodies.values()):,} bytes", {}
        if most is None:
            if int(length) == 0 and not kind and self._rules.tokens:
                return None
            return 415, f"this is no form: send {' or '.join(self._rules.bodies)}", {}
        if int(length) > most:
            return 413, f"more than {most:,} bytes", {}
        if self._bytes + int(length) > self._rules.together:
            return 503, "too many uploads at once: send this one again in a moment", {"Retry-After": "1"}
        return None

    def _counted(self, kind: str, who: str) -> Refusal | None:
        wait = 0 if self._limiter is None else self._limiter.wait(kind, who)
        return (429, "too many requests: ask again later", {"Retry-After": str(wait)}) if wait else None

    # ---- who sent it

    async def _person(self, scope: Scope, headers: Mapping[str, str]) -> tuple[Person | None, Refusal | None]:
        """Who sends it, or why nobody does."""
        bearer = headers.get("authorization", "")
        if self._rules.tokens and bearer.lower().startswith(BEARER):
            person, refused = await self._known(scope, bearer[len(BEARER) :].strip())
            if person is not None or refused is not None:
                scope.setdefault("state", {})["proven"] = person is not None
                return person, refused
            return None, (
                401,
                "this token is not known, or is good no longer",
                {"WWW-Authenticate": "Bearer"},
            )
        secret = self._carried(headers.get("cookie", ""))
        person, refused = (None, None) if secret is None else await self._known(scope, secret)
        if refused is not None:
            return None, refused
        if person is None:
            return None, self._stranger(headers)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != FORM:  # the fields of a form hold it: `from_our_page`
            given = headers.get(CSRF, "")
            if not hmac.compare_digest(given.encode("latin-1", "replace"), person.csrf.encode()):
                return None, (403, f"the header {CSRF} is not from this page: open the page anew", {})
            scope.setdefault("state", {})["proven"] = True
        return person, None

    async def _known(self, scope: Scope, secret: str) -> tuple[Person | None, Refusal | None]:
        """Who has a secret. Addresses from which many wrong ones came are refused before the database is asked."""
        person = self._access.remembered(secret)
        if person is not None:
            return person, None
        if self._limiter is not None and (wait := self._limiter.exhausted("unknown", _address(scope))):
            return None, (429, "too many unknown tokens: ask again later", {"Retry-After": str(wait)})
        person = await self._access.known(secret) if len(secret) <= LONGEST_TOKEN else None
        return person, self._counted("unknown", _address(scope)) if person is None else None

    def _stranger(self, headers: Mapping[str, str]) -> Refusal:
        if not self._rules.tokens:
            return 403, "open the address that was printed for you", {}
        if "text/html" in headers.get("accept", ""):
            return 303, "", {"Location": ENTERING}
        return 401, "bring a token: 'Authorization: Bearer …'", {"WWW-Authenticate": "Bearer"}

    def _carried(self, cookie: str) -> str | None:
        try:
            given = SimpleCookie(cookie).get(self._cookie)
        except CookieError:
            return None
        return None if given is None else given.value

    # ---- a browser's first visit

    async def _enter(
        self, scope: Scope, secret: str, find: Callable[[str], Person | None], send: Send
    ) -> None:
        """The first visit: the secret moves from the address, which a browser remembers, into a cookie."""
        if find(secret) is None:
            await _answer(send, 403, "open the address that was printed for you", {})
            return
        await _answer(send, 303, "", {"Location": "/", "Set-Cookie": self._session(scope, secret)})

    async def _enter_with_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = await _body(receive, LONGEST_TOKEN)
        secret = parse_qs(content.decode("latin-1")).get("token", [""])[0].strip()
        try:
            person, refused = await self._known(scope, secret)
        except Unavailable as error:
            person, refused = None, (503, f"nobody can be let in just now: {error}", {"Retry-After": "2"})
        if refused is not None:
            await _answer(send, *refused)
        elif person is None:
            await _answer(send, 303, "", {"Location": f"{ENTERING}?unknown=1"})
        else:
            cookie = self._session(scope, secret, SESSION)
            await _answer(send, 303, "", {"Location": "/", "Set-Cookie": cookie})

    def _session(self, scope: Scope, secret: str, seconds: int | None = None) -> str:
        age = "" if seconds is None else f"; Max-Age={seconds}"
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        return f"{self._cookie}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"


def _refused_stranger(headers: Mapping[str, str]) -> Refusal | None:
    """Why a form that anybody may send is refused: it is read before anyone is known, and holds a token or nothing."""
    if int(headers["content-length"]) > LONGEST_TOKEN:
        return 413, f"more than {LONGEST_TOKEN:,} bytes", {}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if kind in (FORM, "") else (415, f"this is no form: send {FORM}", {})


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _patient(receive: Receive, seconds: float, length: int) -> Receive:
    """What receives a body of `length` bytes, which must have come within `seconds`."""
    if not length:
        return receive
    loop = asyncio.get_running_loop()
    deadline, whole = loop.time() + seconds, False

    async def patient() -> Message:
        nonlocal whole
        if whole:
            return await receive()  # only news that the client is gone
        try:
            message = await asyncio.wait_for(receive(), max(0.0, deadline - loop.time()))
        except asyncio.TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return patient


async def _body(receive: Receive, most: int) -> bytes:
    content, more = b"", True
    while more:
        message = await receive()
        content += message.get("body", b"")[: most + 1 - len(content)]
        more = message.get("more_body", False)
    return content


def _with_headers(send: Send) -> Send:
    raw = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    own = {name for name, _ in raw}

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(k.lower(), v) for k, v in message.get("headers", []) if k.lower() not in own]
            caching = [] if any(k == CACHING[0] for k, _ in kept) else [CACHING]
            message["headers"] = kept + raw + caching
        await send(message)

    return guarded


async def _answer(send: Send, status: int, text: str, headers: Mapping[str, str]) -> None:
    content = text.encode()
    fields = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content)), **headers}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
