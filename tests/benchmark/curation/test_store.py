"""Decisions are kept with who and when; the second of two savers sees the first; two persons do not see each other."""

from __future__ import annotations

import sqlite3
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from tests.support.curated_caps import item, make

from specsight.benchmark.curation.agreement import agreement
from specsight.benchmark.curation.decisions import Decision, Edit, applied, decided, edit_of
from specsight.benchmark.curation.queue import next_item, progress
from specsight.benchmark.curation.store import Conflict, CurationStore, Saving
from specsight.benchmark.files import write_lines
from specsight.errors import SpecsightError
from specsight.explain.slots import Slots

ACCEPT = Decision(action="accept")
REJECT = Decision(action="reject", reason="the scratch is a reflection")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> CurationStore:
    return CurationStore(make(tmp_path / "bench", [item(k) for k in range(4)]), share=0, clock=Clock())


@pytest.fixture
def shared(tmp_path: Path) -> CurationStore:
    return CurationStore(make(tmp_path / "bench", [item(k) for k in range(4)]), share=1, clock=Clock())


def test_a_decision_is_kept_with_who_and_when_and_so_is_every_change(store: CurationStore) -> None:
    store.save("anna", 2, ACCEPT, 0)
    store.save("ben", 2, REJECT, 1)
    again = CurationStore(store.benchmark)
    (saved,) = again.entry(2).decisions
    assert (saved.curator, saved.revision, saved.decision) == ("ben", 2, REJECT)
    first, second = again.history(2)
    assert (first.curator, first.decision, first.revision) == ("anna", ACCEPT, 1)
    assert second == saved
    assert first.at < second.at
    assert again.entry(2).standing == REJECT


def test_what_was_changed_cannot_be_rewritten(store: CurationStore) -> None:
    store.save("anna", 0, ACCEPT, 0)
    with sqlite3.connect(store.path) as raw:
        for statement in ("UPDATE changes SET curator = 'ben'", "DELETE FROM changes"):
            with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                raw.execute(statement)
    raw.close()


def test_the_second_of_two_savers_sees_the_first(store: CurationStore) -> None:
    seen_by_both = store.entry(1).revision(1)
    store.save("anna", 1, ACCEPT, seen_by_both)
    with pytest.raises(Conflict, match="by anna") as caught:
        store.save("ben", 1, REJECT, seen_by_both)
    assert caught.value.current is not None
    assert caught.value.current.decision == ACCEPT
    assert [s.curator for s in store.history(1)] == ["anna"]


def test_two_persons_decide_without_each_other_and_a_third_adjudicates(shared: CurationStore) -> None:
    shared.save("anna", 0, ACCEPT, 0)
    assert shared.entry(0).state == "open"
    shared.save("ben", 0, REJECT, 0)
    assert shared.entry(0).state == "disputed"
    assert shared.entry(0).standing is None
    with pytest.raises(Conflict, match="2 others"):
        shared.save("carla", 0, ACCEPT, 0)
    stale = shared.entry(0).revision(0)
    shared.save("ben", 0, ACCEPT, 1)
    assert shared.entry(0).state == "decided"
    with pytest.raises(Conflict, match="by ben"):
        shared.save("carla", 0, REJECT, stale, adjudicate=True)
    shared.save("carla", 0, REJECT, shared.entry(0).revision(0), adjudicate=True)
    assert shared.entry(0).standing == REJECT
    with pytest.raises(Conflict, match="adjudicated by carla"):
        shared.save("anna", 0, REJECT, 1)


def test_several_savings_are_kept_together_or_not_at_all(store: CurationStore) -> None:
    store.save("anna", 3, ACCEPT, 0)
    with pytest.raises(Conflict):
        store.save_all("ben", [Saving(0, ACCEPT, 0), Saving(3, ACCEPT, 0)])
    assert store.entry(0).decisions == ()


def test_a_share_of_each_task_and_product_is_for_two_persons_and_pairs_stay_together(tmp_path: Path) -> None:
    items = [item(k) for k in range(20)]
    items += [
        item(k, id=f"p{k}", task="tolerance", pair=f"pair-{k // 2}", sample="cap-0") for k in range(20, 40)
    ]
    store = CurationStore(make(tmp_path / "bench", items), share=0.3)
    twice = [entry for entry in store.entries() if entry.seats == 2]
    assert sum(e.task == "anomaly" for e in twice) == 6
    pairs = [e.pair for e in twice if e.task == "tolerance"]
    assert len(pairs) == 6
    assert all(pairs.count(pair) == 2 for pair in pairs)
    assert [e.id for e in store.entries(shared=True)] == [e.id for e in twice]


