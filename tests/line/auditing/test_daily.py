"""Rules of retention applied daily: by one of all servers, and by no clock that may be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from specsight.errors import SpecsightError
from specsight.line.auditing.checking import verify
from specsight.line.auditing.daily import LOCK, apply_daily, note
from specsight.line.auditing.deleting import Gone
from specsight.line.auditing.retention import PERSON, Rules, load_rules
from specsight.line.connecting import alone
from specsight.line.records import JudgedPart, now
from specsight.line.store import Judging, LineStore

PART = JudgedPart("a", "p", "plate", "0" * 12, verdict="accept")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text("keep: {accepted: 10}")
    return file


def later(store: LineStore, days: float) -> None:
    store.clock = lambda: now() + timedelta(days=days)


def added(store: LineStore, name: str, received: datetime) -> JudgedPart:
    part = replace(PART, part=name, id=name, received=received)
    return store.add([Judging(part, name.encode())])[0]


def test_once_a_day_by_one_server_and_the_trail_tells(store: LineStore, url: str, rules: Path) -> None:
    other = LineStore.open(url)
    part = added(store, "old", now() - timedelta(days=11))
    with alone(other.engine, LOCK) as mine:
        assert mine
        assert apply_daily(store, rules) is None
    assert store.content(part.picture) is not None
    assert apply_daily(store, rules) == Gone(contents=1, size=3)
    added(store, "older", now() - timedelta(days=12))
    assert apply_daily(other, rules) is None
    later(other, 1.01)
    assert apply_daily(other, rules) == Gone(contents=1, size=5)
    found = [one for one in store.entries("") if one.action == "retained"]
    assert [(one.person, one.detail["contents"]) for one in found] == [(PERSON, 1), (PERSON, 1)]
    assert ", process " in found[0].detail["by"]
    assert verify(store, "").whole
    assert verify(store, "a").whole
    other.close()


def test_what_ends_early_goes_on_next_time(store: LineStore, rules: Path) -> None:
    added(store, "old", now() - timedelta(days=11))
    apply_daily(store, rules, lambda: True)
    assert [one.action for one in store.entries("")] == ["line began"]
    assert apply_daily(store, rules) == Gone()


def test_a_clock_that_jumped_deletes_nothing_until_a_person_says_that_it_is_right(
    store: LineStore, rules: Path
) -> None:
    part = added(store, "young", now())
    assert apply_daily(store, rules) == Gone()
    for days in (40, 4000, -3):
        later(store, days)
        with pytest.raises(SpecsightError, match=r"the clock says .* set the clock or, where it is right"):
            apply_daily(store, rules)
    assert store.content(part.picture) is not None
    later(store, 40)
    note(store, load_rules(rules), Gone(), "eva")
    later(store, 41.1)
    assert apply_daily(store, rules) == Gone(contents=1, size=5)


def test_a_clock_that_is_ahead_at_the_first_time_deletes_nothing(store: LineStore, rules: Path) -> None:
    part = added(store, "young", now())
    later(store, 7300)
    with pytest.raises(SpecsightError, match="the last part was judged at"):
        apply_daily(store, rules)
    assert store.content(part.picture) is not None


def test_parts_of_a_clock_that_was_behind_are_as_young_as_those_before_them(
    store: LineStore, rules: Path
) -> None:
    old = added(store, "old", now() - timedelta(days=11))
    ahead = added(store, "ahead", now() + timedelta(days=3650))
    young = added(store, "young", now())
    behind = added(store, "behind", datetime(1970, 1, 2, tzinfo=timezone.utc))
    apply_daily(store, rules)
    kept = [store.content(one.picture) is not None for one in (old, ahead, young, behind)]
    assert kept == [False, True, True, True]
    later(store, 10.5)
    apply_daily(store, rules)
    kept = [store.content(one.picture) is not None for one in (ahead, young, behind)]
    assert kept == [True, False, False]


def test_a_record_that_went_meanwhile_is_deleted_once(store: LineStore) -> None:
    from specsight.line.auditing.deleting import Order, delete

    part, order = added(store, "old", now()), Order("record", "eva", "engineer", "asked")
    assert delete(store, [part], order).records == 1
    assert delete(store, [part], order) == Gone()
    assert sum(one.action == "deleted" for one in store.entries("a")) == 1
    assert Rules().acts is False
