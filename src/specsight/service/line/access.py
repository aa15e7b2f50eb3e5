"""Who may ask a line's server: persons of one-time addresses, and tokens that its database knows."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping

from specsight.line.tokens import PREFIX, Tokens, digest_of
from specsight.service.access import Access, Person

MEMORY = 5.0
"""Seconds after which the database is asked anew whether a token is good: how long a revoked one may still open."""
MOST = 1000
"""Tokens that are remembered."""


class LineAccess(Access):
    """Persons with one-time secrets (`roles`), and those of `tokens`."""

    def __init__(self, tokens: Tokens, roles: Mapping[str, str]) -> None:
        super().__init__(roles)
        self._tokens = tokens
        self._remembered: dict[str, tuple[float, Person]] = {}

    def remembered(self, secret: str) -> Person | None:
        """A person of a one-time address, or of a token that was good a moment ago."""
        if not secret.startswith(PREFIX):
            return self.person(secret)
        until, person = self._remembered.get(digest_of(secret), (0.0, None))
        return person if time.monotonic() < until else None

    async def known(self, secret: str) -> Person | None:
        """The same, and where it is not remembered the database says. Raises Unavailable where it cannot."""
        person = self.remembered(secret)
        if person is not None or not secret.startswith(PREFIX):
            return person
        digest = digest_of(secret)
        self._remembered.pop(digest, None)
        token = await asyncio.to_thread(self._tokens.of, secret)
        if token is None:
            return None
        if len(self._remembered) >= MOST:
            self._remembered.clear()
        # The same on every server, so that a page of one may send its form to another.
        csrf = hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()
        person = Person(token.person, token.role, csrf)
        self._remembered[digest] = (time.monotonic() + MEMORY, person)
        return person
