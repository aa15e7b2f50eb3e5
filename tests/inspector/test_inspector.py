"""The one way through: unseen parts stay unseen, verdicts follow the threshold, saved is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from specsight.calibration import ThresholdConfig
from specsight.datasets.digest import sample_digest
from specsight.errors import SpecsightError, UnreadableFile
from specsight.inspector import Inspector, split_holdout
from specsight.inspector.learning import BY_PLACE, NOT_BY_PLACE
from specsight.inspector.splits import GoodCounts, split_good
from specsight.records import Sample
from specsight.specification import parse_specification

SIDE = 64
SPEC = "product: plate\nmm_per_px: 0.5\nparts: [{name: plate}]\nseverity: [{level: small, up_to_mm: 3}, {level: big}]"


def picture(path: Path, seed: int, defect: bool = False) -> Sample:
    generator = np.random.default_rng(seed)
    pixels = np.sin(np.arange(SIDE) / 3) * 20 + 120 + generator.normal(0, 4, (SIDE, SIDE))
    if defect:
        pixels[20:34, 30:46] = 20
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return Sample(
        id=path.stem, image=path, product="plate", split="train", label="defective" if defect else "good"
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("good")
    return [picture(folder / f"{i}.png", i) for i in range(12)]


@pytest.fixture(scope="module")
def fitted(good: list[Sample]) -> Inspector:
    return Inspector.fit(good, detector="patchcore", resolution=64, specification=parse_specification(SPEC))


@pytest.mark.long
def test_every_good_part_is_judged_by_a_detector_that_has_not_seen_it(good: list[Sample]) -> None:
    """The scores in folds are those of fits without the fold, and the final detector is that of a fit to all."""
    fitted = Inspector.fit(good, detector="patchcore", resolution=64)
    calibration, held_out = fitted.calibration, fitted.held_out
    assert calibration is not None
    assert held_out is not None
    assert (calibration.folds, calibration.good_count, fitted.skipped) == (5, 12, [])
    assert fitted.counts == GoodCounts(12, 12, 0, 0, folds=5)
    assert fitted.counts.statement() == "learned from 12 good parts, each judged unseen in one of 5 folds"
    assert calibration.statement() == (
        "with 12 good parts in 5 folds, approximately at most 22.1 % false rejects with 95 % confidence: "
        "too few parts, 5 % takes 59 good parts"
    )
    split = split_good(good, [], [], ThresholdConfig(), seed=0, costly=False)
    assert sorted(len(fold) for fold in split.folds) == [2, 2, 2, 3, 3]
    scores = {one.digest: one.score for one in held_out.pictures}
    for fold in split.folds[:2]:
        unseen = [sample for sample, _ in fold]
        others = [sample for sample in good if sample not in unseen]
        alone = Inspector.fit(others, detector="patchcore", resolution=64, holdout=0)
        for sample in unseen:
            assert scores.pop(sample_digest(sample)) == alone.inspect(sample).score
    assert len(scores) == 12 - sum(map(len, split.folds[:2]))
    whole = Inspector.fit(good, detector="patchcore", resolution=64, holdout=0)
    assert [fitted.inspect(s).score for s in good] == [whole.inspect(s).score for s in good]
    assert set(fitted.learned_from) == {one.digest for one in held_out.pictures}
    assert type(fitted.detector.get_encoder()) is type(whole.detector.get_encoder()), (
        "nothing is cached any more"
    )


def test_parts_stay_in_one_fold_and_those_with_known_defects_are_in_none(good: list[Sample]) -> None:
    grouped = [replace(s, group=f"part {i // 2}") for i, s in enumerate(good)]
    defects = [replace(grouped[0], label="defective")]
    split = split_good(grouped, [], defects, ThresholdConfig(folds=3), seed=0, costly=True)
    assert [s for s, _ in split.learned] == grouped
    folded = [{part for _, part in fold} for fold in split.folds]
    assert len(folded) == 3
    assert sum(map(len, folded)) == len(set.union(*folded)) == 5, (
        "the first part is learned from by every fold"
    )
    assert sum(map(len, split.folds)) == 10
    assert split_good(good, [], [], ThresholdConfig(), seed=0, costly=True).folds == []
    assert len(split_good(good, [], [], ThresholdConfig(folds=50), seed=0, costly=False).folds) == 12
    assert split_good(good[:6], good[6:], [], ThresholdConfig(), seed=0, costly=False).folds == []


def test_a_fold_that_leaves_too_few_parts_is_named(tmp_path: Path) -> None:
    samples = [picture(tmp_path / f"{i}.png", i) for i in range(21)]
    too_few = r"without one of 3 folds: padim needs at least 20 good parts \(got 14\)"
    with pytest.raises(SpecsightError, match=too_few):
        Inspector.fit(samples, detector="padim", encoder="filters", resolution=64, folds=3)


def test_a_third_is_held_out_at_most_and_the_promise_says_so(good: list[Sample]) -> None:
    fitted = Inspector.fit(good, detector="patchcore", resolution=64, folds=0)
    assert fitted.calibration is not None
    assert fitted.calibration.good_count == 4
    assert not fitted.calibration.sufficient
    assert fitted.skipped == []


def test_the_threshold_is_the_largest_score_of_parts_the_detector_never_saw(good: list[Sample]) -> None:
    fitted = Inspector.fit(good, detector="patchcore", resolution=64, folds=0)
    learned, held = split_holdout(good, 4, seed=0)
    assert fitted.calibration is not None
    scores = [fitted.inspect(s).score for s in held]
    assert fitted.calibration.score_threshold == max(scores)
    # A memory of every patch is at no distance from what it has learned.
    remembering = Inspector.fit(
        good, detector="patchcore", resolution=64, coreset_ratio=1.0, variance=1.0, folds=0
    )
    assert max(remembering.inspect(s).score for s in learned) < 0.1 * min(
        remembering.inspect(s).score for s in held
    )


def test_a_defect_is_rejected_found_measured_and_described(fitted: Inspector, tmp_path: Path) -> None:
    inspection = fitted.inspect(picture(tmp_path / "bad.png", 99, defect=True))
    assert inspection.verdict == "reject"
    assert inspection.threshold is not None
    assert inspection.score > inspection.threshold
    finding = inspection.findings[0]
    x0, y0, x1, y1 = finding.box
    assert x0 <= 30
    assert x1 >= 46
    assert y0 <= 20
    assert y1 >= 34
    assert finding.length_mm == pytest.approx(finding.length_px * 0.5)
    assert finding.severity == "big"
    assert "Rejected" in inspection.statement
    assert finding.place in inspection.statement
    assert inspection.map is not None
    assert inspection.map.shape == (SIDE, SIDE)
    assert set(inspection.seconds) == {"read", "look", "judge", "find", "explain"}


def test_saved_and_loaded_gives_the_same_answers(
    fitted: Inspector, good: list[Sample], tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model")
    loaded = Inspector.load(tmp_path / "model")
    assert loaded.calibration == fitted.calibration
    assert loaded.specification == fitted.specification
    before, after = fitted.inspect(good[0]), loaded.inspect(good[0])
    assert replace(before, seconds={}) == replace(after, seconds={})
    np.testing.assert_array_equal(before.map, after.map)


def test_maps_are_compared_place_by_place_where_good_parts_lie_alike(tmp_path: Path) -> None:
    """The line across every part varies; a defect beside it is told from what good parts show there."""

    def part(name: str, seed: int, defect: bool = False) -> Sample:
        sample = picture(tmp_path / f"{name}.png", seed)
        pixels = np.asarray(Image.open(sample.image)).copy()
        pixels[:, 12:15] = np.random.default_rng(seed).integers(20, 240)
        if defect:
            pixels[24:38, 34:48] = 20
        Image.fromarray(pixels).save(sample.image)
        return sample

    good = [part(f"good-{k}", k) for k in range(24)]
    fitted = Inspector.fit(good, detector="patchcore", encoder="filters", resolution=64)
    assert fitted.by_place is not None
    assert fitted.account is not None
    assert f"good parts lie alike: {BY_PLACE}" in fitted.account.notes
    fitted.save(tmp_path / "model")
    defective, fine = part("defective", 50, defect=True), part("fine", 51)
    inspection = fitted.inspect(defective)
    again = Inspector.load(tmp_path / "model").inspect(defective)
    assert (again.score, again.verdict) == (inspection.score, "reject")
    assert inspection.score > fitted.inspect(fine).score
    # Deviations, in standard deviations about zero.
    map_ = fitted.inspect(fine).map
    assert map_ is not None
    assert abs(float(np.median(map_))) < 1.5
    plain = Inspector.fit(good, detector="patchcore", encoder="filters", resolution=64, by_place=False)
    assert plain.by_place is None
    held_out = Inspector.fit(good, detector="patchcore", encoder="filters", resolution=64, folds=0)
    assert held_out.by_place is None
    with pytest.raises(SpecsightError, match="place by place"):
        Inspector.fit(good, detector="patchcore", encoder="filters", resolution=64, folds=0, by_place=True)
    # The score of this one is of the whole picture too, and stays its own.
    spade = Inspector.fit(good, detector="spade", encoder="filters", resolution=64, by_place=True)
    assert spade.by_place is None
    assert spade.account is not None
    assert NOT_BY_PLACE in spade.account.notes


def test_validation_pictures_of_the_set_are_used_where_there_are_some(good: list[Sample]) -> None:
    inspector = Inspector.fit(good[:6], detector="patchcore", resolution=64, validation=good[6:])
    assert inspector.calibration is not None
    assert inspector.calibration.good_count == 6


def test_one_good_part_gives_scores_without_a_verdict(good: list[Sample]) -> None:
    inspector = Inspector.fit(good[:1], detector="patchcore", resolution=64)
    assert inspector.calibration is None
    inspection = inspector.inspect(good[1])
    assert (inspection.verdict, inspection.threshold, inspection.findings) == (None, None, ())
    assert "no verdict" in inspection.statement


def test_unreadable_good_pictures_are_skipped_and_named(good: list[Sample], tmp_path: Path) -> None:
    broken = [
        Sample(id=f"b{i}", image=tmp_path / f"b{i}.png", product="plate", label="good") for i in range(3)
    ]
    for sample in broken:
        sample.image.write_bytes(b"\x89PNG\r\n\x1a\n")
    inspector = Inspector.fit([*good, *broken], detector="patchcore", resolution=64, holdout=5)
    assert {Path(s.path).name for s in inspector.skipped} == {"b0.png", "b1.png", "b2.png"}
    with pytest.raises(UnreadableFile, match=r"b0\.png"):
        inspector.inspect(broken[0])
    with pytest.raises(SpecsightError, match="no good picture"):
        Inspector.fit([])


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=2, max_size=30), st.data())
def test_holding_out_never_splits_an_object_and_never_takes_all(
    groups: list[str | None], data: st.DataObject
) -> None:
    samples = [Sample(id=str(i), image=Path(f"{i}.png"), product="p", group=g) for i, g in enumerate(groups)]
    parts = len({s.group or s.id for s in samples})
    count = data.draw(st.integers(0, parts - 1))
    train, held = split_holdout(samples, count, seed=data.draw(st.integers(0, 99)))
    assert sorted(s.id for s in train + held) == sorted(s.id for s in samples)
    assert train
    assert not {s.group for s in train if s.group} & {s.group for s in held if s.group}
    assert len({s.group or s.id for s in held}) == count


def test_holding_out_everything_is_refused() -> None:
    samples = [Sample(id="0", image=Path("0.png"), product="p")]
    with pytest.raises(SpecsightError, match=r"cannot hold out 1 of 1 good part \(1 picture\)"):
        split_holdout(samples, 1, 0)


def test_copies_and_frames_of_a_part_count_once_and_stay_together(tmp_path: Path) -> None:
    samples = []
    for part in range(6):
        pixels = np.asarray(Image.open(picture(tmp_path / f"{part}.png", part).image)).astype(int)
        pixels = np.kron(pixels, np.ones((2, 2), int))
        for frame in range(4):
            noise = np.random.default_rng(frame).integers(-1, 2, pixels.shape)
            path = tmp_path / f"{part}-{frame}.png"
            Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).save(path)
            samples.append(Sample(path.stem, path, "plate", split="train", label="good"))
    inspector = Inspector.fit(samples, detector="patchcore", encoder="filters", resolution=64, folds=0)
    assert inspector.counts == GoodCounts(learned=16, learned_parts=4, held_out=8, held_out_parts=2)
    assert inspector.counts.statement() == (
        "24 pictures, 6 distinct parts: learned from 16 (4 parts), held out 8 (2 parts)"
    )
    assert inspector.calibration is not None
    assert (inspector.calibration.good_count, inspector.calibration.picture_count) == (2, 8)
    assert "(8 pictures) nothing is promised" in inspector.calibration.statement()
    # Frames of one part alone: nothing can be held out, and the fit says what it takes.
    still = Inspector.fit(samples[:4], detector="patchcore", encoder="filters", resolution=64)
    assert still.calibration is None
    assert still.counts == GoodCounts(4, 1, 0, 0)
    reason = still.counts.no_threshold(ThresholdConfig())
    assert reason.startswith(
        "no good part was held out (1 distinct good part): a threshold takes at least 3, and 59 to promise 5 %"
    )
    # Parts that no pixel tells apart can be named.
    assert reason.endswith("where they show several, name the parts in a manifest (group)")
    assert GoodCounts(2, 2, 0, 0).no_threshold(ThresholdConfig()).endswith("no verdicts")


def test_validation_and_holdout_both_give_the_threshold(good: list[Sample]) -> None:
    grouped = [replace(s, group=f"part {i // 2}") for i, s in enumerate(good)]
    # The sixth part is learned from too: its second picture says nothing of unseen parts.
    split = split_good(grouped[:9], grouped[9:], [], ThresholdConfig(holdout=2), seed=1, costly=False)
    parts = {part for _, part in split.learned}
    assert not parts & {part for _, part in split.held_out}
    assert len({part for _, part in split.held_out}) == 2 + 1
    alone = split_good(grouped[:9], grouped[9:], [], ThresholdConfig(), seed=1, costly=False)
    assert [s for s, _ in alone.learned] == grouped[:9]
    assert [s for s, _ in alone.held_out] == grouped[10:]
    assert alone.seen == [grouped[9]]


def test_a_part_whose_defective_picture_is_learned_from_is_not_held_out(good: list[Sample]) -> None:
    grouped = [replace(s, group=f"part {i}") for i, s in enumerate(good)]
    defects = [replace(s, label="defective") for s in grouped[:9]]
    split = split_good(grouped, [], defects, ThresholdConfig(folds=0), seed=0, costly=False)
    assert [s for s, _ in split.held_out] == grouped[9:]
    with pytest.raises(SpecsightError, match="cannot hold out 4 of 12 good parts"):
        split_good(grouped, [], defects, ThresholdConfig(holdout=4), seed=0, costly=False)
    assert (
        split_good(grouped[9:], grouped[:9], defects, ThresholdConfig(), seed=0, costly=False).seen
        == grouped[:9]
    )


@pytest.mark.parametrize("values", [{"false_reject_rate": 5}, {"confidence": float("nan")}, {"holdout": -1}])
def test_a_promise_that_cannot_be_made_is_refused_before_anything_is_learned(
    values: dict[str, Any],
) -> None:
    with pytest.raises(SpecsightError, match="must"):
        Inspector.fit([], validation=[], detector="winclip", **values)
