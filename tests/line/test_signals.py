"""Further channels beside a part's picture: kept with its record, judged with it again, deleted with it."""

from __future__ import annotations

import io
import threading
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.line.test_store import judging
from tests.support.factory import photograph, refused

sa = pytest.importorskip("sqlalchemy")
pytest.importorskip("alembic")
from alembic.migration import MigrationContext
from alembic.operations import Operations

from specsight.inspector import Inspector
from specsight.line import trail
from specsight.line.auditing.checking import verify
from specsight.line.auditing.deleting import Order, delete
from specsight.line.auditing.evidence import gather
from specsight.line.auditing.rejudging import rejudge
from specsight.line.auditing.retention import Rules, apply
from specsight.line.feedback.confirming import Reviewed
from specsight.line.feedback.pictures import write_good
from specsight.line.fleet import Fleet, LiveModel, version_of
from specsight.line.history import find
from specsight.line.judging import judge
from specsight.line.records import Entry, JudgedPart, Review
from specsight.line.requests import PartRequest
from specsight.line.sources import Source
from specsight.line.sources.folder import FolderSource
from specsight.line.sources.replay import ReplaySource
from specsight.line.store import Judging, LineStore
from specsight.line.watching import Watch
from specsight.storage.database import connect, writing

ORDER = Order("content", "eva", "engineer", "as asked")


def array(value: float, shape: tuple[int, ...] = (64, 64)) -> bytes:
    """A file of an array."""
    file = io.BytesIO()
    np.save(file, np.full(shape, value, np.float32))
    return file.getvalue()


def with_signals(part: str, **signals: bytes) -> Judging:
    one = judging(part)
    return Judging(one.part, part.encode(), signals=signals)


def test_they_are_kept_by_digest_and_named_by_the_record_and_the_trail(store: LineStore) -> None:
    first, second = store.add(
        [with_signals("p1", ir=b"warm", light_1=b"left"), with_signals("p2", ir=b"warm")]
    )
    assert store.part(first.id) == first
    assert JudgedPart.from_json(first.to_json()) == first
    assert {name: store.content(digest) for name, digest in first.signals.items()} == {
        "ir": b"warm",
        "light_1": b"left",
    }
    assert first.signals["ir"] == second.signals["ir"]
    assert [what for what, _ in first.contents] == ["picture", "signal ir", "signal light_1"]
    assert store.entries("a")[0].detail["signals"] == first.signals
    assert verify(store, "a").whole
    assert [(one.name, one.holds) for one in gather(store, first.id).contents[1:]] == [
        ("signal ir", True),
        ("signal light_1", True),
    ]


def test_what_another_part_needs_stays_and_the_rest_goes_as_the_trail_says(store: LineStore) -> None:
    first, second = store.add(
        [with_signals("p1", ir=b"warm", light_1=b"left"), with_signals("p2", ir=b"warm")]
    )
    gone = delete(store, [first], ORDER)
    assert (gone.contents, gone.shared) == (2, 1)
    assert store.content(second.signals["ir"]) == b"warm"
    assert store.content(first.signals["light_1"]) is None
    assert verify(store, "a").whole
    assert delete(store, [first, second], Order("record", "eva", "engineer", "as asked")).contents == 2
    with store.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM part_signal")).scalar() == 0
    assert verify(store, "a").whole


def test_retention_sees_a_part_of_which_signals_alone_are_left(store: LineStore) -> None:
    store.add([with_signals("p1", ir=b"warm")])
    (other,) = store.add([with_signals("p1")])
    with store.transaction() as connection:
        connection.execute(sa.text("DELETE FROM blob WHERE digest = :one"), {"one": other.picture})
    rules = Rules.model_validate({"keep": {"rejected": 0}})
    assert sum(one.contents for one in apply(store, rules)) == 1


