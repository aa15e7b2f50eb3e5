"""The health of a line from its records: found once, by whoever looks, in the order of records and not of clocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.support.factory import specsight
from tests.support.watched_line import VERSION, line_of

from specsight.errors import SpecsightError
from specsight.line.fleet import Fleet
from specsight.line.history import Wanted, find
from specsight.line.judging import PartJudge
from specsight.line.monitoring import alarms, parts
from specsight.line.monitoring.health import drift_words
from specsight.line.monitoring.references import reset, take_reference
from specsight.line.monitoring.watch import LineWatch, status
from specsight.line.records import Activation, JudgedPart, Review, Version
from specsight.line.requests import PartRequest
from specsight.line.store import LineStore
from specsight.line.verdicts import UNDONE


@pytest.fixture
def plate(store: LineStore) -> LineStore:
    store.register(Version("plate", VERSION, "given"))
    store.activate(Activation("plate", VERSION, "ada"))
    return store


def overrule(store: LineStore, judged: Sequence[JudgedPart]) -> None:
    for one in judged:
        store.review(Review(one.id, "otto", "operator", "accept", "a shadow"))


def test_without_a_reference_nothing_is_compared_and_said_so(plate: LineStore) -> None:
    line_of(plate, 3, 0)
    found = status(plate, "a", "plate")
    assert (found.state, found.parts, found.features, found.promise) == ("no reference", 3, (), None)
    assert "--reference" in found.remarks[0]


def test_less_light_is_one_alarm_with_its_words_whoever_looks(plate: LineStore) -> None:
    line_of(plate, 200, 1)
    numbers = [one.number for one in find(plate, Wanted("a"), 200, oldest_first=True)]
    take_reference(plate, "a", "plate", numbers[0], numbers[-1], "ada", promised=0.05)
    first, second = LineWatch(plate, "a", "plate"), LineWatch(plate, "a", "plate")
    assert first.status().state == "watching"
    line_of(plate, 100, 2)
    assert first.status().state == "watching"
    dark = line_of(plate, 60, 3, light=88.0)
    found = first.status()
    assert found.state == "drifted"
    assert [one.kind for one in found.alarms] == ["brightness"]
    assert "brightness is 12 % lower than in the reference (88" in found.alarms[0].words
    assert found.alarms[0].since == pytest.approx(dark[0].number, abs=4)
    assert f"since part {found.alarms[0].since}, 2026-03-01 1" in found.alarms[0].words
    assert second.status() == found
    assert status(plate, "a", "plate") == found
    assert [one.action for one in plate.entries("a", limit=1000)].count("alarm") == 1
    assert found.to_json()["alarms"][0]["kind"] == "brightness"


def test_an_alarm_stands_when_it_is_known_and_ends_when_the_watch_begins_anew(plate: LineStore) -> None:
    known = line_of(plate, 200, 1)
    take_reference(plate, "a", "plate", known[0].number, known[-1].number, "ada")
    watch = LineWatch(plate, "a", "plate")
    line_of(plate, 60, 3, light=88.0)
    (alarm,) = watch.status().alarms
    alarms.acknowledge(plate, alarm.number, "otto", "the lamp")
    found = watch.status()
    assert (found.state, found.alarms[0].acknowledged, found.alarms[0].note) == (
        "acknowledged",
        "otto",
        "the lamp",
    )
    line_of(plate, 60, 4)
    assert watch.status().state == "acknowledged"
    reset(plate, "a", "plate", "drift", "ada", "a new lamp")
    line_of(plate, 60, 5)
    assert watch.status().state == "watching"
    line_of(plate, 60, 6, light=88.0)
    assert watch.status().state == "drifted"
    assert len(alarms.alarms_of(plate, "a", "plate", VERSION)) == 2
    with pytest.raises(SpecsightError, match="no alarm 77"):
        alarms.acknowledge(plate, 77, "otto")


def test_the_promise_is_judged_by_what_persons_say(plate: LineStore) -> None:
    known = line_of(plate, 200, 1, rejected=[10])
    take_reference(plate, "a", "plate", known[0].number, known[-1].number, "ada", promised=0.05)
    judged = line_of(plate, 200, 2, rejected=range(0, 200, 4))
    watch = LineWatch(plate, "a", "plate")
    waiting = watch.status().promise
    assert waiting is not None
    assert (waiting.good, waiting.false_rejects, waiting.pending, waiting.alarm) == (349, 0, 51, None)
    assert waiting.worst == pytest.approx(51 / 400)
    rejects = [one for one in judged if one.verdict == "reject"]
    for one in rejects[:10]:
        plate.review(Review(one.id, "otto", "operator", "reject", type="scratch"))
    overrule(plate, rejects[10:])
    plate.review(Review(judged[1].id, "otto", "operator", "reject", "a scratch that was missed"))
    found = watch.status()
    assert found.promise is not None
    assert (found.promise.good, found.promise.false_rejects, found.promise.pending) == (388, 40, 1)
    promise = [one for one in found.alarms if one.kind == alarms.PROMISE]
    assert len(promise) == 1
    assert "10.3% of 388 good parts, at most 5.0% promised" in promise[0].words
    assert judged[0].number <= promise[0].since <= judged[60].number
    assert status(plate, "a", "plate") == found
    reset(plate, "a", "plate", "promise", "ada", "a new threshold")
    after = watch.status()
    assert after.promise is not None
    assert after.promise.good == 0
    assert alarms.PROMISE not in [one.kind for one in after.alarms]


def test_scores_under_other_words_are_not_compared(plate: LineStore) -> None:
    known = line_of(plate, 200, 1, words="Only the rim.")
    take_reference(plate, "a", "plate", known[0].number, known[-1].number, "ada", promised=0.05)
    line_of(plate, 100, 2, rejected=range(50))
    found = status(plate, "a", "plate")
    assert found.state == "watching"
    assert {one.name: one.compared > 0 for one in found.features} == {
        "score": False,
        "rejected": False,
        "brightness": True,
        "sharpness": True,
        "row": True,
        "column": True,
    }
    assert found.promise is not None
    assert found.promise.good == 200


def test_a_new_version_has_no_reference_yet(plate: LineStore) -> None:
    known = line_of(plate, 200, 1)
    take_reference(plate, "a", "plate", known[0].number, known[-1].number, "ada")
    watch = LineWatch(plate, "a", "plate")
    assert watch.status().state == "watching"
    plate.register(Version("plate", "1" * 12, "threshold"))
    plate.activate(Activation("plate", "1" * 12, "ada"))
    found = watch.status()
    assert (found.version, found.state, found.parts) == ("1" * 12, "no reference", 0)


def test_mistakes_are_told(plate: LineStore) -> None:
    known = line_of(plate, 30, 1)
    with pytest.raises(SpecsightError, match="a reference needs"):
        take_reference(plate, "a", "plate", known[0].number, known[10].number, "ada")
    plate.review(Review(known[3].id, "otto", "operator", "reject", "a scratch"))
    with pytest.raises(
        SpecsightError, match=r"Of 11 parts with these numbers these do not count: 1 that a person"
    ):
        take_reference(plate, "a", "plate", known[0].number, known[10].number, "ada")
    with pytest.raises(SpecsightError, match="judged no part 900 to 950"):
        take_reference(plate, "a", "plate", 900, 950, "ada")
    with pytest.raises(SpecsightError, match="--promised is 5"):
        take_reference(plate, "a", "plate", 1, 30, "ada", promised=5)
    with pytest.raises(SpecsightError, match="no reference"):
        reset(plate, "a", "plate", "drift", "ada")
    with pytest.raises(SpecsightError, match="no version of a model 'cap'"):
        status(plate, "a", "cap")


def test_ties_are_drawn_alike_by_everyone_and_evenly() -> None:
    ties = [parts.WatchedPart(k, f"{k:032x}", "", None, None, {}).tie("score") for k in range(400)]
    assert ties[0] == parts.WatchedPart(7, f"{0:032x}", "", None, None, {}).tie("score")
    assert 0 < min(ties) < 0.05
    assert 0.95 < max(ties) < 1
    assert np.mean(ties) == pytest.approx(0.5, abs=0.05)


def test_words_say_what_drifted_and_by_how_much() -> None:
    assert drift_words("brightness", 134, 118, 2) == (
        "brightness is 12 % lower than in the reference (118 in place of 134)"
    )
    assert drift_words("column", 0.5, 0.531, 0.01) == (
        "the part lies 3.1 % of the picture's width further right than in the reference"
    )
    assert drift_words("row", 0.5, 0.49, 0.01).startswith(
        "the part lies 1 % of the picture's height higher up"
    )
    assert drift_words("rejected", 0.03, 0.09, 0.1) == "9.0 % of parts are rejected, in the reference 3.0 %"
    assert drift_words("score", 1.0, 1.2, 0.1).endswith("(1.2 in place of 1, by 2.0 standard deviations)")


def test_judged_parts_carry_what_is_measured_and_the_command_shows_it(plates: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/line.db"
    store = LineStore.open(url)
    judge = PartJudge(Fleet(plates / "models", store), store)
    picture = (plates / "new" / "40.png").read_bytes()
    for k in range(24):
        part = judge.submit(PartRequest("a", f"{k}", "plate", picture)).result(30)
    judge.close()
    store.close()
    assert part.measured.keys() == {"brightness", "sharpness", "row", "column"}
    shown = specsight("line", "health", "a", "plate", "--db", url, "--reference", "1-24", "--promised", 0.3)
    assert "a, plate" in shown
    assert "watching (24 parts)" in shown
    assert "brightness" in shown


def test_a_review_that_was_taken_back_says_nothing(plate: LineStore) -> None:
    judged = line_of(plate, 3, 0, rejected=[1])
    overrule(plate, [judged[1]])
    assert parts.said_of_parts(plate, "a", "plate", VERSION) == {judged[1].id: True}
    plate.review(Review(judged[1].id, "otto", "operator", "reject", UNDONE))
    assert parts.said_of_parts(plate, "a", "plate", VERSION) == {}


def test_known_defects_of_a_reference_count_in_the_share_that_is_rejected(plate: LineStore) -> None:
    judged = line_of(plate, 200, 1, rejected=range(0, 200, 10))
    for one in judged[::10]:
        plate.review(Review(one.id, "otto", "operator", "reject", "a scratch"))
    baseline = take_reference(plate, "a", "plate", 1, 200, "ada")
    assert np.mean(baseline.values["rejected"]) == 0.1
    assert len(baseline.values["brightness"]) == 180
