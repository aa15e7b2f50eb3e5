"""A watched line: every picture judged once, sorted, in every record once, whatever is killed or fails in between."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from tests.support.counted import counts
from tests.support.factory import refused
from tests.support.sorted_pictures import records, tree
from tests.support.waiting import until

from specsight import storage
from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.inspector.thresholds import set_threshold
from specsight.line import claims
from specsight.line.claims import Claims, move
from specsight.line.feedback.going_live import go_live
from specsight.line.fleet import Fleet, LiveModel, version_of
from specsight.line.following import following
from specsight.line.history import Wanted, find
from specsight.line.outlets.spool import Spool
from specsight.line.records import Activation, JudgedPart
from specsight.line.sources import Arrival, Source
from specsight.line.sources.folder import FolderSource
from specsight.line.store import LineStore
from specsight.line.watching import Watch
from specsight.storage.database import Unavailable
from specsight.storage.files import cannot_write


@pytest.fixture(scope="session")
def model(plates: Path) -> LiveModel:
    folder = plates / "models" / "plate"
    return LiveModel("plate", version_of(folder), Inspector.load(folder))


class Pictures(Source):
    """What lies in a folder is complete."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.iterdir())
        self.reasons: list[str] = []

    def next(self) -> Arrival | None:
        path = self.paths.pop(0)
        self.ended = not self.paths
        return Arrival(path.stem, path.name, path)

    def put_off(self, arrival: Arrival, reason: str) -> None:
        self.reasons.append(reason)


@pytest.fixture
def arriving(plates: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(plates / "new", tmp_path / "in"))


Run = Callable[..., list[str]]


@pytest.fixture
def run(model: LiveModel, tmp_path: Path) -> Run:
    """Watches what lies in a folder until it is empty; returns the lines that were told."""

    def once(folder: Path, *to: str, **more: object) -> list[str]:
        told: list[str] = []
        judges = more.pop("judges", lambda: model)
        watch = Watch(judges, tmp_path / "done", "a", addresses=to, tell=told.append, **more)  # type: ignore[arg-type]
        source = Pictures(folder)
        source.ended = not source.paths
        told.append(str(watch.run(source, threading.Event())))
        watch.close()
        told.extend(source.reasons)
        return told

    return once


SORTED = ["accepted/40.png", "accepted/42.png", "accepted/43.png"]


def test_pictures_are_sorted_and_records_are_those_of_the_inspector(
    plates: Path, arriving: Path, tmp_path: Path, run: Run, model: LiveModel
) -> None:
    (arriving / "bad.png").write_bytes(b"no picture")
    told = run(arriving, f"jsonl:{tmp_path}/r.jsonl")
    assert tree(arriving) == []
    assert tree(tmp_path / "done") == [
        *SORTED,
        *(f"rejected/{k}.png" for k in (41, 44, 45)),
        "unreadable/bad.png",
    ]
    kept = {one.part: one for one in records(tmp_path / "r.jsonl")}
    for number in range(40, 46):
        alone = model.inspector.inspect(plates / "new" / f"{number}.png")
        one = kept[str(number)]
        assert (one.verdict, one.score, one.statement) == (alone.verdict, alone.score, alone.statement)
        assert one.answer().decision == alone.decision
    assert kept["bad"].word == "unreadable"
    assert told[-1] == "7 judged (3 accept, 3 reject, 1 unreadable)"


def test_with_a_database_records_have_numbers_and_pictures(
    arriving: Path, tmp_path: Path, run: Run, sqlite_store: LineStore
) -> None:
    pictures = {path.stem: path.read_bytes() for path in arriving.iterdir()}
    run(arriving, f"jsonl:{tmp_path}/r.jsonl", store=sqlite_store)
    stored = find(sqlite_store, Wanted("a"), oldest_first=True)
    assert [one.number for one in stored] == [1, 2, 3, 4, 5, 6]
    assert records(tmp_path / "r.jsonl") == stored
    assert all(sqlite_store.content(one.picture) == pictures[one.part] for one in stored)


