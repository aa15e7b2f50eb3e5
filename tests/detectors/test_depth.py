"""Methods that use depth: how late fusion joins two modalities, and what happens where one is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.detectors.test_contract import depth_of, plate, saved_sample, stained

from specsight.detectors import Detector, create_detector
from specsight.detectors.depth.evidence import Evidence
from specsight.detectors.depth.late_fusion import RULES, joined
from specsight.detectors.depth.one_class import one_class_weights
from specsight.errors import SpecsightError
from specsight.features.fpfh import fpfh
from specsight.features.perceptron import Perceptron
from specsight.records import Picture, Sample

BOTH: dict[str, dict[str, Any]] = {
    "btf": {},
    "m3dm": {"steps": 30},
    **{f"late_fusion {rule}": {"rule": rule} for rule in RULES},
}


def evidence(scores: list[float], known: list[bool] | None = None, unsure: float = 1.0) -> Evidence:
    """Patches of these z-scores; a distance is one more than its z-score, as multiples of the usual one."""
    values = np.array(scores, np.float32)
    trusted = np.full(len(values), unsure, np.float32)
    return Evidence(values + 1, values, trusted, np.array(known or [True] * len(scores)))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("mean", [2.0, 4.0, 1.0]),
        ("max", [2.0, 3.0, 0.0]),
        ("product", [np.sqrt(3.0), 4.0, 1.0]),
        ("zsum", [2 / np.sqrt(2), 3.0, 0.0]),
        ("ocsvm", [0.6 * 3 + 0.8, 0.6 * 4 + 0.8, 1.4]),
        ("gated", [2 * 4 / 5, 3.0, 0.0]),
    ],
)
def test_rules_join_what_is_known(rule: str, expected: list[float]) -> None:
    # The second patch is known in colours alone, the third in neither; of depth good patches differ twice as much.
    weights = np.array([0.6, 0.8], np.float32) if rule == "ocsvm" else None
    colours = evidence([2, 3, 9], [True, True, False])
    depth = evidence([0, 9, 9], [True, False, False], unsure=2)
    np.testing.assert_allclose(joined({"rgb": colours, "depth": depth}, rule, weights), expected, rtol=1e-6)


def test_the_one_class_svm_weighs_distances_upwards() -> None:
    generator = np.random.default_rng(0)
    good = [np.asarray(1 + 0.2 * generator.normal(size=500), np.float32) for _ in range(3)]
    weights = one_class_weights(good, 0)
    assert (weights > 0).all()
    assert np.linalg.norm(weights) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(
        one_class_weights([one[:0] for one in good], 0), np.full(3, 3**-0.5), rtol=1e-6
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("plates")
    return [saved_sample(folder, f"{k:02}", plate(k)) for k in range(8)]


def fitted(name: str, samples: list[Sample]) -> Detector:
    return create_detector(name.split()[0], encoder="filters", resolution=64, **BOTH[name]).fit(samples)


@pytest.mark.parametrize("name", BOTH)
def test_a_picture_without_depth_is_judged_by_its_colours(name: str, samples: list[Sample]) -> None:
    detector = fitted(name, samples)
    good, bad = (detector.judge(detector.look([Picture(rgb)])[0]).score for rgb in (plate(100), stained(100)))
    assert bad > good
    # A dent that colours do not show.
    rgb = plate(101)
    dent = depth_of(rgb)
    dent[20:40, 40:64] += 3
    flat, dented = (
        detector.judge(detector.look([Picture(rgb, depth)])[0]).score for depth in (depth_of(rgb), dent)
    )
    assert dented > flat
    # The same with most of its depth unknown: what is left still counts.
    dent[:, :32] = np.nan
    assert detector.judge(detector.look([Picture(rgb, dent)])[0]).score > flat


def test_parts_learned_without_depth_are_compared_by_colours(samples: list[Sample]) -> None:
    without = [replace(sample, depth=None) for sample in samples]
    for name in BOTH:
        detector = fitted(name, without)
        good, bad = (
            detector.judge(detector.look([Picture(rgb, depth_of(rgb))])[0]).score
            for rgb in (plate(9), stained(9))
        )
        assert bad > good
    cfm = create_detector("cfm", encoder="filters", resolution=64, steps=5)
    with pytest.raises(SpecsightError, match="cfm needs depth, and no good part comes with any"):
        cfm.fit(without)
    with pytest.raises(SpecsightError, match="cfm compares depth with colours, and this picture has none"):
        cfm.look([Picture(plate(0), depth_of(plate(0))).without("rgb")])


@pytest.mark.parametrize("name", BOTH)
def test_a_picture_without_colours_is_judged_by_its_depth(name: str, samples: list[Sample]) -> None:
    detector = fitted(name, samples)
    dent = depth_of(plate(101))
    dent[20:40, 40:64] += 3
    flat, dented = (
        detector.judge(detector.look([Picture(plate(101), depth).without("rgb")])[0]).score
        for depth in (depth_of(plate(101)), dent)
    )
    assert dented > flat


def test_a_flat_surface_has_one_bin_of_each_angle_and_a_ball_others() -> None:
    y, x = (np.mgrid[:64, :64] - 31.5) * 0.5
    flat, known, cells = fpfh(np.full((64, 64), 250, np.float32), 0.5)
    assert flat.shape == (33, *cells.size)
    assert known.all()
    middle = flat[:, 8, 8].reshape(3, 11)
    np.testing.assert_allclose(middle.sum(1), 1, atol=1e-5)
    # Normals agree and stand at right angles to every line between points: all angles are zero, the middle bin.
    np.testing.assert_allclose(middle[:, 5], 1, atol=1e-5)
    bumps = np.asarray(250 - 3 * np.cos(x * 0.8) * np.cos(y * 0.8), np.float32)
    curved = fpfh(bumps, 0.5)[0]
    assert curved[:, 8, 8].reshape(3, 11)[1, 5] < 0.9
    # Neither another distance nor another unit of length changes what the surface is like.
    np.testing.assert_allclose(fpfh(bumps + 50, 0.5)[0], curved, atol=0.06)
    np.testing.assert_allclose(fpfh(bumps * 10, 5)[0], curved, atol=0.06)


def test_a_network_of_arrays_is_what_it_was_saved_as(tmp_path: Path) -> None:
    layers = ((np.ones((2, 3), np.float32), np.zeros(2, np.float32)),)
    network = Perceptron(np.ones(3, np.float32), np.full(3, 2, np.float32), layers)
    assert network(np.full((1, 3), 3, np.float32)).tolist() == [[3.0, 3.0]]
    again = Perceptron.of_arrays(network.arrays("n"), "n")
    assert again(np.full((1, 3), 3, np.float32)).tolist() == [[3.0, 3.0]]
    with pytest.raises(ValueError, match="does not take"):
        Perceptron(np.ones(2, np.float32), np.ones(2, np.float32), layers)
