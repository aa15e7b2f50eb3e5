"""Who may open a page: persons with a role, each with an address that cannot be guessed.

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
    """Somebody who opened a page by their own address."""

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
        """Whom a secret belongs to; every one is compared, in the same time whichever it is."""
        given = secret.encode("utf-8", "replace")
        found = None
        for known, person in self._persons.items():
            if hmac.compare_digest(known.encode(), given):
                found = person
        return found
