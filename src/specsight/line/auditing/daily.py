"""Rules of retention, applied once a day to a store by one of all servers on it; the trail tells when, by which one.

In: a file of rules, a store. Out: what went, or None where it is not due. Where the clock is not to be trusted nothing
goes until a person applies the rules (`specsight line retain`).
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema
from specsight.line.auditing.deleting import Gone
from specsight.line.auditing.retention import PERSON, Rules, apply, load_rules
from specsight.line.connecting import alone
from specsight.line.records import Entry, iso
from specsight.line.store import LineStore
from specsight.storage.database import reading

RETAINED = "retained"
"""The action of an entry that tells that rules were applied; it stands in the chain of what concerns all lines."""
LOCK = "retention"
DAY = timedelta(days=1)
TRUSTED = timedelta(days=31)
"""A clock that moved further since rules were last applied may be wrong, and would delete what is young."""


def apply_daily(store: LineStore, path: Path, ended: Callable[[], bool] = lambda: False) -> Gone | None:
    """Apply the rules of a file where that was not done for a day, and nobody else does.

    `ended` is asked after each step, and ends it early: the rest is done next time. Raises SpecsightError for rules
    that cannot be read, a database that is away, and where rules were last applied in the future, or too long ago.
    """
    rules = load_rules(path)
    with alone(store.engine, LOCK) as mine:
        if not mine or not _due(store):
            return None
        gone = Gone()
        for step in apply(store, rules):
            gone += step
            if ended():
                return gone
        note(store, rules, gone, PERSON)
    return gone


def note(store: LineStore, rules: Rules, gone: Gone, person: str) -> Entry:
    """Tell on the trail that `person` applied rules, where, and what went."""
    digest = hashlib.sha256(rules.model_dump_json().encode()).hexdigest()
    detail = {"by": f"{platform.node()}, process {os.getpid()}", "rules": digest, **vars(gone)}
    return store.note(Entry("", person, "engineer", RETAINED, "", detail))


def last_applied(store: LineStore) -> datetime | None:
    """When rules were last applied; None: never."""
    table = schema.audit.c
    query = sa.select(table.at).where(table.line == "", table.action == RETAINED)
    with reading(store.engine) as connection:
        return connection.execute(query.order_by(table.number.desc()).limit(1)).scalar()


def _due(store: LineStore) -> bool:
    last, now = last_applied(store), store.clock()
    compared, what = (last, "rules of retention were last applied") if last else _last_part(store)
    if compared is not None and not -DAY <= now - compared <= TRUSTED:
        raise SpecsightError(
            f"the clock says {iso(now)}, and {what} at {iso(compared)}: set the clock or, "
            "where it is right, apply them once with 'specsight line retain'"
        )
    return last is None or now - last >= DAY


def _last_part(store: LineStore) -> tuple[datetime | None, str]:
    """What the clock is held to before rules were ever applied."""
    table = schema.parts.c
    with reading(store.engine) as connection:
        newest = connection.execute(sa.select(table.judged).order_by(table.number.desc()).limit(1)).scalar()
    return newest, "the last part was judged"