@pytest.mark.parametrize(("synthetic", "seats"), [(True, 20), (False, 2)])
def test_two_persons_decide_about_all_of_the_tyre_line(tmp_path: Path, synthetic: bool, seats: int) -> None:
    store = CurationStore(make(tmp_path / "bench", [item(k) for k in range(20)], synthetic))
    assert sum(entry.seats == 2 for entry in store.entries()) == seats


def test_the_queue_gives_each_item_to_one_person_at_a_time(store: CurationStore) -> None:
    clock = store.clock
    assert isinstance(clock, Clock)
    assert next_item(store, "anna") == 0
    assert next_item(store, "ben") == 1
    assert next_item(store, "anna") == 0
    store.save("anna", 0, ACCEPT, 0)
    assert next_item(store, "anna", after=0) == 2
    assert next_item(store, "anna", after=3) == 2
    assert next_item(store, "anna", task="count") is None
    clock.now += timedelta(minutes=11)
    assert next_item(store, "anna", after=0) == 1
    for number in (1, 2, 3):
        store.save("ben", number, ACCEPT, 0)
    assert next_item(store, "anna") is None
    assert progress(store)["anomaly"].actions == {"accept": 4, "edit": 0, "reject": 0}


def test_the_queue_gives_an_item_for_two_persons_to_two(shared: CurationStore) -> None:
    assert [next_item(shared, code) for code in ("anna", "ben", "carla")] == [0, 0, 1]
    shared.save("anna", 0, ACCEPT, 0)
    assert next_item(shared, "anna") == 1
    assert next_item(shared, "dora") == 2


def test_agreement_is_that_of_items_two_persons_decided(shared: CurationStore) -> None:
    for number, (anna, ben) in enumerate(
        [(ACCEPT, ACCEPT), (REJECT, REJECT), (ACCEPT, REJECT), (ACCEPT, ACCEPT)]
    ):
        shared.save("anna", number, anna, 0)
        shared.save("ben", number, ben, 0)
    shared.save("carla", 2, ACCEPT, shared.entry(2).revision(0), adjudicate=True)
    found = agreement(shared, ("minor", "major"))
    # By hand: 5 accepted, 3 rejected; observed disagreement 2/8, expected 2*5*3/(8*7); 1 - 0.25/0.5357.
    assert found["action"].value == pytest.approx(1 - 0.25 / (30 / 56))
    assert found["action"].units == 4
    assert found["action/anomaly"] == found["action"]
    assert "severity" not in found
    assert "low" in str(found["action"])


def test_severities_agree_by_rank(shared: CurationStore) -> None:
    levels = ("minor", "major", "critical")
    for number, (anna, ben) in enumerate([("minor", "minor"), ("minor", "major"), ("critical", "critical")]):
        for code, level in (("anna", anna), ("ben", ben)):
            shared.save(code, number, Decision(action="accept", severity=level), 0)
    near = agreement(shared, levels)["severity"].value
    shared.save("ben", 1, Decision(action="accept", severity="critical"), 1)
    far = agreement(shared, levels)["severity"].value
    assert near is not None
    assert far is not None
    assert near > far


def test_no_agreement_is_computed_of_what_one_person_said(store: CurationStore) -> None:
    store.save("anna", 0, ACCEPT, 0)
    assert agreement(store)["action"].value is None
    assert "two persons" in str(agreement(store)["action"])


