"""Records of a line on both kinds of database: added once, never changed, chained."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from tests.support.counted import counts

from specsight.errors import SpecsightError
from specsight.line import schema, trail
from specsight.line.connecting import open_database
from specsight.line.history import Wanted, find
from specsight.line.records import Activation, Entry, JudgedPart, Review, Version
from specsight.line.store import Judging, LineStore


def judging(part: str = "p1", line: str = "a", key: str = "", **values: object) -> Judging:
    record = JudgedPart(line, part, "plate", "0" * 12, key=key, verdict="reject", score=2.5, threshold=1.0)
    return Judging(replace(record, **values), b"picture", map=b"map")  # type: ignore[arg-type]


def test_a_part_comes_back_as_it_was_stored(store: LineStore) -> None:
    zone = timezone(timedelta(hours=5))
    (stored,) = store.add([judging(words="Only the rim.", received=datetime(2026, 3, 1, 12, tzinfo=zone))])
    assert stored.number > 0
    assert store.part(stored.id) == stored
    assert JudgedPart.from_json(stored.to_json()) == stored
    assert (store.content(stored.picture), store.content(stored.map)) == (b"picture", b"map")
    assert stored.to_json()["received"] == "2026-03-01T07:00:00+00:00"


def test_a_key_is_judged_once_on_its_line(store: LineStore) -> None:
    (first,) = store.add([judging(key="k")])
    (again,) = store.add([judging("p2", key="k")])
    (other,) = store.add([judging("p2", line="b", key="k")])
    assert again == first
    assert other.id != first.id
    assert counts(store) == {"reject": 2}


def test_many_writers_of_one_line_store_each_key_once_in_a_whole_chain(store: LineStore) -> None:
    def write(writer: int) -> None:
        for number in range(12):
            store.add([judging(f"{writer}", key=f"{number}")])

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert counts(store, "a") == {"reject": 12}
    entries = store.entries("a")
    assert [entry.action for entry in entries] == ["judged"] * 12
    assert trail.check(entries) is None
    assert store.latest() == {"a": find(store, Wanted("a"))[0].number}


def test_parts_are_found_by_what_they_are(store: LineStore) -> None:
    accepted = judging("p2", verdict="accept")
    broken = judging("p3", verdict=None, error="no picture")
    one, two, three = store.add([judging(), accepted, broken])
    assert [p.id for p in find(store, Wanted("a"))] == [three.id, two.id, one.id]
    assert [p.id for p in find(store, Wanted("a", after=one.number), oldest_first=True)] == [two.id, three.id]
    assert [p.id for p in find(store, Wanted(judged="unreadable"))] == [three.id]
    assert [p.id for p in find(store, Wanted(part="p2"))] == [two.id]
    assert [p.word for p in find(store, Wanted(before=three.number))] == ["accept", "reject"]
    assert find(store, Wanted("b")) == []


@pytest.mark.parametrize("table", schema.APPEND_ONLY)
def test_what_is_written_is_not_changed(store: LineStore, table: str) -> None:
    (part,) = store.add([judging()])
    store.review(Review(part.id, "anna", "operator", "accept", "a reflection"))
    store.activate(_registered(store))
    triggered = sa.text(f'UPDATE "{table}" SET number = number')
    rows = sa.text(f'SELECT count(*) FROM "{table}"')
    with store.engine.connect() as connection:
        if not connection.execute(rows).scalar():
            pytest.skip("no row of this table is written here")
        with pytest.raises(sa.exc.DBAPIError, match="never changed"):
            connection.execute(triggered)


def test_entries_of_the_trail_are_not_deleted(store: LineStore) -> None:
    store.add([judging()])
    with store.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="never changed"):
        connection.execute(sa.delete(schema.audit))


def test_a_changed_entry_breaks_the_chain_where_it_lies(sqlite_store: LineStore) -> None:
    for number in range(3):
        sqlite_store.note(Entry("a", "anna", "auditor", "exported", str(number)))
    entries = sqlite_store.entries("a")
    assert trail.check(entries) is None
    assert trail.check([entries[0], replace(entries[1], person="ben"), entries[2]]) == entries[1].number
    assert trail.check([entries[0], entries[2]]) == entries[2].number


def _registered(store: LineStore, version: str = "a" * 12) -> Activation:
    store.register(Version("plate", version, "given", person="anna"))
    return Activation("plate", version, "anna", "looks fine")


def test_versions_go_live_and_back(store: LineStore) -> None:
    first, second = _registered(store), _registered(store, "b" * 12)
    store.activate(first, first=True)
    assert store.activate(second, first=True).version == first.version
    store.activate(second)
    store.activate(replace(first, reason="back"))
    assert [one.version[0] for one in store.activations("plate")] == ["a", "b", "a"]
    live = store.live("plate")
    assert live is not None
    assert (live.version, live.reason) == (first.version, "back")
    with pytest.raises(SpecsightError, match="has no version"):
        store.activate(replace(first, version="c" * 12))
    assert [one.version for one in store.versions("plate")] == [first.version, second.version]
    assert [entry.action for entry in store.entries("")].count("registered") == 2


def test_reviews_follow_their_part(store: LineStore) -> None:
    (part,) = store.add([judging()])
    store.review(Review(part.id, "anna", "operator", "accept", "a reflection"))
    store.review(Review(part.id, "ben", "engineer", "reject", type="scratch"))
    assert [one.person for one in store.reviews([part.id])[part.id]] == ["anna", "ben"]
    with pytest.raises(SpecsightError, match="no inspection"):
        store.review(Review("0" * 32, "anna", "operator", "accept"))


def test_migrations_make_the_tables_that_the_program_knows(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = open_database(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()
    open_database(url).dispose()


def test_servers_that_start_at_once_make_the_tables_once(url: str) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            open_database(url).dispose()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []


def test_a_database_of_a_later_version_is_left_alone(store: LineStore) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SpecsightError, match="later version"):
        open_database(store.engine.url.render_as_string(hide_password=False))
