"""A server of lines in this process, over real sockets, and programs that ask it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi.routing import APIRoute

from specsight.line.fleet import Fleet
from specsight.line.store import LineStore
from specsight.line.tokens import Tokens
from specsight.service.limits import Rates
from specsight.service.line.access import LineAccess
from specsight.service.line.application import application, close_line, line_context
from specsight.service.line.daily import Daily
from specsight.service.line.rules import line_rules
from specsight.service.local import LocalServer

ROLES = ("operator", "engineer", "auditor")


class ServedLine:
    """A server on the models of a folder and a database; `context` is what it answers from."""

    def __init__(
        self,
        models: Path,
        store: LineStore,
        lines: tuple[str, ...] = ("a",),
        places: int = 64,
        daily: Daily | None = None,
    ) -> None:
        self.context = line_context(Fleet(models, store), store, lines, places, daily)
        self.tokens = Tokens(store)
        self.secrets = {role: self.tokens.add(f"{role} program", role)[0] for role in ROLES}  # type: ignore[arg-type]
        rules = line_rules(rates=Rates(person=6000, address=12000, unknown=20))
        access = LineAccess(self.tokens, {role: role for role in ROLES})
        app = application(self.context)
        self.routes = list(_routes(app.routes))
        """Everything that it answers, but for what enters and leaves."""
        self.server = LocalServer(app, access, rules=rules)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()
        self._clients: list[httpx.Client] = []

    def program(
        self, role: str | None = "engineer", headers: dict[str, str] | None = None, **settings: Any
    ) -> httpx.Client:
        """A program with the token of a role; None: with none."""
        bearer = {} if role is None else {"Authorization": f"Bearer {self.secrets[role]}"}
        headers = {**bearer, **(headers or {})}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30, **settings)
        self._clients.append(client)
        return client

    def browser(self, role: str) -> httpx.Client:
        """A program that has a person's cookie, as a browser does after the first visit."""
        client = self.program(None)
        answer = client.get(urlsplit(self.server.addresses[role]).path)
        assert answer.status_code == 303
        return client

    def inspect(self, picture: bytes, name: str = "p.png", role: str = "operator", **fields: str) -> Any:
        """The answer to one picture."""
        return self.program(role).post("/inspect", files={"picture": (name, picture)}, data=fields)

    def close(self) -> None:
        """Stop it, and wait until it has."""
        for client in self._clients:
            client.close()
        self.server.close()
        self._thread.join(20)
        assert not self._thread.is_alive()
        close_line(self.context)


def _routes(found: Iterable[Any]) -> Iterator[APIRoute]:
    for one in found:
        if isinstance(one, APIRoute):
            yield one
        else:  # later releases of FastAPI keep the routes of a router that was included in it
            yield from _routes(getattr(getattr(one, "original_router", None), "routes", ()))


@contextmanager
def served_line(models: Path, store: LineStore, **settings: Any) -> Iterator[ServedLine]:
    """A server while the block runs."""
    one = ServedLine(models, store, **settings)
    try:
        yield one
    finally:
        one.close()
