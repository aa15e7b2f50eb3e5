"""Pictures of a line, judged one after the other and stored before anyone is told."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.counted import counts
from tests.support.factory import specsight

from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.line.fleet import Fleet, Loading, version_of
from specsight.line.judging import Busy, Closed, PartJudge
from specsight.line.kept_maps import decode_kept, encode_kept
from specsight.line.records import Activation, JudgedPart
from specsight.line.requests import PartRequest
from specsight.line.store import LineStore
from specsight.records import Inspection


def request(plates: Path, number: int, **values: str) -> PartRequest:
    return PartRequest("a", f"p{number}", "plate", (plates / "new" / f"{number}.png").read_bytes(), **values)  # type: ignore[arg-type]


@pytest.fixture
def judge(plates: Path, store: LineStore) -> Iterator[PartJudge]:
    one = PartJudge(Fleet(plates / "models", store), store)
    yield one
    one.close()


def test_parts_are_judged_as_the_inspector_judges_them(plates: Path, judge: PartJudge) -> None:
    told: list[JudgedPart] = []
    judge.listeners = (told.append,)
    inspector = Inspector.load(plates / "models" / "plate")
    for number in range(40, 46):
        part = judge.submit(request(plates, number)).result(30)
        alone = inspector.inspect(request(plates, number).picture)
        assert (part.verdict, part.score, part.threshold) == (alone.verdict, alone.score, alone.threshold)
        assert part.statement == alone.statement
        assert part.answer().decision == alone.decision
        assert part.version == version_of(plates / "models" / "plate")
        kept = judge.store.content(part.map)
        assert kept is not None
        assert alone.map is not None
        assert np.abs(decode_kept(kept) - alone.map).max() <= np.ptp(alone.map) / 131070 * 1.01
    assert [one.part for one in told] == [f"p{k}" for k in range(40, 46)]
    assert told[1].verdict == told[4].verdict == "reject"


def test_a_map_with_a_hole_is_no_answer(plates: Path, sqlite_store: LineStore) -> None:
    class Torn(Inspector):
        def judge(self, *given: Any, **options: Any) -> Inspection:
            found = super().judge(*given, **options)
            assert found.map is not None
            torn = found.map.copy()
            torn[3, 4] = np.nan
            return replace(found, map=torn)

    class LoadingTorn(Loading):
        def __call__(self, folder: Path) -> Inspector:
            return Torn.load(folder)

    judge = PartJudge(Fleet(plates / "models", sqlite_store, LoadingTorn()), sqlite_store)
    try:
        part = judge.submit(request(plates, 40)).result(30)
        assert (part.verdict, part.map) == (None, "")
        assert "not a number everywhere" in part.error
    finally:
        judge.close()


def test_words_decide_here_too(plates: Path, judge: PartJudge) -> None:
    part = judge.submit(request(plates, 41, words="Ignore everything blue and smelling.")).result(30)
    assert part.words == "Ignore everything blue and smelling."
    assert part.answer().decision.not_applied


def test_a_key_asked_twice_is_judged_once(plates: Path, judge: PartJudge) -> None:
    first, second = (judge.submit(request(plates, 41, key="7")) for _ in range(2))
    assert first.result(30) == second.result(30)
    assert counts(judge.store) == {"reject": 1}


def test_a_picture_that_is_none_is_a_record_that_says_so(judge: PartJudge) -> None:
    part = judge.submit(PartRequest("a", "p1", "plate", b"no picture")).result(30)
    assert part.word == "unreadable"
    assert "not a picture" in part.error
    assert counts(judge.store) == {"unreadable": 1}


def test_a_listener_that_fails_stops_nothing(plates: Path, judge: PartJudge) -> None:
    told: list[JudgedPart] = []

    def fail(part: JudgedPart) -> None:
        raise ValueError(part.id)

    judge.listeners = (fail, told.append)
    parts = [judge.submit(request(plates, number)).result(30) for number in (40, 41)]
    while len(told) < 2:
        threading.Event().wait(0.01)
    assert told == parts
    assert judge.alive


def test_a_model_that_is_not_there_is_no_record(judge: PartJudge) -> None:
    with pytest.raises(SpecsightError, match="did you mean 'plate'"):
        judge.submit(PartRequest("a", "p1", "plates", b"x")).result(30)
    assert counts(judge.store) == {}


def test_a_full_queue_says_so_at_once(plates: Path, sqlite_store: LineStore) -> None:
    fleet = Fleet(plates / "models", sqlite_store)
    held, go = threading.Event(), threading.Event()
    load = fleet.live

    def slow(name: str) -> object:
        held.set()
        go.wait(30)
        return load(name)

    fleet.live = slow  # type: ignore[assignment,method-assign]
    judge = PartJudge(fleet, sqlite_store, places=2)
    futures = [judge.submit(request(plates, 40))]
    held.wait(30)
    futures += [judge.submit(request(plates, 41)) for _ in range(2)]
    with pytest.raises(Busy):
        judge.submit(request(plates, 42))
    go.set()
    assert [one.result(30).part for one in futures] == ["p40", "p41", "p41"]
    judge.close()
    with pytest.raises(Closed):
        judge.submit(request(plates, 40))


def test_versions_follow_the_store(plates: Path, sqlite_store: LineStore, tmp_path: Path) -> None:
    shutil.copytree(plates / "models" / "plate", tmp_path / "models" / "plate")
    fleet = Fleet(tmp_path / "models", sqlite_store)
    first = fleet.live("plate")
    specsight("set-threshold", tmp_path / "models" / "plate", "--threshold", 1e9)
    fleet.scan()
    assert fleet.follow("plate") is first
    new = version_of(tmp_path / "models" / "plate")
    sqlite_store.activate(Activation("plate", new, "anna"))
    assert fleet.live("plate") is first
    assert fleet.follow("plate").version == new
    sqlite_store.activate(Activation("plate", first.version, "anna", "too many pass"))
    assert fleet.follow("plate").version == first.version
    assert fleet.names() == ["plate"]
    (tmp_path / "models" / ".versions" / "plate" / new / "detector.json").write_text("{}")
    with pytest.raises(SpecsightError, match="damaged"):
        fleet.load("plate", new)


def test_folders_that_are_no_models_are_named(plates: Path, sqlite_store: LineStore, tmp_path: Path) -> None:
    (tmp_path / "models" / "notes").mkdir(parents=True)
    with pytest.raises(SpecsightError, match="not a saved model"):
        Fleet(tmp_path / "models", sqlite_store)


def test_kept_maps_are_small_and_close() -> None:
    rng = np.random.default_rng(0)
    map_ = rng.normal(size=(100, 700)).astype(np.float32)
    assert decode_kept(encode_kept(map_)).shape == (73, 512)
    assert decode_kept(encode_kept(map_), (100, 700)).shape == (100, 700)
    flat = np.full((8, 8), 3, np.float32)
    assert (decode_kept(encode_kept(flat)) == flat).all()
    with pytest.raises(SpecsightError, match="damaged"):
        decode_kept(b"nothing")
