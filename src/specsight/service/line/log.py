"""Requests as lines of JSON: who asked for what, when, how it ended and how long it took.

Secrets are left out: neither queries nor headers are noted, and of an address that enters only that it does.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import time
from collections.abc import Callable
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.line.records import iso, now
from specsight.service.access import Person
from specsight.service.guard import ENTER, App, Message, Receive, Scope, Send


def logged(path: Path | None) -> Callable[[App], App]:
    """What notes every request of an application in `path`; None: nothing is noted. A file that is moved away, as
    logrotate does, is opened anew. Raises SpecsightError where it cannot be written."""
    if path is None:
        return lambda app: app
    try:
        handler = logging.handlers.WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise SpecsightError(f"--log {path}: {error.strerror or error}") from error
    log = logging.Logger("specsight.requests")
    log.addHandler(handler)
    return lambda app: _noting(app, log)


def _noting(app: App, log: logging.Logger) -> App:
    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        start, status, size = time.monotonic(), 0, 0

        async def sending(message: Message) -> None:
            nonlocal status, size
            status = message.get("status", status)
            size += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            person = scope.get("state", {}).get("person")
            path = scope["path"]
            values = {
                "at": iso(now()),
                "address": scope["client"][0] if scope.get("client") else "",
                "person": person.code if isinstance(person, Person) else "",
                "role": person.role if isinstance(person, Person) else "",
                "method": scope["method"],
                "path": f"{ENTER}…" if ENTER in path else path[:500],
                "status": status,
                "bytes": size,
                "seconds": round(time.monotonic() - start, 4),
            }
            log.info(json.dumps(values))

    return noted
