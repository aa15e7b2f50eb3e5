"""Listings become samples of a benchmark: in order, resumed after a kill, in bounded memory, failures reported."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support import dataset_layouts

from specsight.benchmark import ingest as module
from specsight.benchmark.checks.truth import Truth
from specsight.benchmark.files import Benchmark, line_of, read_lines
from specsight.benchmark.ingest import (
    LeftOut,
    Membership,
    data_folder,
    difference_hash,
    ingest,
)
from specsight.benchmark.ingest_file import ingest_to_file
from specsight.benchmark.records import BenchmarkSample
from specsight.datasets import DatasetListing, load_dataset
from specsight.datasets.parallel import AHEAD
from specsight.errors import SpecsightError
from specsight.records import InstructedVerdict, Sample


@pytest.fixture
def listing(tmp_path: Path) -> DatasetListing:
    data = tmp_path / "mvtec"
    dataset_layouts.mvtec_ad(data)
    return load_dataset(data)


def ingested(
    listing: DatasetListing, failed: list[LeftOut] | None = None, **options: object
) -> list[BenchmarkSample]:
    failures: list[LeftOut] = [] if failed is None else failed
    return list(ingest(listing, left_out=failures.append, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", sorted(dataset_layouts.BUILDERS))
def test_every_layout_is_ingested_with_all_its_defects(tmp_path: Path, layout: str) -> None:
    expected = dataset_layouts.BUILDERS[layout](tmp_path)
    found = load_dataset(tmp_path / expected.entry, expected.layout)
    failed: list[LeftOut] = []
    samples = ingested(found, failed)
    assert not failed
    assert {s.id for s in samples} == set(expected.samples)
    for sample in samples:
        split, label, types = expected.samples[sample.id]
        assert sample.label == label
        assert sample.split == (split if split in ("train", "validation") else "test")
        assert (data_folder(found) / sample.image).is_file()
        if sample.instances:
            assert {one.type_raw for one in sample.instances} <= set(types)
        areas = expected.areas.get(sample.id)
        if areas and sample.reference is None:
            assert sum(one.area_px for one in sample.instances) == sum(areas)
        elif areas:
            assert len(sample.instances) == len(areas)
        assert sample.masks_known == (label == "good" or bool(sample.instances))
    truth = Truth(Benchmark(tmp_path))
    for sample in samples:
        truth.see_sample(sample)
    assert truth.result().problems == ()


def test_a_sample_tells_file_licence_and_group(listing: DatasetListing) -> None:
    samples = ingested(listing)
    assert [s.id for s in samples] == sorted(s.id for s in samples)
    first = samples[0]
    file = listing.root / first.image
    assert first.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (first.height, first.width) == dataset_layouts.SIZE
    assert first.licence.startswith("CC BY-NC-SA 4.0")
    assert first.source == "mvtec_ad: mvtec"
    assert first.group == first.id
    assert {s.licence for s in ingested(listing, licence="CC0")} == {"CC0"}


def test_members_give_split_and_group(listing: DatasetListing) -> None:
    chosen = listing.samples[0].id
    samples = {s.id: s for s in ingested(listing, members={chosen: Membership("validation", "part 7")})}
    assert (samples[chosen].split, samples[chosen].group) == ("validation", "part 7")


def test_instructions_are_kept(listing: DatasetListing) -> None:
    words = InstructedVerdict("Ignore dents.", "accept", "tolerance", "p0", {"ignore": ["dent"]})
    changed = [replace(s, instructions=(words,)) for s in listing.samples]
    (said,) = ingested(replace(listing, samples=changed))[0].instructions
    assert (said.text, said.clause) == ("Ignore dents.", {"ignore": ["dent"]})


def test_a_picture_that_is_gone_is_reported_and_the_others_are_there(
    listing: DatasetListing, tmp_path: Path
) -> None:
    listing.samples[2].image.unlink()
    listing.samples[3].image.write_bytes(b"no picture")
    failures = ingest_to_file(tmp_path / "samples.jsonl", listing)
    assert sorted(one.id for one in failures) == sorted(s.id for s in listing.samples[2:4])
    assert all(str(listing.root) in one.reason for one in failures)
    written = list(read_lines(tmp_path / "samples.jsonl", BenchmarkSample))
    assert len(written) == len(listing.samples) - 2


def test_nothing_readable_is_an_error(listing: DatasetListing, tmp_path: Path) -> None:
    for sample in listing.samples:
        sample.image.unlink()
    with pytest.raises(SpecsightError, match=r"no sample of .* could be read; the first: there is no file"):
        ingest_to_file(tmp_path / "samples.jsonl", listing)
    assert [p.name for p in tmp_path.iterdir()] == ["mvtec"]


def test_two_samples_of_one_id_are_refused(listing: DatasetListing) -> None:
    doubled = replace(listing, samples=[*listing.samples, listing.samples[0]])
    with pytest.raises(SpecsightError, match="both have the id"):
        ingested(doubled)


def test_files_outside_the_data_are_left_out(listing: DatasetListing, tmp_path: Path) -> None:
    elsewhere = dataset_layouts.picture(tmp_path / "elsewhere.png")
    failed: list[LeftOut] = []
    ingested(replace(listing, samples=[replace(listing.samples[0], image=elsewhere)]), failed)
    assert "build from a folder that holds all of its files" in failed[0].reason


def test_a_killed_run_goes_on_and_the_bytes_are_the_same(
    listing: DatasetListing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing.samples[1].image.unlink()
    whole, resumed = tmp_path / "a" / "samples.jsonl", tmp_path / "b" / "samples.jsonl"
    whole.parent.mkdir()
    resumed.parent.mkdir()
    failures = ingest_to_file(whole, listing)
    read = module._ingested
    calls: list[str] = []

    def killed(sample: Sample, known: object) -> BenchmarkSample | LeftOut:
        calls.append(sample.id)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return read(sample, known)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_ingested", killed)
    with pytest.raises(KeyboardInterrupt):
        ingest_to_file(resumed, listing)
    monkeypatch.setattr(module, "_ingested", read)
    (begun,) = (p for p in resumed.parent.iterdir() if "left-out" not in p.name)
    assert len(begun.read_bytes().splitlines()) > 0
    begun.write_bytes(begun.read_bytes() + b'{"id": "torn')
    again: list[str] = []

    def counted(sample: Sample, known: object) -> BenchmarkSample | LeftOut:
        again.append(sample.id)
        return read(sample, known)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_ingested", counted)
    assert ingest_to_file(resumed, listing) == failures
    assert len(again) < len(listing.samples)
    assert resumed.read_bytes() == whole.read_bytes()
    again.clear()
    assert ingest_to_file(resumed, listing) == failures, "a further call finds it whole"
    assert not again
    assert resumed.read_bytes() == whole.read_bytes()
    names = sorted(p.name for p in resumed.parent.iterdir())
    assert [name.partition(".jsonl")[2][-9:] for name in names] == ["", ".left-out"]


def test_a_kill_between_the_last_line_and_the_last_name_loses_nothing(
    listing: DatasetListing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing.samples[1].image.unlink()
    whole, killed = tmp_path / "a" / "samples.jsonl", tmp_path / "b" / "samples.jsonl"
    whole.parent.mkdir()
    failures = ingest_to_file(whole, listing)
    rename = Path.replace
    for moment in (0, 1):
        shutil.rmtree(killed.parent, ignore_errors=True)
        killed.parent.mkdir()
        renamed: list[Path] = []

        def stopped(self: Path, target: Path, moment: int = moment, renamed: list[Path] = renamed) -> Path:
            if len(renamed) == moment:
                raise KeyboardInterrupt
            renamed.append(target)
            return rename(self, target)

        monkeypatch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            ingest_to_file(killed, listing)
        monkeypatch.setattr(Path, "replace", rename)
        assert ingest_to_file(killed, listing) == failures
        assert killed.read_bytes() == whole.read_bytes()


def test_a_run_over_other_files_begins_anew(listing: DatasetListing, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    stale = tmp_path / "samples.jsonl.0123456789abcdef.partial"
    stale.write_text('{"id": "of another run"}\n')
    ingest_to_file(path, listing)
    assert not stale.exists()
    assert "of another run" not in path.read_text()


def test_few_of_thousands_of_samples_are_held_at_a_time(
    listing: DatasetListing, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, made, taken = module._ingested, 0, 0

    def counted(sample: Sample, known: object) -> BenchmarkSample | LeftOut:
        nonlocal made
        made += 1
        return read(sample, known)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_ingested", counted)
    many = replace(listing, samples=[replace(listing.samples[0], id=f"{k:06}") for k in range(3000)])
    for sample in ingest(many, left_out=lambda _: None):
        assert line_of(sample)
        taken += 1
        assert made - taken <= 8 * (AHEAD + 1)
    assert taken == 3000


def test_difference_hash_survives_what_leaves_the_picture_alike() -> None:
    x = np.linspace(0, 1, 64)
    picture = np.uint8(255 * (0.5 + 0.5 * np.sin(9 * x)[:, None] * np.cos(7 * x)[None]))
    rgb = np.stack([picture] * 3, axis=-1)
    small = np.asarray(Image.fromarray(rgb).resize((48, 48)))
    bits = [int(difference_hash(p), 16) for p in (rgb, small, 255 - rgb)]
    assert (bits[0] ^ bits[1]).bit_count() <= 4
    assert (bits[0] ^ bits[2]).bit_count() > 32
    assert difference_hash(np.zeros((5, 5, 3), np.uint8)) == "0" * 16


def test_samples_are_lines_of_json(listing: DatasetListing, tmp_path: Path) -> None:
    ingest_to_file(tmp_path / "samples.jsonl", listing)
    for line in (tmp_path / "samples.jsonl").read_text().splitlines():
        assert json.loads(line)["product"] in ("bottle", "screw")
