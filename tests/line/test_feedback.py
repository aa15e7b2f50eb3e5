"""From what persons said of parts to another version: confirmed, made, previewed, live, rolled back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.factory import specsight

from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.inspector.request import read_request
from specsight.line import trail
from specsight.line.feedback import candidates
from specsight.line.feedback.candidates import supervised_candidate, threshold_candidate
from specsight.line.feedback.confirming import confirm, looked_at, reviewed
from specsight.line.feedback.going_live import go_live, roll_back
from specsight.line.feedback.preview import disagreeing, preview, previews
from specsight.line.feedback.selection import select
from specsight.line.fleet import Fleet
from specsight.line.history import Wanted, find
from specsight.line.judging import judge
from specsight.line.monitoring.parts import said_of_parts
from specsight.line.records import JudgedPart, Review
from specsight.line.requests import PartRequest
from specsight.line.store import LineStore
from specsight.line.verdicts import UNDONE

REQUIRED = "There must be a red mark."


@pytest.fixture(scope="module")
def judged(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `models` and `line.db`, in which six plates were judged: three rejected, 41 and 44 among them."""
    folder = tmp_path_factory.mktemp("judged")
    shutil.copytree(plates / "models", folder / "models")
    store = LineStore.open(f"sqlite:///{folder}/line.db")
    live = Fleet(folder / "models", store).live("plate")
    for number in range(40, 46):
        content = (plates / "new" / f"{number}.png").read_bytes()
        store.add([judge(live, PartRequest("a", f"p{number}", "plate", content))])
    store.close()
    return folder


@pytest.fixture
def fleet(judged: Path, tmp_path: Path) -> Iterator[Fleet]:
    shutil.copytree(judged, tmp_path / "line")
    store = LineStore.open(f"sqlite:///{tmp_path}/line/line.db")
    yield Fleet(tmp_path / "line" / "models", store)
    store.close()


def part(fleet: Fleet, number: int) -> JudgedPart:
    (found,) = find(fleet.store, Wanted(part=f"p{number}"))
    return found


def say(fleet: Fleet, number: int, verdict: str, outcome: str = "", type: str = "") -> str:
    """An operator says what a part is, and an engineer what to take it for; returns its id."""
    one = part(fleet, number)
    fleet.store.review(Review(one.id, "ben", "operator", verdict, "looked"))  # type: ignore[arg-type]
    if outcome:
        confirm(fleet.store, one.id, outcome, "anna", type)
    return one.id


def test_what_persons_say_waits_for_an_engineer(fleet: Fleet) -> None:
    first, second = say(fleet, 41, "accept"), say(fleet, 42, "accept")
    say(fleet, 40, "reject")
    waiting = reviewed(fleet.store, "plate", waiting=True)
    assert [one.how for one in waiting] == ["agreed", "overruled reject", "overruled accept"]
    fleet.store.review(Review(first, "eva", "operator", "reject"))
    assert [one.how for one in reviewed(fleet.store, ids=[first])] == ["agreed"]
    confirm(fleet.store, first, "good", "anna")
    confirm(fleet.store, first, "defect", "anna", "scratch")
    confirm(fleet.store, second, "unused", "anna")
    held = {one.part.id: one.outcome for one in reviewed(fleet.store, "plate")}
    assert (held[first], held[second]) == ("defect", "")
    looked = looked_at(fleet.store, "plate")
    assert (looked["reject"].judged, looked["reject"].defects) == (3, 1)
    assert (looked["accept"].reviewed, looked["accept"].overruled, looked["accept"].confirmed) == (2, 1, 1)
    entries = fleet.store.entries("a")
    assert [one.detail["outcome"] for one in entries if one.action == "confirmed"] == [
        "good",
        "defect",
        "unused",
    ]
    assert trail.check(entries) is None
    for wrong, words in ((("fine", ""), "confirmed as good"), (("good", "scratch"), "has no type")):
        with pytest.raises(SpecsightError, match=words):
            confirm(fleet.store, first, wrong[0], "anna", wrong[1])
    with pytest.raises(SpecsightError, match="nobody has reviewed"):
        confirm(fleet.store, part(fleet, 45).id, "good", "anna")


def test_what_was_taken_back_waits_for_nobody(fleet: Fleet) -> None:
    id_ = say(fleet, 41, "accept")
    fleet.store.review(Review(id_, "ben", "operator", "reject", UNDONE))
    assert reviewed(fleet.store, "plate") == []
    with pytest.raises(SpecsightError, match="nobody has reviewed"):
        confirm(fleet.store, id_, "good", "anna")


