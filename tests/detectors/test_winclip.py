"""WinCLIP: the aggregation of windows, window embeddings against full passes, and good references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.support.colour_encoder import ColourEncoder
from tests.support.reading_checkpoints import FAMILIES, PATCH

from specsight.detectors import create_detector
from specsight.detectors.winclip import harmonic
from specsight.encoders import Encoder, load_encoder
from specsight.encoders.passes.windows import embed_windows, window_means
from specsight.records import Picture
from specsight.specification import Specification


@pytest.fixture(scope="module", params=["clip", "siglip"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder: Path = tmp_path_factory.mktemp("checkpoints") / request.param
    return load_encoder(FAMILIES[request.param](folder))


def noise(*size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)


def test_harmonic_aggregation_golden_vector() -> None:
    windows = np.array([[[0.2, 0.4], [0.6, 0.8]]])
    expected = [[0.2, 0.266667, 0.4], [0.3, 0.384, 0.533333], [0.6, 0.685714, 0.8]]
    assert_allclose(harmonic(windows, (3, 3))[0], expected, atol=1e-6)


@given(size=st.integers(1, 3), rows=st.integers(3, 7), columns=st.integers(3, 7), seed=st.integers(0, 99))
def test_harmonic_aggregation_is_the_harmonic_mean_of_covering_windows(
    size: int, rows: int, columns: int, seed: int
) -> None:
    scores = np.random.default_rng(seed).uniform(0.01, 1, (1, rows - size + 1, columns - size + 1))
    found = harmonic(scores, (rows, columns))[0]
    for row in range(rows):
        for column in range(columns):
            covering = [
                scores[0, r, c]
                for r in range(max(0, row - size + 1), min(row, rows - size) + 1)
                for c in range(max(0, column - size + 1), min(column, columns - size) + 1)
            ]
            assert found[row, column] == pytest.approx(len(covering) / sum(1 / s for s in covering))


def test_a_window_over_the_whole_picture_is_the_picture(encoder: Encoder) -> None:
    pixels = noise(1, 3 * PATCH, 3 * PATCH)
    (window,) = embed_windows(encoder, pixels, [3])
    assert window.shape[2:] == (1, 1)
    assert_allclose(window[:, :, 0, 0], encoder.embed_images(pixels), atol=1e-5)


def test_windows_see_their_own_patches_and_no_others(encoder: Encoder) -> None:
    pixels = noise(2, 4 * PATCH, 6 * PATCH)
    changed = pixels.copy()
    changed[:, :, 4 * PATCH :] = 255 - changed[:, :, 4 * PATCH :]
    for size, before, after in zip((2, 3), *(embed_windows(encoder, p, [2, 3]) for p in (pixels, changed))):
        assert before.shape[2:] == (4 - size + 1, 6 - size + 1)
        same = np.abs(before - after).max((0, 1)) < 1e-6
        untouched = np.arange(6 - size + 1) + size <= 4
        assert_array_equal(same, np.broadcast_to(untouched, same.shape))


def test_windows_are_numbered_like_the_grid(encoder: Encoder) -> None:
    """The window at row 1, column 2 is that of the patches there: a picture that differs there differs there only."""
    pixels = noise(1, 4 * PATCH, 5 * PATCH)
    changed = pixels.copy()
    changed[:, PATCH : 2 * PATCH, 2 * PATCH : 3 * PATCH] = 0
    (before,), (after,) = (embed_windows(encoder, p, [2]) for p in (pixels, changed))
    moved = np.abs(before - after).max((0, 1)) > 1e-6
    expected = np.zeros((3, 4), bool)
    expected[0:2, 1:3] = True
    assert_array_equal(moved, expected)


def test_without_tokens_a_window_is_the_mean_of_its_patches() -> None:
    patches = np.random.default_rng(0).normal(size=(2, 5, 4, 6)).astype(np.float32)
    windows = window_means(patches, 3)
    assert windows.shape == (2, 5, 2, 4)
    mean = patches[1, :, 1:4, 2:5].mean((1, 2))
    assert_allclose(windows[1, :, 1, 2], mean / np.linalg.norm(mean), atol=1e-6)


SPECIFICATION = Specification(product="plate")


def test_the_zero_shot_score_is_the_softmax_of_the_whole_picture() -> None:
    """Grey plate against grey "good" (cosine 1) and "damaged" (cosine 0): 1 / (1 + e^(1/T))."""
    detector = create_detector("winclip", encoder=ColourEncoder(), resolution=64).fit([], SPECIFICATION)
    (view,) = detector.look([Picture(np.full((64, 96, 3), 90, np.uint8))])
    judgement = detector.judge(view)
    bank = detector._get_words().anchors()
    expected = 1 / (1 + np.exp((bank.good[:3].sum() - bank.defects[0, :3].sum()) / 3**0.5 / 0.07))
    assert judgement.score == pytest.approx(expected, rel=1e-4)
    assert_allclose(judgement.map, expected, rtol=1e-3)


def test_references_add_the_distance_to_good_windows(tmp_path: Path) -> None:
    from PIL import Image

    from specsight.records import Sample

    good = np.full((64, 96, 3), 90, np.uint8)
    Image.fromarray(good).save(tmp_path / "good.png")
    defective = good.copy()
    defective[16:40, 40:72] = (200, 30, 30)
    sample = Sample("good", tmp_path / "good.png", "plate", label="good")
    few = create_detector("winclip", encoder=ColourEncoder(), resolution=64).fit([sample], SPECIFICATION)
    none = create_detector("winclip", encoder=ColourEncoder(), resolution=64).fit([], SPECIFICATION)
    (view, other) = few.look([Picture(good), Picture(defective)])
    assert_allclose(few.judge(view).map, none.judge(view).map / 2, atol=1e-6)
    assert few.judge(view).score == pytest.approx(none.judge(view).score / 2)
    assert few.judge(other).score > few.judge(view).score
    added = few.judge(other).map - none.judge(other).map / 2
    assert added[24:32, 48:64].min() > 5 * added[56:, :16].max()


def test_a_dual_encoders_picture_is_the_mean_of_its_cells(tmp_path: Path) -> None:
    encoder = load_encoder(FAMILIES["dual"](tmp_path / "dual"))
    pixels = noise(2, 4 * PATCH, 6 * PATCH)
    patches, pooled = encoder.embed_patches(pixels), encoder.embed_images(pixels)
    assert patches.shape[2:] == (pixels.shape[1] // encoder.multiple, pixels.shape[2] // encoder.multiple)
    assert_allclose(np.linalg.norm(patches, axis=1), 1, atol=1e-5)
    (cell,) = embed_windows(encoder, pixels[:, :PATCH, :PATCH], [1])
    assert_allclose(cell[:, :, 0, 0], encoder.embed_images(pixels[:, :PATCH, :PATCH]), atol=1e-5)
    assert_allclose(encoder.embed_patches(pixels[1:]), patches[1:], atol=1e-6)
    assert encoder.embed_texts(["a crack"]).shape[1] == patches.shape[1] == pooled.shape[1]
