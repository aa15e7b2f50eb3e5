"""Tokens: who may ask a line's servers for what.

In: a person and a role. Out: a secret, shown once; the database holds its digest alone. Giving one out and taking it
back stand in the audit trail.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema, trail
from specsight.line.records import ROLES, Entry, Role, iso
from specsight.line.store import LineStore
from specsight.storage.database import reading

PREFIX = "specsight_"
"""How every token begins, so that scanners for lost secrets know one."""
LONGEST_NAME = 200


@dataclass(frozen=True)
class Token:
    """A token that was given out: everything but its secret."""

    number: int
    person: str
    role: Role
    made: datetime
    expires: datetime | None = None
    revoked: datetime | None = None

    def valid(self, at: datetime) -> bool:
        """Whether it opens anything at that time."""
        return self.revoked is None and (self.expires is None or at < self.expires)

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {k: iso(v) if isinstance(v, datetime) else v for k, v in asdict(self).items()}


class Tokens:
    """The tokens of a store."""

    def __init__(self, store: LineStore) -> None:
        self.store = store

    def add(self, person: str, role: Role, days: float | None = None, by: str = "") -> tuple[str, Token]:
        """A new token and its secret, good for `days` (None: until it is revoked). `by`: who gives it out.

        Raises SpecsightError for a role that is none, and a person without a name.
        """
        person = person.strip()
        if role not in ROLES:
            raise SpecsightError(f"there is no role '{role}': choose {', '.join(ROLES)}")
        if not 0 < len(person) <= LONGEST_NAME or not person.isprintable():
            raise SpecsightError(
                f"name the person whom the token is for, in up to {LONGEST_NAME} printable characters"
            )
        if days is not None and not 0 < days <= 36500:
            raise SpecsightError(f"{days:g} days: give a number of days above 0")
        secret = PREFIX + secrets.token_urlsafe(24)
        made = self.store.clock()
        expires = None if days is None else made + timedelta(days=days)
        values = {"person": person, "role": role, "digest": digest_of(secret), "made": made}
        with self.store.transaction() as connection:
            insert = sa.insert(schema.tokens).values(**values, expires=expires)
            number = int(connection.execute(insert.returning(schema.tokens.c.number)).scalar_one())
            detail = {"for": person, "role": role, "expires": expires}
            trail.write(connection, Entry("", by, "engineer", "token made", str(number), detail, at=made))
        return secret, Token(number, person, role, made, expires)

    def all(self) -> list[Token]:
        """All tokens that were ever given out, the oldest first."""
        with reading(self.store.engine) as connection:
            rows = connection.execute(sa.select(schema.tokens).order_by(schema.tokens.c.number))
            return [_token(row) for row in rows]

    def revoke(self, number: int, by: str = "") -> Token:
        """Take a token back; once revoked, it stays so. Raises SpecsightError where there is none of this number."""
        table = schema.tokens
        with self.store.transaction() as connection:
            now = self.store.clock()
            row = connection.execute(sa.select(table).where(table.c.number == number)).first()
            if row is None:
                raise SpecsightError(f"there is no token {number}: see 'specsight line token list'")
            token = _token(row)
            if token.revoked is not None:
                return token
            connection.execute(sa.update(table).where(table.c.number == number).values(revoked=now))
            entry = Entry("", by, "engineer", "token revoked", str(number), {"for": token.person}, at=now)
            trail.write(connection, entry)
            return Token(number, token.person, token.role, token.made, token.expires, now)

    def of(self, secret: str) -> Token | None:
        """The token with this secret; None where there is none, or it is good no longer."""
        query = sa.select(schema.tokens).where(schema.tokens.c.digest == digest_of(secret))
        with reading(self.store.engine) as connection:
            row = connection.execute(query).first()
        token = None if row is None else _token(row)
        return token if token is not None and token.valid(self.store.clock()) else None


def digest_of(secret: str) -> str:
    """What the database holds of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _token(row: sa.Row[Any]) -> Token:
    values = dict(row._mapping)
    del values["digest"]
    return Token(**values)