def test_who_says_otherwise_later_takes_a_confirmation_out_of_force(fleet: Fleet) -> None:
    store = fleet.store
    id_ = say(fleet, 41, "accept", "good")
    (one,) = reviewed(store, "plate", waiting=False)
    held = (one.part.line, "plate", one.part.version)
    assert said_of_parts(store, *held) == {id_: True}
    store.review(Review(id_, "ben", "operator", "accept", "as I say"))
    assert [one.part.id for one in reviewed(store, "plate", waiting=False)] == [id_]
    store.review(Review(id_, "ben", "operator", "reject", "a cut"))
    assert reviewed(store, "plate", waiting=False) == []
    (waits,) = reviewed(store, "plate", waiting=True)
    assert (waits.part.id, waits.outcome) == (id_, "defect")
    assert said_of_parts(store, *held) == {id_: False}
    confirm(store, id_, "good", "anna")  # an engineer has the last word, until a person says otherwise again
    assert [one.outcome for one in reviewed(store, "plate", waiting=False)] == ["good"]
    assert said_of_parts(store, *held) == {id_: True}


def test_a_false_reject_is_accepted_once_a_candidate_is_live_and_rejected_after_a_roll_back(
    fleet: Fleet, plates: Path
) -> None:
    say(fleet, 41, "accept", "good")
    say(fleet, 44, "reject", "defect", "scratch")
    say(fleet, 40, "accept", "good")
    first = fleet.live("plate")
    made = threshold_candidate(fleet, "plate", "anna", "overruled")
    assert made.parts == (part(fleet, 41).id,)
    assert "1 false reject and 0 accepted parts" in made.version.note
    assert "more defects pass" in made.version.note
    with pytest.raises(SpecsightError, match="nobody has seen what it would change"):
        go_live(fleet, "plate", made.version.version, "anna")
    (seen,) = preview(fleet, "plate", [made.version.version], "anna")
    accepted = {one["part"] for one in seen.found["flipped"] if one["after"] == "accept"}
    assert "p41" in accepted
    assert seen.found["flips"]["to accept"]["good"] == 1
    assert seen.found["made_of"] == 1  # the false reject that it was made of proves nothing
    assert seen.found["wrong"]["live"]["false rejects"]["of"] == 1
    assert seen.found["wrong"]["live"]["misses"] == {
        **seen.found["wrong"]["live"]["misses"],
        "count": 0,
        "of": 1,
    }
    with pytest.raises(SpecsightError, match="meanwhile"):
        go_live(fleet, "plate", made.version.version, "anna", instead_of="0" * 12)
    go_live(fleet, "plate", made.version.version, "anna", "fewer false rejects", first.version)
    asked = PartRequest("a", "again", "plate", (plates / "new" / "41.png").read_bytes())
    assert judge(fleet.follow("plate"), asked).part.verdict == "accept"
    with pytest.raises(SpecsightError, match="count for the live version already"):
        threshold_candidate(fleet, "plate", "anna", "overruled")
    assert roll_back(fleet, "plate", "eva").version == first.version
    assert judge(fleet.follow("plate"), asked).part.verdict == "reject"
    with pytest.raises(SpecsightError, match="nothing to go back to"):
        roll_back(fleet, "plate", "eva")
    done = [one.action for one in fleet.store.entries("")]
    assert done[-5:] == ["registered", "made a candidate", "previewed", "went live", "went live"]


def test_what_a_clause_decides_no_threshold_changes_and_candidate_and_preview_say_so(
    fleet: Fleet, plates: Path
) -> None:
    asked = PartRequest("a", "marked", "plate", (plates / "new" / "40.png").read_bytes(), words=REQUIRED)
    (marked,) = fleet.store.add([judge(fleet.live("plate"), asked)])
    assert (marked.verdict, marked.clause) == ("reject", REQUIRED)
    fleet.store.review(Review(marked.id, "ben", "operator", "accept"))
    confirm(fleet.store, marked.id, "good", "anna")
    made = threshold_candidate(fleet, "plate", "anna", "overruled", under_words=True)
    assert "1 of them a clause rejected, which no threshold changes" in made.version.note
    (seen,) = preview(fleet, "plate", [made.version.version], "anna")
    assert seen.found["by_clause"] == {"accept": 0, "reject": 1}


