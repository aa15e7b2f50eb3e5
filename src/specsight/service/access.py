"""Who may open a page: persons with a role, each with a secret that cannot be guessed.

In: codes and roles. Out: the person that a secret belongs to. Secrets are made anew with every start and are written
nowhere.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody who opened a page by their own address, or with a token."""

    code: str
    role: str
    csrf: str
    """What every form of theirs carries, so that no other site can send one in their name."""


class Access:
    """Persons by their secrets."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        self._persons = {
            secrets.token_urlsafe(24): Person(code, role, secrets.token_urlsafe(24))
            for code, role in roles.items()
        }

    @property
    def secrets(self) -> dict[str, str]:
        """Code → secret."""
        return {person.code: secret for secret, person in self._persons.items()}

    def person(self, secret: str) -> Person | None:
        """Whom a secret of an address belongs to; every one is compared, in the same time whichever it is."""
        given = secret.encode("utf-8", "replace")
        found = None
        for known, person in self._persons.items():
            if hmac.compare_digest(known.encode(), given):
                found = person
        return found

    def remembered(self, secret: str) -> Person | None:
        """Whom any secret belongs to, as far as that is known without asking elsewhere."""
        return self.person(secret)

    async def known(self, secret: str) -> Person | None:
        """Whom any secret belongs to, a token included where tokens are given out."""
        return self.person(secret)
