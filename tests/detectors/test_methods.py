"""Each method against its paper's equations, written out anew in plain float64 loops on small arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.support.views import view_of

from specsight.detectors import View
from specsight.detectors.anomalydino import AnomalyDino, foreground
from specsight.detectors.padim import REGULARISATION, Padim
from specsight.detectors.patchcore import PatchCore
from specsight.detectors.puad import Puad
from specsight.detectors.spade import EMBEDDING, Spade
from specsight.detectors.subspacead import SubspaceAD
from specsight.encoders import Encoder, Features, Layer
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.features.shrunk_gaussian import ShrunkGaussian
from specsight.images import Cells, Frame
from specsight.images.cells import Region
from specsight.images.rotation import rotated
from specsight.records import Picture, Sample

GRID = (4, 5)
FRAME = Frame(native=(32, 40), content=(32, 40), offset=(0, 0), size=(32, 40))
CELLS = Cells.over(FRAME.size, GRID)


def random_views(count: int, channels: int = 3, seed: int = 0) -> list[View]:
    """Views with one layer "stride8" of correlated features on a 4 × 5 grid."""
    generator = np.random.default_rng(seed)
    mixing = generator.standard_normal((channels, channels))
    views = []
    for _ in range(count):
        noise = generator.standard_normal((*GRID, channels)) @ mixing
        views.append(view_of(FRAME, {"stride8": noise.transpose(2, 0, 1).astype(np.float32)}))
    return views


def patches(view: View) -> list[np.ndarray]:
    return list(view.features["stride8"].reshape(len(view.features["stride8"]), -1).T.astype(np.float64))


def test_patchcore_score_and_map_by_the_papers_equations() -> None:
    """Without directions and whitening; the score is the mean of the largest distances."""
    good, test = random_views(6), random_views(1, seed=1)[0]
    detector = PatchCore(neighbourhood=1, coreset_ratio=1.0, variance=1.0, top=0.1, sigma=0)
    detector._learn(iter(good), len(good), None)
    bank = [patch for view in good for patch in patches(view)]
    expected = [min(np.linalg.norm(patch - member) for member in bank) for patch in patches(test)]
    judgement = detector.judge(test)
    assert judgement.score == pytest.approx(np.mean(sorted(expected)[-2:]), rel=1e-4)
    grid = np.array(expected, np.float32).reshape(GRID)
    np.testing.assert_allclose(judgement.map, grids.on_picture(grid, CELLS, FRAME, 0), rtol=1e-4)


def test_patchcore_compares_whitened_directions() -> None:
    """Written out anew: unit vectors, on the axes of the good ones, each over √(variance + mean variance)."""
    good, test = random_views(6, channels=4), random_views(1, channels=4, seed=2)[0]
    detector = PatchCore(neighbourhood=1, coreset_ratio=1.0, variance=0.9999999, top=0.05, sigma=0)
    detector._learn(iter(good), len(good), None)
    units = np.array([patch / np.linalg.norm(patch) for view in good for patch in patches(view)])
    variances, axes = np.linalg.eigh(np.cov(units.T, bias=True))
    whitened = axes / np.sqrt(variances + variances.mean())
    queries = [patch / np.linalg.norm(patch) @ whitened for patch in patches(test)]
    expected = [min(np.linalg.norm(query - member @ whitened) for member in units) for query in queries]
    judgement = detector.judge(test)
    assert judgement.score == pytest.approx(max(expected), rel=1e-3)
    grid = np.array(expected, np.float32).reshape(GRID)
    np.testing.assert_allclose(judgement.map, grids.on_picture(grid, CELLS, FRAME, 0), rtol=1e-3, atol=1e-5)


def test_patchcore_takes_no_change_of_contrast_for_a_defect() -> None:
    good, test = random_views(6, channels=4), random_views(1, channels=4, seed=2)[0]
    detector = PatchCore(neighbourhood=1)
    detector._learn(iter(good), len(good), None)
    dimmed = view_of(FRAME, {"stride8": 0.6 * test.features["stride8"]})
    assert detector.judge(dimmed).score == pytest.approx(detector.judge(test).score, rel=1e-4)


def test_locally_aware_patches_average_the_cells_that_exist() -> None:
    features = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    averaged = grids.aggregate(features, 3)[0]
    assert averaged[1, 1] == pytest.approx(features[0, 0:3, 0:3].mean())
    assert averaged[0, 0] == pytest.approx(features[0, 0:2, 0:2].mean())


def test_layers_are_joined_on_the_first_ones_grid() -> None:
    fine = np.zeros((2, 4, 4), np.float32)
    coarse = np.array([[[0.0, 4.0], [0.0, 4.0]]], np.float32)
    cells = {"stride8": Cells((4, 4), (8, 8)), "stride16": Cells((2, 2), (16, 16))}
    joined, of_joined = grids.join({"stride8": fine, "stride16": coarse}, cells)
    assert joined.shape == (3, 4, 4)
    assert of_joined == cells["stride8"]
    np.testing.assert_allclose(joined[2, 0], [0, 1, 3, 4])
    back, of_back = grids.join({"stride16": coarse, "stride8": fine + 5}, cells)
    np.testing.assert_allclose(back[1:], 5)
    assert of_back == cells["stride16"]


def test_layers_are_joined_where_their_cells_lie() -> None:
    """A coarse layer whose cells lie 4 pixels early is read half a fine cell later."""
    fine, coarse = np.zeros((1, 1, 4), np.float32), np.array([[[0.0, 4.0]]], np.float32)
    cells = {"stride8": Cells((1, 4), (8, 8)), "stride16": Cells((1, 2), (8, 16), offset=(0.0, -4.0))}
    joined, _ = grids.join({"stride8": fine, "stride16": coarse}, cells)
    np.testing.assert_allclose(joined[1, 0], [0, 2, 4, 4])
    averaged, _ = grids.join({"stride16": coarse, "stride8": np.array([[[1.0, 2, 3, 4]]], np.float32)}, cells)
    # Its first cell covers pixels -4 to 12, its second 12 to 28: half a fine cell, one or one and a half.
    np.testing.assert_allclose(averaged[1, 0], [(1 + 2 / 2) / 1.5, (2 / 2 + 3 + 4 / 2) / 2])


def test_padim_is_the_mahalanobis_distance_of_each_position() -> None:
    good, test = random_views(25, channels=3), random_views(1, channels=3, seed=3)[0]
    detector = Padim(dimension=3, grid=8, sigma=0)
    detector._learn(iter(good), len(good), None)
    samples = np.array([patches(view) for view in good])
    covariances = [np.cov(samples[:, position].T) for position in range(20)]
    scale = np.mean([np.trace(c) / 3 for c in covariances])
    expected = []
    for position, patch in enumerate(patches(test)):
        inverse = np.linalg.inv(covariances[position] + REGULARISATION * scale * np.eye(3))
        difference = patch - samples[:, position].mean(0)
        expected.append(math.sqrt(difference @ inverse @ difference))
    judgement = detector.judge(test)
    np.testing.assert_allclose(
        judgement.map,
        grids.on_picture(np.array(expected, np.float32).reshape(GRID), CELLS, FRAME, 0),
        rtol=1e-3,
    )
    assert judgement.score == judgement.map.max()


def test_padim_keeps_the_same_random_channels_under_a_seed() -> None:
    chosen = []
    for seed in (0, 0, 1):
        detector = Padim(dimension=4, grid=8, seed=seed)
        detector._learn(iter(random_views(20, channels=30)), 20, None)
        assert detector.channels_ is not None
        chosen.append(detector.channels_)
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert len(set(chosen[0].tolist())) == 4
    assert chosen[0].tolist() != chosen[2].tolist()


def test_padim_refuses_a_picture_of_another_grid() -> None:
    with pytest.raises(SpecsightError, match=r"padim needs at least 20 good parts \(got 7\)"):
        Padim.needs.check_enough(Padim.name, 7)


def test_spade_compares_with_the_nearest_pictures_only() -> None:
    generator = np.random.default_rng(4)
    good, test = random_views(5), random_views(1, seed=5)[0]
    embedded = [
        view_of(FRAME, {**view.features, EMBEDDING: generator.standard_normal((7, 1, 1)).astype(np.float32)})
        for view in [*good, test]
    ]
    detector = Spade(neighbours=2, sigma=0)
    detector._learn(iter(embedded[:-1]), 5, None)
    query = embedded[-1].features[EMBEDDING].ravel().astype(np.float64)
    distances = [np.sum((query - v.features[EMBEDDING].ravel()) ** 2) for v in embedded[:-1]]
    nearest = sorted(range(5), key=lambda k: distances[k])[:2]
    gallery = [patch for k in nearest for patch in patches(good[k])]
    expected = [min(np.linalg.norm(patch - member) for member in gallery) for patch in patches(test)]
    judgement = detector.judge(embedded[-1])
    assert judgement.score == pytest.approx(np.mean([distances[k] for k in nearest]), rel=1e-5)
    np.testing.assert_allclose(
        judgement.map,
        grids.on_picture(np.array(expected, np.float32).reshape(GRID), CELLS, FRAME, 0),
        rtol=1e-4,
    )


def test_puad_adds_both_scores_in_deviations_of_held_out_good_pictures() -> None:
    generator = np.random.default_rng(4)
    embedded = [
        view_of(FRAME, {**view.features, EMBEDDING: generator.standard_normal((7, 1, 1)).astype(np.float32)})
        for view in random_views(13)
    ]
    detector, good, test = Puad(sigma=0), embedded[:-1], embedded[-1]
    detector._learn(iter(good), len(good), None)
    plain = [View(view.frame, {"stride8": view.features["stride8"]}, view.cells) for view in embedded]
    vectors = np.stack([view.features[EMBEDDING].ravel() for view in embedded])

    def scores(learned: list[int], judged: int) -> tuple[float, float]:
        patches = PatchCore(sigma=0)
        patches._learn(iter([plain[k] for k in learned]), len(learned), None)
        picture = ShrunkGaussian.learn(vectors[learned]).distances(vectors[[judged]])[0]
        return patches.judge(plain[judged]).score, picture

    held_out = np.array([scores([j for j in range(12) if j % 4 != k % 4], k) for k in range(12)])
    standardised = (scores(list(range(12)), 12) - held_out.mean(0)) / held_out.std(0, ddof=1)
    judgement = detector.judge(test)
    assert judgement.score == pytest.approx(standardised.sum(), rel=1e-4)
    assert detector.patches_ is not None
    np.testing.assert_array_equal(judgement.map, detector.patches_.judge(plain[12]).map)


def test_subspacead_is_the_squared_rest_behind_the_principal_axes() -> None:
    good, test = random_views(8, channels=6), random_views(1, channels=6, seed=6)[0]
    detector = SubspaceAD(variance=0.8, top=0.1, sigma=0)
    detector._learn(iter(good), len(good), None)
    samples = np.array([patch for view in good for patch in patches(view)])
    mean = samples.mean(0)
    _, singular, axes = np.linalg.svd(samples - mean, full_matrices=False)
    share = np.cumsum(singular**2) / np.sum(singular**2)
    leading = axes[: int(np.argmax(share >= 0.8)) + 1]
    expected = []
    for patch in patches(test):
        difference = patch - mean
        expected.append(difference @ difference - sum((axis @ difference) ** 2 for axis in leading))
    judgement = detector.judge(test)
    np.testing.assert_allclose(
        judgement.map,
        grids.on_picture(np.array(expected, np.float32).reshape(GRID), CELLS, FRAME, 0),
        rtol=1e-3,
        atol=1e-5,
    )
    assert judgement.score == pytest.approx(np.mean(sorted(expected)[-2:]), rel=1e-4)


def test_subspacead_averages_layers_of_one_shape() -> None:
    first, second = (random_views(1, seed=s)[0].features["stride8"] for s in (7, 8))
    view = view_of(FRAME, {"block2": first, "block3": second})
    np.testing.assert_allclose(SubspaceAD()._averaged(view)[0], (first + second) / 2, rtol=1e-6)


def test_anomalydino_is_the_cosine_distance_to_the_nearest_reference_patch() -> None:
    good, test = random_views(2), random_views(1, seed=9)[0]
    detector = AnomalyDino(top=0.1, sigma=0)
    detector._learn(iter(good), len(good), None)
    references = [patch for view in good for patch in patches(view)]
    expected = [
        min(1 - p @ r / (np.linalg.norm(p) * np.linalg.norm(r)) for r in references) for p in patches(test)
    ]
    judgement = detector.judge(test)
    np.testing.assert_allclose(
        judgement.map,
        grids.on_picture(np.array(expected, np.float32).reshape(GRID), CELLS, FRAME, 0),
        rtol=1e-3,
        atol=1e-6,
    )
    assert judgement.score == pytest.approx(np.mean(sorted(expected)[-2:]), rel=1e-3)


def test_anomalydino_foreground_is_the_side_in_the_middle() -> None:
    cells = np.zeros((14, 14, 3), np.float32)
    cells[4:10, 4:10] = (1, 0.5, 0)
    cells += np.random.default_rng(0).normal(0, 0.01, cells.shape).astype(np.float32)
    for sign in (1, -1):
        mask = foreground(sign * cells.reshape(-1, 3), (14, 14))
        assert mask[4:10, 4:10].all()
        assert not mask[:2].any()
        assert not mask[:, -2:].any()
    assert foreground(np.ones((196, 3), np.float32), (14, 14)).all()


class Directed(Encoder):
    """Contrast along rows and down columns at stride 8: sees which way stripes run."""

    name = "directed"
    fingerprint = "1" * 64
    multiple = 8
    available = (Layer("stride8", 8, 2),)
    default_layers = ("stride8",)

    def layers(self, images: np.ndarray, which: Sequence[str] | None = None) -> list[Features]:
        light = images.mean(3, dtype=np.float32)
        steps = [np.abs(np.diff(light, axis=axis, append=0)) for axis in (2, 1)]
        b, h, w = light.shape
        cells = [step.reshape(b, h // 8, 8, w // 8, 8).mean((2, 4)) for step in steps]
        return [np.stack(cells, axis=1)]

    def embed_images(self, images: np.ndarray, inside: Region | None = None) -> Features:
        return np.asarray(self.layers(images)[0].mean((2, 3)))


def _striped(tmp_path: Path, name: str, turns: int, seed: int) -> Sample:
    import cv2

    grey = np.where(np.arange(64) % 8 < 4, 60, 200) + np.zeros((64, 1))
    grey = np.rot90(grey, turns) + np.random.default_rng(seed).normal(0, 3, (64, 64))
    path = tmp_path / f"{name}.png"
    cv2.imwrite(str(path), np.clip(grey, 0, 255).astype(np.uint8))
    return Sample(name, path, "part", label="good")


def test_references_are_rotated_only_where_parts_lie_differently(tmp_path: Path) -> None:
    alike = [_striped(tmp_path, f"alike{k}", 0, k) for k in range(3)]
    turned = [_striped(tmp_path, f"turned{k}", k, k) for k in range(2)]
    for samples, expected in ((alike, False), (turned, True)):
        detector = AnomalyDino(encoder=Directed(), resolution=64).fit(samples)
        assert bool(detector.framing.angles) is expected
        assert detector.framing.reasons
    assert AnomalyDino(encoder=Directed(), resolution=64, rotate=True).fit(alike).framing.angles


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (33, 33, 3), dtype=np.uint8)
    np.testing.assert_array_equal(rotated(Picture(rgb), 90).rgb, np.rot90(rgb))
    assert rotated(Picture(rgb[:, :20]), 45).size == (33, 20)


def test_maps_lie_where_the_patches_are_and_padding_is_silent() -> None:
    frame = Frame(native=(40, 60), content=(40, 60), offset=(0, 0), size=(64, 64))
    distances = np.zeros((8, 8), np.float32)
    distances[2, 5] = 1
    cells = Cells.over(frame.size, (8, 8))
    heat = grids.on_picture(*grids.inside(distances, cells, frame), frame, 2.0)
    assert np.unravel_index(int(heat.argmax()), heat.shape) in {(19, 43), (19, 44), (20, 43), (20, 44)}
    loud = distances.copy()
    loud[5:], loud[:, 8:] = 100, 100
    np.testing.assert_array_equal(grids.on_picture(*grids.inside(loud, cells, frame), frame, 2.0), heat)
    late = Cells((8, 8), (8, 8), offset=(-4.0, 3.0))
    moved = grids.on_picture(*grids.inside(distances, late, frame), frame, 2.0)
    assert np.unravel_index(int(moved.argmax()), moved.shape) in {(15, 46), (15, 47), (16, 46), (16, 47)}


def test_the_top_mean_counts_at_least_one_cell() -> None:
    values = np.arange(10, dtype=np.float32).reshape(2, 5)
    assert grids.top_mean(values, 0.01) == 9
    assert grids.top_mean(values, 0.2) == 8.5


@pytest.mark.shared
@pytest.mark.parametrize(("encoder", "least"), [("filters", 0.9), ("mobilenet_v2_imagenet", 0.97)])
def test_patchcore_tells_real_bottles_apart(shared: Path, encoder: str, least: float) -> None:
    from specsight.images import load_picture

    folder = shared / "data" / "mvtec_ad" / "bottle"
    name = encoder if encoder == "filters" else str(shared / "encoders" / encoder)
    train = sorted((folder / "train" / "good").glob("*.png"))[::10]
    detector = PatchCore(encoder=name, resolution=224, coreset_limit=2000)
    detector.fit([Sample(p.stem, p, "bottle", label="good") for p in train])
    scores: dict[bool, list[float]] = {True: [], False: []}
    for path in sorted((folder / "test").glob("*/*.png"))[::3]:
        bad = path.parent.name != "good"
        picture = load_picture(Sample(path.stem, path, "bottle"))
        scores[bad].append(detector.judge(detector.look([picture])[0]).score)
    ranked = np.mean([[b > g for g in scores[False]] for b in scores[True]])
    assert ranked >= least
