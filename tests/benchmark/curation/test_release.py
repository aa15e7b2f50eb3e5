"""What persons kept is the next version: items, changelog, manifest; a failing check stops it unless it is forced."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.small_benchmark import write_small_benchmark

from specsight.benchmark.checks.contract import Result
from specsight.benchmark.curation import release as releasing
from specsight.benchmark.curation.decisions import Decision, Edit
from specsight.benchmark.curation.release import release
from specsight.benchmark.curation.store import CurationStore
from specsight.benchmark.files import Benchmark, write_lines, write_manifest
from specsight.errors import SpecsightError
from specsight.storage.files import sha256

ACCEPT = Decision(action="accept")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CurationStore:
    """Good anomaly, scratch anomaly, scratch type, a matched pair on scratch, a description."""
    benchmark = write_small_benchmark(tmp_path)
    items = list(benchmark.items())
    other = items[3].model_copy(
        update={"id": "scratch/part_scope/1", "answer": "A", "instruction": "The face."}
    )
    items.insert(4, other)
    write_lines(benchmark.folder / "items.jsonl", items)
    write_manifest(benchmark.folder, benchmark.manifest)
    monkeypatch.setattr(releasing, "check_benchmark", lambda benchmark: [])
    return CurationStore(Benchmark(benchmark.folder), share=0)


def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Result("letters", "Letters are balanced", "fails", "A is right in 90 %", ("A: 9 of 10",))]
    monkeypatch.setattr(releasing, "check_benchmark", lambda benchmark: found)


def test_accepted_and_edited_items_are_the_next_version(store: CurationStore, tmp_path: Path) -> None:
    store.save("r1", 0, ACCEPT, 0)
    store.save("r2", 1, Decision(action="edit", edit=Edit(question="Is it *fine*?"), reason="odd words"), 0)
    store.save("r1", 2, Decision(action="reject", reason="two types\nlook alike"), 0)
    released = release(store, tmp_path / "next")
    benchmark = Benchmark(tmp_path / "next")
    first, second = benchmark.items()
    assert (first.id, first.version) == ("good/anomaly/0", "1.1.0")
    assert second.question == "Is it *fine*?"
    assert (second.provenance[-1].source, second.provenance[-1].by) == ("expert", "r2")
    manifest = benchmark.manifest
    assert manifest.version == "1.1.0"
    assert manifest.counts == {"samples": 3, "items": 2, "items/anomaly": 2}
    assert manifest.build["curated"]["version"] == "1.0.0"
    assert manifest.build["curated"]["items"] == sha256(store.benchmark.folder / "items.jsonl")
    assert {
        "items.jsonl",
        "samples.jsonl",
        "CHANGELOG.md",
        "card.json",
        "datasheet.md",
    } <= manifest.files.keys()
    assert all(sha256(benchmark.folder / name) == digest for name, digest in manifest.files.items())
    assert benchmark.picture(first.images[0]).is_file()
    assert len(list(benchmark.samples())) == 3
    changelog = (tmp_path / "next" / "CHANGELOG.md").read_text()
    assert "## 1.1.0 (" in changelog
    assert "curated by r1, r2" in changelog
    assert "1 accepted, 1 edited, 1 rejected" in changelog
    assert "(question): odd words" in changelog
    assert "two types look alike" in changelog
    assert released.undecided == 3
    assert (released.accepted, released.items) == (1, 2)


def test_undecided_items_are_kept_where_that_is_wanted_and_the_changelog_grows(
    store: CurationStore, tmp_path: Path
) -> None:
    store.save("r1", 2, Decision(action="reject", reason="odd"), 0)
    release(store, tmp_path / "second", keep_undecided=True)
    second = Benchmark(tmp_path / "second")
    assert [i.id for i in second.items()] == [i.id for i in store.benchmark.items() if i.task != "type"]
    again = CurationStore(second, share=0)
    again.save("r1", 0, ACCEPT, 0)
    release(again, tmp_path / "third", keep_undecided=True)
    changelog = (tmp_path / "third" / "CHANGELOG.md").read_text()
    assert changelog.startswith("# Changes\n\n## 1.2.0 (")
    assert changelog.index("## 1.2.0") < changelog.index("## 1.1.0")
    assert changelog.count("# Changes") == 1


def test_half_a_matched_pair_is_left_out_and_so_is_what_two_persons_dispute(
    tmp_path: Path, store: CurationStore
) -> None:
    for number in range(4):
        store.save("r1", number, ACCEPT, 0)
    store.save("r1", 4, Decision(action="reject", reason="odd"), 0)
    released = release(store, tmp_path / "next")
    assert released.unpaired == ["scratch/part\\_scope/0"]
    assert [item.task for item in Benchmark(tmp_path / "next").items()] == ["anomaly", "anomaly", "type"]
    store.close()
    store.path.unlink()
    twice = CurationStore(store.benchmark, share=1)
    twice.save("r1", 0, ACCEPT, 0)
    twice.save("r2", 0, Decision(action="reject", reason="odd"), 0)
    released = release(twice, tmp_path / "disputed", keep_undecided=True)
    assert released.disputed == 1
    assert "good/anomaly/0" not in {item.id for item in Benchmark(tmp_path / "disputed").items()}


def test_the_same_decisions_give_the_same_bytes(store: CurationStore, tmp_path: Path) -> None:
    store.save("r1", 0, ACCEPT, 0)
    for name in ("a", "b"):
        release(store, tmp_path / name)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_failing_check_stops_a_release_unless_a_note_says_why(
    store: CurationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("r1", 0, ACCEPT, 0)
    failing(monkeypatch)
    with pytest.raises(SpecsightError, match=r"Letters are balanced \(A: 9 of 10\).*--force"):
        release(store, tmp_path / "next")
    assert not (tmp_path / "next").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".tmp")] == []
    with pytest.raises(SpecsightError, match="needs a note"):
        release(store, tmp_path / "next", force=" ")
    release(store, tmp_path / "next", force="one item alone, for a test")
    forced = "letters: A is right in 90 %. one item alone, for a test"
    assert Benchmark(tmp_path / "next").manifest.forced == (forced,)
    assert forced in (tmp_path / "next" / "CHANGELOG.md").read_text()


def test_the_checks_of_benchmarks_are_those_that_run(
    store: CurationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specsight.benchmark.checks import check_benchmark

    monkeypatch.setattr(releasing, "check_benchmark", lambda one: check_benchmark(one, ["structure"]))
    store.save("r1", 3, ACCEPT, 0)
    store.save("r1", 4, Decision(action="edit", edit=Edit(answer="B")), 0)
    with pytest.raises(SpecsightError, match="two opposite answers"):
        release(store, tmp_path / "next")


def test_what_cannot_be_released_says_why(store: CurationStore, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="nobody has decided"):
        release(store, tmp_path / "next")
    store.save("r1", 0, Decision(action="reject", reason="odd"), 0)
    with pytest.raises(SpecsightError, match="no item is left"):
        release(store, tmp_path / "next")
    with pytest.raises(SpecsightError, match="is there already"):
        release(store, store.benchmark.folder)