def test_what_goes_live_meanwhile_judges_from_then_on(
    plates: Path, arriving: Path, tmp_path: Path, run: Run, sqlite_store: LineStore
) -> None:
    models, told = shutil.copytree(plates / "models", tmp_path / "models"), list[str]()
    (models / "other").mkdir()
    fleet = Fleet(models, sqlite_store, only="plate")
    assert fleet.broken == {}
    first = fleet.live("plate").version
    engineer = Fleet(models, sqlite_store)
    set_threshold(models / "plate", value=100.0)
    engineer.scan()
    (_, second) = (one.version for one in sqlite_store.versions("plate"))
    with following(fleet, told.append, 0.01):
        run(arriving, judges=partial(fleet.live, "plate"), store=sqlite_store)
        go_live(engineer, "plate", second, "anna", override="a test")
        until(lambda: fleet.live("plate").version == second)
        shutil.copytree(plates / "new", arriving, dirs_exist_ok=True)
        run(arriving, judges=partial(fleet.live, "plate"), store=sqlite_store)
        (fleet.place("plate", first) / "checksums.json").unlink()
        sqlite_store.activate(Activation("plate", first, "anna"))
        until(lambda: len(told) == 2)
    judged = find(sqlite_store, Wanted("a"), oldest_first=True)
    assert [one.version for one in judged] == [first] * 6 + [second] * 6
    assert [one.verdict for one in judged[6:]] == ["accept"] * 6
    assert told[0] == f"model: plate {second} judges from now on"
    assert told[1].startswith(f"model: plate {second} goes on judging: ")


def test_names_that_collide_keep_both(arriving: Path, tmp_path: Path, run: Run, plates: Path) -> None:
    for _ in range(3):
        shutil.copy(plates / "new" / "40.png", arriving)
        run(arriving)
    assert tree(tmp_path / "done")[:3] == ["accepted/40-2.png", "accepted/40-3.png", "accepted/40.png"]