def test_records_of_the_version_before_keep_their_digests(url: str) -> None:
    first = import_module("specsight.line.migrations.versions.0001_line")
    old = judging("p1").part
    values = {name: value for name, value in old.to_json().items() if name != "signals"}
    engine = connect(url)
    with writing(engine) as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            first.upgrade()
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0001')"))
        table = sa.Table("part", sa.MetaData(), autoload_with=connection)
        row = {k: v for k, v in {**vars(old), "key": "k"}.items() if k in table.c and k != "number"}
        number = connection.execute(sa.insert(table).values(row).returning(table.c.number)).scalar_one()
        values = {**values, "key": "k", "number": int(number)}
        detail = {"record": trail.digest_of(values)}
        trail.write(connection, Entry("a", "anna", "operator", "judged", old.id, detail))
    engine.dispose()
    store = LineStore.open(url)
    assert store.known(old.id).signals == {}
    assert verify(store, "a").whole
    store.add([with_signals("p2", ir=b"warm")])
    assert verify(store, "a").whole
    store.close()


def test_a_part_is_judged_again_and_learned_from_with_them(
    plates: Path, sqlite_store: LineStore, tmp_path: Path
) -> None:
    fleet = Fleet(plates / "models", sqlite_store)
    picture = (plates / "new" / "40.png").read_bytes()
    given = {"ir": array(20), "normals": array(1, (64, 64, 3)), "light_1": picture}
    request = PartRequest("a", "p", "plate", picture, array(400), given)
    (part,) = sqlite_store.add([judge(fleet.live("plate"), request)])
    assert rejudge(sqlite_store, fleet, part.id).reproduced
    said = sqlite_store.review(Review(part.id, "anna", "operator", "accept"))
    written = write_good(sqlite_store, [Reviewed(part, said, None)], tmp_path / "good", "plate")
    (sample,) = written.samples
    assert sample.depth
    assert sample.depth.read_bytes() == array(400)
    assert sample.normals
    assert sample.normals.suffix == ".npy"
    assert {name: path.suffix for name, path in sample.signals.items()} == {"ir": ".npy", "light_1": ".png"}
    delete(sqlite_store, [part], ORDER)
    assert write_good(sqlite_store, [Reviewed(part, said, None)], tmp_path / "none", "plate").samples == []


def channel(folder: Path, count: int) -> NDArray[np.float32]:
    """A file of an array for each of so many pictures."""
    folder.mkdir()
    values = np.full((64, 64), 20, np.float32)
    for number in range(count):
        np.save(folder / f"{number}.npy", values)
    return values


@pytest.mark.parametrize("replayed", [True, False])
def test_a_watched_line_takes_them_from_folders(plates: Path, tmp_path: Path, replayed: bool) -> None:
    arriving = photograph(tmp_path / "in", 2)
    warm = channel(tmp_path / "thermal", 2)
    model, beside = plates / "models" / "plate", {"ir": tmp_path / "thermal"}
    source: Source = FolderSource(arriving, settle=0.01, signals=beside)
    if replayed:
        source = ReplaySource(arriving, signals=beside)
    store, stop, told = LineStore.open(f"sqlite:///{tmp_path}/line.db"), threading.Event(), list[str]()

    def tell(line: str) -> None:
        told.append(line)
        if len(told) == 2:
            stop.set()

    live = LiveModel("plate", version_of(model), Inspector.load(model))
    watch = Watch(lambda: live, tmp_path / "done", "line", store=store, tell=tell)
    watch.run(source, stop)
    watch.close()
    assert sorted(path.name for path in (tmp_path / "done").glob("*/ir/*")) == ["0.npy", "1.npy"]
    assert len(list((tmp_path / "thermal").iterdir())) == (2 if replayed else 0)
    kept = [store.content(part.signals["ir"]) for part in find(store)]
    assert len(kept) == 2
    for content in kept:
        np.testing.assert_array_equal(np.load(io.BytesIO(content or b"")), warm)
    store.close()


def test_folders_of_channels_must_be_there_and_their_own(plates: Path, tmp_path: Path) -> None:
    arriving = photograph(tmp_path / "in", 1)
    words = [
        "watch",
        arriving,
        "--model",
        plates / "models" / "plate",
        "--out",
        tmp_path / "done",
        "--signal",
    ]
    assert "is the folder of pictures: let ir arrive" in refused(*words, f"ir={arriving}")
    assert "no folder" in refused(*words, f"ir={tmp_path / 'nowhere'}")
    assert "which is taken" in refused(*words, f"masks={tmp_path}")
    assert "write a name and a path" in refused(*words, "ir")
