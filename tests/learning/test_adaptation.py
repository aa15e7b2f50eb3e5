"""Domain adaptation on features, against hand computations and published formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from specsight.learning import adaptation

SOURCE = np.array([[0, 0], [2, 0], [0, 1], [2, 1], [1, 3]], np.float32)
TARGET = np.array([[1, 1], [4, 2], [2, 5], [0, 1], [3, 0]], np.float32)


def drawn(seed: int, count: int, width: int = 6) -> np.ndarray:
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(width, width))
    return (generator.normal(size=(count, width)) @ mixing + generator.normal(size=width)).astype(np.float32)


def test_coral_without_a_ridge_maps_mean_and_covariance_exactly() -> None:
    given, wanted = drawn(0, 300), drawn(1, 200)
    moved = adaptation.coral(given, wanted, ridge=0)(given)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(wanted.T), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(moved.mean(0), wanted.mean(0), atol=1e-4)


def test_coral_maps_as_the_library_of_domain_adaptation_does() -> None:
    # CORALAdapter(reg=None) of skada 0.6.0: cov_source_inv_sqrt_ @ cov_target_sqrt_.
    expected = [[1.5795262, 0.07139309], [0.05829222, 1.56948039]]
    np.testing.assert_allclose(adaptation.coral(SOURCE, TARGET, ridge=0).matrix, expected, rtol=1e-5)


def test_coral_with_a_ridge_maps_regularised_covariances() -> None:
    given, wanted = drawn(0, 300), drawn(1, 200)
    matrix = adaptation.coral(given, wanted, ridge=1).matrix.astype(np.float64)
    moved = matrix.T @ (np.cov(given.T) + np.eye(6)) @ matrix
    np.testing.assert_allclose(moved, np.cov(wanted.T) + np.eye(6), rtol=1e-3, atol=1e-3)


def test_directions_without_variance_are_not_blown_up() -> None:
    flat = SOURCE * np.array([1, 0], np.float32)
    assert np.isfinite(adaptation.coral(flat, TARGET, ridge=0)(flat)).all()
    assert np.isfinite(adaptation.restandardised(flat, TARGET)(flat)).all()


def test_restandardised_channels_have_the_wanted_mean_and_deviation() -> None:
    given = drawn(0, 100)
    standard = np.array([[-1.0] * 6, [1.0] * 6], np.float32)
    moved = adaptation.restandardised(given, standard)(given)
    np.testing.assert_allclose(moved.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(moved.std(0), 1, atol=1e-5)


def test_a_map_of_sizes_that_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        adaptation.AffineMap(np.zeros(2, np.float32), np.zeros((2, 3), np.float32), np.zeros(2, np.float32))


def test_coral_loss_by_hand() -> None:
    # Covariances diag(2, 0) and diag(0, 2): squared differences 4 + 4, over 4 · 2².
    first, second = torch.tensor([[1.0, 0], [-1, 0]]), torch.tensor([[0, 1.0], [0, -1]])
    assert adaptation.coral_loss(first, second).item() == pytest.approx(8 / 16)
    assert adaptation.coral_loss(first, first).item() == 0


def test_mmd_by_hand() -> None:
    # Twice two vectors, 2 apart: k(x, x) = 1, k(x, y) = a = mean of exp(-1 / c) as the median squared distance is 4.
    # Pairs of different ones have a, all pairs across (1 + a) / 2 on average: 2 a - (1 + a).
    both = torch.tensor([[0.0], [2.0]])
    apart = sum(math.exp(-1 / c) for c in (0.25, 0.5, 1, 2, 4)) / 5
    assert adaptation.mmd(both, both).item() == pytest.approx(apart - 1, rel=1e-6)


def test_mmd_of_equal_and_of_shifted_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(400, 3, generator=generator) for _ in range(2))
    assert adaptation.mmd(first, second).item() < 0.01 < 0.1 < adaptation.mmd(first, second + 1).item()


def test_few_vectors_of_the_same_law_do_not_differ_on_average() -> None:
    generator = torch.Generator().manual_seed(0)
    found = [
        adaptation.mmd(torch.randn(64, 3, generator=generator), torch.randn(5, 3, generator=generator)).item()
        for _ in range(200)
    ]
    assert abs(sum(found) / 200) < 0.01


def test_the_gradient_is_reversed_and_the_value_is_not() -> None:
    values = torch.tensor([1.0, -2.0], requires_grad=True)
    behind = adaptation.reversed_gradient(values, 0.5)
    torch.testing.assert_close(behind, values)
    behind.backward(torch.tensor([1.0, 4.0]))
    torch.testing.assert_close(values.grad, torch.tensor([-0.5, -2.0]))


def test_the_adversarial_weight_rises_from_nothing_to_one() -> None:
    assert adaptation.adversarial_weight(0) == 0
    assert adaptation.adversarial_weight(0.1) == pytest.approx(2 / (1 + math.exp(-1)) - 1)
    assert adaptation.adversarial_weight(1) == pytest.approx(1, abs=1e-4)


def test_a_discriminator_that_cannot_tell_has_the_loss_of_a_guess() -> None:
    assert adaptation.domain_loss(torch.zeros(3), torch.zeros(9)).item() == pytest.approx(math.log(2))
    right = adaptation.domain_loss(torch.tensor([-20.0]), torch.tensor([20.0]))
    assert right.item() == pytest.approx(0, abs=1e-6)


def test_entropy_in_nats() -> None:
    assert adaptation.entropy(torch.zeros(5, 4)).item() == pytest.approx(math.log(4))
    assert adaptation.entropy(torch.tensor([[50.0, 0, 0]])).item() == pytest.approx(0, abs=1e-6)


def test_normal_looking_vectors_lie_below_the_source_median_or_in_the_lower_half() -> None:
    scores = np.array([1, 2, 3, 9], np.float32)
    assert adaptation.normal_looking(scores, 3.5).tolist() == [True, True, True, False]
    assert adaptation.normal_looking(scores + 100, 3.5).tolist() == [True, True, False, False]


def test_classes_are_aligned_with_their_own() -> None:
    source, classes = torch.randn(200, 2, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 2
    source[classes == 1] += 5
    # The target has the same classes in other shares: as a whole it seems to differ, class by class it does not.
    target = torch.cat([source[classes == 0], source[classes == 1][:20]])
    guesses = torch.tensor([0] * 100 + [1] * 20)
    by_class = adaptation.class_conditional(adaptation.mmd, source, target, classes, guesses)
    assert by_class.item() < 0.2 * adaptation.mmd(source, target).item()
    assert adaptation.class_conditional(adaptation.mmd, source, target, classes, guesses - 9).item() == 0