def test_a_preview_of_something_else_does_not_do(fleet: Fleet) -> None:
    first, version = fleet.live("plate").version, _by_hand(fleet, 1e9)
    preview(fleet, "plate", [version], "anna")
    go_live(fleet, "plate", version, "anna")
    other = _by_hand(fleet, -1e9)
    preview(fleet, "plate", [other], "anna")
    go_live(fleet, "plate", first, "anna", override="the light is new")
    with pytest.raises(SpecsightError, match=f"made against {version}"):
        go_live(fleet, "plate", other, "anna")
    assert fleet.store.activations("plate")[-1].reason == "without a preview: the light is new"
    both = preview(fleet, "plate", [version, other], "anna", most=4)
    assert [one.found["judged"] for one in both] == [4, 4]
    assert both[0].found["sampled"]
    assert len(disagreeing(*both)) == 4
    assert previews(fleet.store, "plate", first, other)[0].number == both[1].number
    with pytest.raises(SpecsightError, match="name a version"):
        preview(fleet, "plate", [first], "anna")


def test_ways_to_sample_say_what_they_do_to_the_promise(fleet: Fleet) -> None:
    with pytest.raises(SpecsightError, match="no part of 'plate' is confirmed as good"):
        select(fleet.store, "plate")
    say(fleet, 41, "accept", "good")
    say(fleet, 44, "reject", "defect")
    with pytest.raises(SpecsightError, match="no accepted part was confirmed"):
        select(fleet.store, "plate", "even")
    good = [
        int(one.part[1:])
        for one in find(fleet.store, Wanted(judged="reject"))
        if one.part not in ("p41", "p44")
    ]
    for number in (40, *good):
        say(fleet, number, "accept", "good")
    everything, even = (select(fleet.store, "plate", way) for way in ("all", "even"))
    assert {one.part.part for one in everything.parts} == {"p40", "p41", f"p{good[0]}"}
    assert "are chosen" in everything.promise()
    # All three rejected parts were confirmed and one accepted one of three: a third of the two good rejected ones join.
    assert sorted(one.part.verdict or "" for one in even.parts) == ["accept", "reject"]
    assert even.left_out == {"thinned, so that both verdicts join at the same share": 1}
    assert "holds as it is said" in even.promise()
    with pytest.raises(SpecsightError, match="not as 'best'"):
        select(fleet.store, "plate", "best")


@pytest.mark.long
def test_defects_are_learned_where_their_findings_lie(fleet: Fleet, plates: Path) -> None:
    with pytest.raises(SpecsightError, match="no part of 'plate' is confirmed as defective"):
        supervised_candidate(fleet, "plate", "anna")
    say(fleet, 41, "reject", "defect", "scratch")
    say(fleet, 44, "reject", "defect")
    say(fleet, 42, "reject", "defect", "dent")
    made = supervised_candidate(fleet, "plate", "anna")
    assert "1 confirmed defects (1 scratch)" in made.version.note
    assert "1 left out: nobody said which defect" in made.version.note
    assert "1 left out: no finding says where" in made.version.note
    learned = Inspector.load(fleet.place("plate", made.version.version))
    assert learned.detector.name == "supervised"
    assert learned.calibration is not None
    assert learned.inspect(plates / "new" / "44.png").verdict == "reject"


def test_good_parts_that_are_gone_are_named(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    say(fleet, 41, "reject", "defect", "scratch")
    place = fleet.folder / "plate"
    asked = read_request(place)
    gone = replace(asked, good=(*asked.good, "/nowhere/good"))
    monkeypatch.setattr(candidates, "read_request", lambda _: gone)
    with pytest.raises(SpecsightError, match="'/nowhere/good' is no longer there: put it back"):
        supervised_candidate(fleet, "plate", "anna")


def test_verbs_lead_from_a_review_to_the_line_and_back(fleet: Fleet) -> None:
    id_ = say(fleet, 41, "accept")
    about = ("--db", fleet.store.engine.url.render_as_string(), "--person", "anna")
    database, models = about[:2], fleet.folder
    assert f"{id_}  overruled reject  p41  ben: looked" in specsight(
        "line", "feedback", "list", models, "plate", *database
    )
    specsight("line", "feedback", "confirm", models, "good", id_, *about)
    said = specsight("line", "feedback", "candidate", models, "plate", *about)
    version = said.split()[1].rstrip(":")
    seen = specsight("line", "preview", models, "plate", version, *about)
    assert "to accept: " in seen
    assert "false rejects: nobody looked at another such part" in seen
    assert "left out of these: 1 part that the candidate was made of" in seen
    assert specsight("line", "live", models, "plate", version, *about) == f"live: plate {version}\n"
    assert f"live  {version}" in specsight("line", "live", models, "plate", *about)
    assert version not in specsight("line", "rollback", models, "plate", *about)


def _by_hand(fleet: Fleet, threshold: float) -> str:
    """A version that an engineer puts in the place of the model, with a threshold set by hand."""
    specsight("set-threshold", fleet.folder / "plate", "--threshold", threshold)
    fleet.scan()
    return fleet.store.versions("plate")[-1].version