def test_threads_save_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    benchmark = make(tmp_path / "bench", [item(k) for k in range(24)])
    stores = [CurationStore(benchmark, share=0) for _ in range(2)]
    conflicts: list[str] = []
    failed: list[BaseException] = []

    def work(code: str, store: CurationStore) -> None:
        try:
            for number in range(24):
                try:
                    store.save(code, number, ACCEPT, 0)
                except Conflict:
                    conflicts.append(code)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"c{k}", stores[k % 2])) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(conflicts) == 24 * 5
    assert all(len(entry.decisions) == 1 for entry in stores[0].entries())
    assert all(len(stores[1].history(number)) == 1 for number in range(24))
    with sqlite3.connect(stores[0].path) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def test_a_store_of_other_items_or_no_store_is_refused(tmp_path: Path, store: CurationStore) -> None:
    store.close()
    write_lines(store.benchmark.folder / "items.jsonl", [item(1)])
    with pytest.raises(SpecsightError, match="other items"):
        CurationStore(store.benchmark)
    other = make(tmp_path / "other", [item(1)])
    (other.folder / "curation.sqlite").write_bytes(b"no database at all")
    with pytest.raises(SpecsightError, match="no SQLite file"):
        CurationStore(other)
    (other.folder / "curation.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    with pytest.raises(SpecsightError, match=r"curation\.sqlite"):
        CurationStore(other)


def test_damaged_items_make_no_store(tmp_path: Path) -> None:
    twice = make(tmp_path / "twice", [item(1), item(1)])
    with pytest.raises(SpecsightError, match="stands twice"):
        CurationStore(twice)
    damaged = make(tmp_path / "damaged", [item(1)])
    with (damaged.folder / "items.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(SpecsightError, match="line 2"):
        CurationStore(damaged)
    write_lines(damaged.folder / "items.jsonl", [item(1)])
    assert CurationStore(damaged).entry(0).id == "cap-1/anomaly/0"


@pytest.mark.parametrize("code", ["", "Anna Müller", "a@b", "x" * 41, "../a", "-a"])
def test_what_is_no_code_of_a_person_is_refused(store: CurationStore, code: str) -> None:
    with pytest.raises(SpecsightError, match="no code"):
        store.save(code, 0, ACCEPT, 0)


def test_a_decision_that_makes_no_sense_is_refused(store: CurationStore) -> None:
    for action, reason, words in (
        ("reject", " ", "needs a reason"),
        ("maybe", "", "action"),
        ("edit", "", "reads now"),
    ):
        with pytest.raises(SpecsightError, match=words):
            decided(action, reason)
    with pytest.raises(SpecsightError, match="none of the options"):
        store.save("anna", 0, decided("edit", edit=Edit(answer="C")), 0)
    assert store.entry(0).decisions == ()


def test_an_edit_holds_what_differs_and_says_who_wrote_it() -> None:
    before = item(1, instruction="Ignore stains.")
    assert edit_of(before, before.question, dict(before.options), before.answer, "Ignore stains.") is None
    edit = edit_of(before, "Is cap 1\r\nfine?", dict(before.options), "B")
    assert edit == Edit(question="Is cap 1\nfine?", answer="B")
    after = applied(before, decided("edit", edit=edit), by=("anna",), version="1.1.0")
    assert (after.question, after.answer, after.version) == ("Is cap 1\nfine?", "B", "1.1.0")
    assert after.slots == Slots()
    assert [(p.source, p.by) for p in after.provenance] == [("rule", "test"), ("expert", "anna")]
    assert edit_of(before, options={"A": "Yes."}) == Edit(options={"A": "Yes."})
    assert applied(before, decided("edit", edit=Edit(instruction=""))).instruction is None


@pytest.mark.parametrize(
    ("form", "answer", "words"),
    [
        ("box", "[1, 2, 3]", "no box"),
        ("box", "[5, 2, 3, 9]", "no box"),
        ("point", "[1001, 3]", "no point in thousandths"),
        ("report", "{", "no report"),
        ("report", '{"decision": "perhaps"}', "no report"),
        ("text", " ", "empty"),
        ("choices", "A, C", "none of the options"),
    ],
)
def test_an_answer_has_the_form_that_its_item_asks_for(form: str, answer: str, words: str) -> None:
    options = {"A": "Yes.", "B": "No."} if form == "choices" else {}
    with pytest.raises(SpecsightError, match=words):
        applied(item(1, form=form, options=options), decided("edit", edit=Edit(answer=answer)))


def test_a_box_or_report_that_a_person_wrote_is_its_truth() -> None:
    box = applied(item(1, form="box", options={}), decided("edit", edit=Edit(answer="[1, 2, 30, 40]")))
    assert box.slots == Slots(boxes=((1, 2, 30, 40),))
    report = applied(item(1, form="report", options={}), decided("edit", edit=Edit(answer='{"count": 2}')))
    assert report.slots == Slots(count=2)