@pytest.mark.parametrize("step", ["judged", "record", "put_away"])
@pytest.mark.parametrize("stored", [False, True])
def test_a_watch_that_died_anywhere_goes_on(
    step: str, stored: bool, arriving: Path, tmp_path: Path, run: Run, sqlite_store: LineStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    to, store = f"jsonl:{tmp_path}/r.jsonl", {"store": sqlite_store} if stored else {}
    with monkeypatch.context() as patch:
        patch.setattr(Claims, step, die)
        with pytest.raises(Died):
            run(arriving, to, **store)
    # What the dead process held, the system lets go; in this one it is let go by hand.
    import gc

    gc.collect()
    told = run(arriving, to, **store)
    assert "1 of them taken before" in "".join(told)
    assert len(tree(tmp_path / "done")) == 6
    assert sorted(one.part for one in records(tmp_path / "r.jsonl")) == [str(k) for k in range(40, 46)]
    if stored:
        assert sum(counts(sqlite_store).values()) == 6


def test_a_picture_that_was_not_quite_taken_is_put_back(arriving: Path, tmp_path: Path) -> None:
    taken = Claims(tmp_path / "taken", tmp_path / "done")
    depth = tmp_path / "40.npy"
    depth.write_bytes(b"depth")
    claim = taken.take(Arrival("40", "40.png", arriving / "40.png", depth))
    (claim.folder / "picture").rename(arriving / "40.png")
    assert taken.pending() == []
    assert depth.read_bytes() == b"depth"
    assert not claim.folder.exists()


def test_between_file_systems_a_picture_is_copied_whole_and_counts_once(
    arriving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def across(self: Path, target: Path) -> Path:
        if self.parent == arriving:
            raise OSError(errno.EXDEV, "another file system")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", across)
    content = (arriving / "40.png").read_bytes()
    taken = Claims(tmp_path / "taken", tmp_path / "done")
    with monkeypatch.context() as patch:
        patch.setattr(
            claims, "move", lambda source, target: shutil.copy2(source, target)
        )  # killed before it is removed
        claim = taken.take(Arrival("40", "40.png", arriving / "40.png"))
    assert (arriving / "40.png").exists()
    assert [one.id for one in taken.pending()] == [claim.id]
    assert not (arriving / "40.png").exists()
    assert claim.content("picture") == content
    move(arriving / "41.png", tmp_path / "41.png")
    assert not (arriving / "41.png").exists()


def test_a_picture_replaced_while_it_is_judged_is_another_part(
    plates: Path, arriving: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in arriving.iterdir():
        if path.name != "40.png":
            path.unlink()
    record = Claims.record

    def replaced(self: Claims, claim: object, part: object) -> None:
        shutil.copy(plates / "new" / "41.png", arriving / "40.png")
        record(self, claim, part)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Claims, "record", replaced)
        run(arriving)
    run(arriving)
    assert tree(tmp_path / "done") == ["accepted/40.png", "rejected/40.png"]
    assert (tmp_path / "done" / "rejected" / "40.png").read_bytes() == (
        plates / "new" / "41.png"
    ).read_bytes()


def test_a_database_that_is_away_is_waited_for(
    arriving: Path, tmp_path: Path, run: Run, sqlite_store: LineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specsight.line.watching.FIRST_PAUSE", 0.01)
    add, away = sqlite_store.add, [3]

    def sometimes(judgings: object) -> list[JudgedPart]:
        if away[0]:
            away[0] -= 1
            raise Unavailable("the database is away")
        return add(judgings)  # type: ignore[arg-type]

    monkeypatch.setattr(sqlite_store, "add", sometimes)
    told = run(arriving, store=sqlite_store)
    assert told.count("40: the database is away; trying again") == 1
    assert sum(counts(sqlite_store).values()) == len(tree(tmp_path / "done")) == 6


def test_a_full_disk_is_waited_for(
    arriving: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specsight.line.watching.FIRST_PAUSE", 0.01)
    write, full = storage.write_json, [2]

    def sometimes(path: Path, value: object) -> None:
        if path.name == claims.JUDGED and full[0]:
            full[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, value)

    monkeypatch.setattr(claims, "write_json", sometimes)
    told = run(arriving, f"jsonl:{tmp_path}/r.jsonl")
    assert sum("No space left" in line for line in told) == 1
    assert len(records(tmp_path / "r.jsonl")) == len(tree(tmp_path / "done")) == 6


@pytest.mark.parametrize("name", [claims.CLAIM, claims.JUDGED])
def test_what_fails_for_every_picture_is_told_once(
    name: str, arriving: Path, model: LiveModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("watching.FIRST_PAUSE", "watching.LONGEST_PAUSE", "sources.folder.AGAIN"):
        monkeypatch.setattr(f"specsight.line.{pause}", 0.001)
    write, full, told = storage.write_json, [20], list[str]()

    def sometimes(path: Path, value: object) -> None:
        if path.name == name and full[0]:
            full[0] -= 1
            raise cannot_write(path, OSError(errno.ENOSPC, "No space left on device"))
        write(path, value)

    monkeypatch.setattr(claims, "write_json", sometimes)
    with closing(FolderSource(arriving, settle=0.001)) as source:
        watch, stop = Watch(lambda: model, tmp_path / "done", "a", tell=told.append), threading.Event()
        thread = threading.Thread(target=watch.run, args=(source, stop))
        thread.start()
        try:
            until(lambda: sum(watch.account.words.values()) == 6, 10)
        finally:
            stop.set()
            thread.join()
            watch.close()
    assert full == [0]
    assert sum("No space left" in line for line in told) == 1


def test_outlets_that_keep_nothing_say_so_once(
    arriving: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specsight.line.watching.FIRST_PAUSE", 0.001)
    add, full = Spool.add, [5]

    def sometimes(self: Spool, id_: str, body: str, number: int = 0) -> None:
        if full[0]:
            full[0] -= 1
            raise SpecsightError("the list cannot be kept: database or disk is full")
        add(self, id_, body, number)

    monkeypatch.setattr(Spool, "add", sometimes)
    told = run(arriving, f"jsonl:{tmp_path}/r.jsonl")
    assert sum("disk is full" in line for line in told) == 1
    assert sum("could not be kept" in line for line in told) == 1


def test_a_folder_that_gives_nothing_away_keeps_its_pictures(
    arriving: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(self: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "rename", denied)
    told = run(arriving)
    assert "40.png: Permission denied: cannot be taken; trying again" in told
    assert sum("trying again" in line for line in told) == 1
    assert len(tree(arriving)) == 6
    assert list((tmp_path / "done" / ".watch" / "taken").iterdir()) == []


def test_one_process_at_a_time_and_mistakes_in_one_line(
    plates: Path, tmp_path: Path, run: Run, model: LiveModel
) -> None:
    out, saved = tmp_path / "done", plates / "models" / "plate"
    watch = Watch(lambda: model, out, "a")
    here = ("watch", "--replay", plates / "new", "--out", out, "--model", saved)
    assert "in use by another process" in refused(*here)
    watch.close()
    assert "give one of" in refused("watch", "--out", out, "--model", saved)
    assert "give one of" in refused(*here, tmp_path)
    assert "no saved model" in refused(*here[:-1], plates)
    assert "60/min" in refused(*here, "--rate", "fast")
    assert "go with --replay" in refused("watch", tmp_path, "--out", out, "--model", saved, "--rate", "1/s")
    assert "choose another --out" in refused("watch", tmp_path, "--out", tmp_path, "--model", saved)
    assert "did you mean 'jsonl'" in refused(*here, "--to", "json:x")
