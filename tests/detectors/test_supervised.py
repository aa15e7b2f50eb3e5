"""The supervised detector: what a few labelled defects add to good parts, and unlabelled pictures of another line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.colour_encoder import ColourEncoder
from tests.support.labelled_panels import panels

from specsight import images
from specsight.detectors import create_detector, load_detector
from specsight.detectors.supervised.adapting import adapt
from specsight.detectors.supervised.detector import Supervised
from specsight.detectors.supervised.head import Head, odds
from specsight.detectors.supervised.learned import METHODS, Scale
from specsight.errors import SpecsightError
from specsight.metrics import image_auroc
from specsight.records import Sample

QUICK = {"encoder": ColourEncoder(), "resolution": 64, "steps": 120, "coreset_limit": 256, "device": "cpu"}


def other_line(samples: list[Sample], folder: Path) -> list[Sample]:
    """The same pictures, darker and with less contrast."""
    folder.mkdir()
    moved = []
    for sample in samples:
        pixels = np.asarray(Image.open(sample.image).convert("RGB"), np.float32)
        path = folder / sample.image.name
        Image.fromarray(np.asarray(20 + 0.55 * pixels, np.uint8)).save(path)
        moved.append(replace(sample, image=path))
    return moved


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return panels(tmp_path_factory.mktemp("line"), count=14)


@pytest.fixture(scope="module")
def fitted(line: list[Sample]) -> Supervised:
    detector = create_detector("supervised", **QUICK)
    assert isinstance(detector, Supervised)
    return detector.fit(_first(line, 8))


def _first(samples: list[Sample], count: int) -> list[Sample]:
    """`count` good panels, and five of each type."""
    good = [s for s in samples if s.label == "good"][:count]
    return [*good, *(s for t in ("stain", "burn") for s in [s for s in samples if s.types == (t,)][:5])]


def _scores(detector: Supervised, samples: list[Sample]) -> np.ndarray:
    return np.array([detector.judge(detector.look([images.load_picture(s)])[0]).score for s in samples])


def _rest(samples: list[Sample]) -> list[Sample]:
    learned = {s.id for s in _first(samples, 8)}
    return [s for s in samples if s.id not in learned]


def test_types_are_told_apart_and_defects_found(fitted: Supervised, line: list[Sample]) -> None:
    rest = _rest(line)
    assert image_auroc(np.array([s.label == "defective" for s in rest]), _scores(fitted, rest)) > 0.95
    for sample in (s for s in rest if s.label == "defective"):
        judgement = fitted.judge(fitted.look([images.load_picture(sample)])[0])
        mask = images.anomaly_mask(sample, judgement.map.shape)
        inside = {name: float(one[mask].mean()) for name, one in judgement.type_maps.items()}
        assert set(inside) == {"stain", "burn"}
        assert max(inside, key=inside.__getitem__) == sample.types[0]


def test_without_labelled_defects_it_judges_by_good_parts_alone(line: list[Sample]) -> None:
    detector = create_detector("supervised", **QUICK).fit([s for s in line if s.label == "good"][:8])
    assert isinstance(detector, Supervised)
    view = detector.look([images.load_picture(line[-1])])[0]
    assert detector.judge(view).type_maps == {}
    with pytest.raises(SpecsightError, match="was given none: use coral or adabn"):
        detector.adapted(line, "mmd")


def test_a_type_that_was_not_labelled_still_deviates(
    line: list[Sample], fitted: Supervised, tmp_path: Path
) -> None:
    unseen = panels(tmp_path, types=("mould",), count=6)
    assert image_auroc(
        np.array([s.label == "defective" for s in unseen]), _scores(fitted, unseen)
    ) == pytest.approx(1)


@pytest.mark.parametrize("method", METHODS)
def test_adapted_and_saved_it_finds_defects_on_another_line(
    method: str, fitted: Supervised, line: list[Sample], tmp_path: Path
) -> None:
    moved = other_line(_rest(line), tmp_path / "moved")
    # As on a line: most of what it shows is good. These spots cover a tenth of a picture.
    usual = [s for number, s in enumerate(moved[::2]) if s.label == "good" or number % 8 == 0]
    unlabelled = [replace(s, label="unknown", defects=()) for s in usual]
    before = _scores(fitted, moved[1::2])
    adapted = fitted.adapted(unlabelled, method)
    np.testing.assert_array_equal(_scores(fitted, moved[1::2]), before)
    (tmp_path / "model").mkdir()
    adapted.save(tmp_path / "model")
    loaded = load_detector(tmp_path / "model", ColourEncoder())
    assert isinstance(loaded, Supervised)
    assert (
        loaded.map_source == f"adapted by {method} to {len(unlabelled)} unlabelled pictures of another line"
    )
    scores, truth = _scores(loaded, moved[1::2]), np.array([s.label == "defective" for s in moved[1::2]])
    np.testing.assert_array_equal(scores, _scores(adapted, moved[1::2]))
    assert image_auroc(truth, scores) > 0.9


def with_depth(samples: list[Sample], folder: Path) -> list[Sample]:
    """The same panels, flat and a little rough; burns are raised by 2 mm, stains have no height."""
    folder.mkdir()
    raised: list[Sample] = []
    for sample in samples:
        mask = (
            images.anomaly_mask(sample, (64, 80)) if sample.types == ("burn",) else np.zeros((64, 80), bool)
        )
        rough = np.random.default_rng(len(raised)).normal(500, 0.02, (64, 80))
        path = folder / f"{sample.id}.tiff"
        Image.fromarray((rough - 2 * mask).astype(np.float32)).save(path)
        raised.append(replace(sample, depth=path, mm_per_px=0.5))
    return raised


def test_depth_is_read_and_either_modality_may_be_missing(line: list[Sample], tmp_path: Path) -> None:
    samples = with_depth(line, tmp_path / "depth")
    detector = create_detector("supervised", **{**QUICK, "steps": 60, "flips": 1}).fit(_first(samples, 8))
    assert isinstance(detector, Supervised)
    assert detector.seen_ == {"rgb": 8, "depth": 8}
    (tmp_path / "model").mkdir()
    detector.save(tmp_path / "model")
    loaded = load_detector(tmp_path / "model", ColourEncoder())
    burnt = next(s for s in _rest(samples) if s.types == ("burn",))
    clean = next(s for s in _rest(samples) if s.label == "good")
    scores = {}
    for name, sample in (("burn", burnt), ("good", clean)):
        picture = images.load_picture(sample)
        for lost in ((), ("rgb",), ("depth",)):
            judgement = loaded.judge(loaded.look([picture.without(*lost)])[0])
            assert judgement.score == detector.judge(detector.look([picture.without(*lost)])[0]).score
            scores[name, lost] = judgement.score
            assert set(judgement.alone) == (set() if lost else {"rgb", "depth"})
    for lost in ((), ("rgb",), ("depth",)):
        assert scores["burn", lost] > scores["good", lost] + 2
    view = detector.look([images.load_picture(burnt)])[0]
    without = detector.look([images.load_picture(burnt).without("depth")])[0]
    np.testing.assert_array_equal(detector.judge(view).alone["rgb"], detector.judge(without).map)
    adapted = detector.adapted([replace(s, depth=None) for s in _rest(samples)], "coral")
    assert isinstance(adapted, Supervised)
    assert adapted.learned_ is not None
    moved = {name: own.moved for name, own in adapted.learned_.deviating.items()}
    assert moved["rgb"] is not None
    assert moved["depth"] is None, "the other line showed no depth: what is usual in it stays"


def test_depth_that_one_good_part_alone_has_is_left_out(line: list[Sample], tmp_path: Path) -> None:
    (deep,) = with_depth(line[:1], tmp_path / "depth")
    detector = create_detector("supervised", **QUICK).fit([deep, *_first(line, 8)[1:]])
    assert isinstance(detector, Supervised)
    assert detector.learned_ is not None
    assert list(detector.learned_.deviating) == ["rgb"]


def test_a_line_that_did_not_shift_is_not_stretched(fitted: Supervised, line: list[Sample]) -> None:
    fresh = [s for s in line if s.label == "good"][8:]
    moved = fitted.adapted(fresh, "adabn")._learned().deviating["rgb"].moved
    assert moved is not None
    assert abs(np.log(np.median(moved.matrix))) < 0.1


def test_labels_of_the_other_line_are_not_looked_at(fitted: Supervised, line: list[Sample]) -> None:
    rest = _rest(line)
    hidden = [replace(s, label="unknown", defects=()) for s in rest]
    first, second = (fitted.adapted(samples, "coral") for samples in (rest, hidden))
    np.testing.assert_array_equal(_scores(first, rest[:3]), _scores(second, rest[:3]))


def test_a_method_that_is_not_there_is_suggested(fitted: Supervised, line: list[Sample]) -> None:
    with pytest.raises(SpecsightError, match="supervised has no adaptation 'corral': did you mean 'coral'"):
        fitted.adapted(line[:1], "corral")
    with pytest.raises(SpecsightError, match="patchcore cannot be adapted"):
        create_detector("patchcore").adapted(line[:1], "coral")


def test_an_adaptation_gives_the_one_before_up(fitted: Supervised) -> None:
    learned, settings = fitted.learned_, fitted._settings()
    assert learned is not None
    first, second = (
        {
            name: vectors[:3].reshape(-1, vectors.shape[2]) + shift
            for name, vectors in learned.source.vectors.items()
        }
        for shift in (1, -1)
    )
    once = adapt(learned, first, 3, "adabn", settings).deviating["rgb"].moved
    twice = (
        adapt(adapt(learned, second, 3, "coral", settings), first, 3, "adabn", settings)
        .deviating["rgb"]
        .moved
    )
    assert once is not None
    assert twice is not None
    np.testing.assert_array_equal(once.origin, twice.origin)


def test_good_pictures_have_no_shares_and_labelled_ones_have(fitted: Supervised) -> None:
    learned = fitted.learned_
    assert learned is not None
    assert learned.source.shares[learned.source.good].max() == 0
    assert (learned.source.shares[~learned.source.good].sum((1, 2)) > 0).all()


def test_a_scale_hardly_moves_for_a_few_defects() -> None:
    usual = np.random.default_rng(0).normal(3, 2, 20_000).astype(np.float32)
    scale = Scale.of(np.concatenate([usual, np.full(200, 90, np.float32)]))
    assert scale.middle == pytest.approx(3, abs=0.1)
    assert scale.spread == pytest.approx(2, abs=0.1)


def test_odds_are_those_of_any_defect() -> None:
    import torch

    probabilities = torch.tensor([0.5, 0.2, 0.3])
    assert float(odds(probabilities.log())) == pytest.approx(0, abs=1e-6)
    head = Head(4, 3, 2)
    torch.testing.assert_close(Head.of_arrays(head.arrays())(torch.ones(2, 4)), head.eval()(torch.ones(2, 4)))


@pytest.mark.parametrize("damage", ["types", "scales"])
def test_a_damaged_model_is_told(damage: str, fitted: Supervised, tmp_path: Path) -> None:
    from specsight.detectors.saving import read_state, write_state

    fitted.save(tmp_path)
    state = read_state(tmp_path)
    change: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "types": lambda _: np.frombuffer(b'["stain"]', np.uint8),
        "scales": lambda values: values[:1],
    }
    write_state(tmp_path, {**state, damage: change[damage](state[damage])})
    with pytest.raises(SpecsightError, match="missing or damaged: fit the model again"):
        load_detector(tmp_path, ColourEncoder())
