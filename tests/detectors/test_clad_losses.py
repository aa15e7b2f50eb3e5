"""CLAD's losses, scores and maps, against values computed by hand and against finite differences."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from torch import Tensor

from specsight.detectors.clad.losses import (
    label_aware_loss,
    literal_loss,
    reconstruction_loss,
    relations,
    squared_distances,
)
from specsight.detectors.clad.maps import acceptance, gamma_for, grad_cam, logistic, mismatch, similarity

DISTANCES = torch.tensor([[0.3, 0.8, 1.4], [0.2, 0.05, 0.9], [2.0, 0.5, 1.1]])


def test_squared_distances_are_between_every_pair() -> None:
    first, second = (
        torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
        torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.6, 0.8]]),
    )
    expected = torch.tensor([[0.0, 4.0, 0.8], [2.0, 2.0, 0.4]])
    torch.testing.assert_close(squared_distances(first, second), expected)


def test_the_literal_loss_pushes_every_other_sentence_away() -> None:
    """Rows: (0.2 + (0.2 + 0) / 2), (0 + (0.8 + 0.1) / 2), (1.0 + (0 + 0.5) / 2)."""
    expected = (0.3 + 0.45 + 1.25) / 3
    assert float(literal_loss(DISTANCES, 0.1, 1.0)) == pytest.approx(expected)
    assert float(literal_loss(DISTANCES[:1, :1], 0.1, 1.0)) == pytest.approx(0.2), "alone: nothing to push"


def test_the_label_aware_loss_takes_means_over_right_and_wrong_sentences() -> None:
    """Rows: right {0.3, 0.8}, wrong {1.4}; right {0.05}, wrong {0.2, 0.9}; right {1.1}, 2.0 and 0.5 say nothing."""
    relation = torch.tensor([[1, 1, -1], [-1, 1, -1], [0, 0, 1]])
    expected = ((0.2 + 0.7) / 2 + 0) + (0 + (0.8 + 0.1) / 2) + (1.0 + 0)
    assert float(label_aware_loss(DISTANCES, relation, 0.1, 1.0)) == pytest.approx(expected / 3)
    hard = ((0.2 + 0.7) / 2 + 0) + (0 + 0.8) + (1.0 + 0)
    assert float(label_aware_loss(DISTANCES, relation, 0.1, 1.0, hard=True)) == pytest.approx(hard / 3)


def test_pairs_that_say_nothing_have_no_gradient() -> None:
    distances = DISTANCES.clone().requires_grad_()
    relation = torch.tensor([[1, 0, -1], [0, 1, -1], [-1, 0, 1]])
    label_aware_loss(distances, relation, 0.1, 1.0).backward()
    assert distances.grad is not None
    assert not distances.grad[relation == 0].any()
    assert distances.grad[0, 0] > 0, "what is right is drawn near"
    assert distances.grad[1, 2] < 0, "what is wrong is pushed away"


def test_many_good_pictures_with_one_sentence_fight_in_the_literal_loss_only() -> None:
    """The flaw of the paper's wording: equal states at distance 0 are a loss of m' literally, and none label-aware."""
    same = torch.zeros(4, 4)
    assert float(literal_loss(same, 0.1, 1.0)) == pytest.approx(1.0)
    shows = torch.ones(4, 1, dtype=torch.bool)
    assert float(label_aware_loss(same[:, :1], relations(shows, torch.ones(1, 1)), 0.1, 1.0)) == 0


def test_a_state_is_wrong_only_where_all_that_is_shown_excludes_it() -> None:
    """States: good, crack, stain, damage of no particular kind, which any defect may be."""
    between = torch.tensor([[1, -1, -1, -1], [-1, 1, -1, 0], [-1, -1, 1, 0], [-1, 0, 0, 1]])
    shows = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=torch.bool)
    expected = torch.tensor([[1, -1, -1, -1], [-1, 1, -1, 0], [-1, 1, 1, 0], [-1, 0, 0, 1]])
    assert torch.equal(relations(shows, between), expected)


def test_reconstruction_is_squared_length_averaged_over_pictures_and_cells() -> None:
    rebuilt, target = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.5)
    target[1] = 0
    assert float(reconstruction_loss(rebuilt, target)) == pytest.approx(3 * 0.25 / 2)


@pytest.mark.parametrize("name", ["literal", "label-aware", "hard", "reconstruction", "mismatch"])
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(5, 4, dtype=torch.double, generator=generator) * 0.5 for _ in range(2))
    relation = torch.randint(-1, 2, (5, 5), generator=generator)

    def loss(v: Tensor, t: Tensor) -> Tensor:
        distances = squared_distances(v, t)
        if name == "literal":
            return literal_loss(distances, 0.1, 1.0)
        if name == "reconstruction":
            return reconstruction_loss(v, t)
        if name == "mismatch":
            return mismatch(v, t[:2], t[2:])
        return label_aware_loss(distances, relation, 0.1, 1.0, hard=name == "hard")

    assert torch.autograd.gradcheck(loss, (first.requires_grad_(), second.requires_grad_()))


def test_similarity_of_the_golden_vector() -> None:
    assert similarity(0.25, gamma=1.0) == pytest.approx(0.778801, abs=1e-6)


def test_gamma_gives_the_median_good_picture_nine_tenths() -> None:
    distances = [0.1, 0.4, 0.2, 0.3, 5.0]
    gamma = gamma_for(distances)
    assert similarity(0.3, gamma) == pytest.approx(0.9)
    order = [similarity(d, gamma) for d in sorted(distances)]
    assert order == sorted(order, reverse=True)


def test_the_margin_is_towards_the_nearest_acceptable_sentence() -> None:
    v = torch.tensor([[1.0, 0.0]])
    accepted = torch.tensor([[0.0, 1.0], [0.6, 0.8]])
    defects = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert float(acceptance(v, accepted)) == pytest.approx(0.8)
    torch.testing.assert_close(mismatch(v, accepted, defects), torch.tensor([[0.8], [0.8 - 4.0]]))
    assert logistic(math.log(3)) == pytest.approx(0.75)
    assert (logistic(-1e4), logistic(1e4)) == (0.0, 1.0)


def test_grad_cam_of_a_network_whose_answer_can_be_computed() -> None:
    """Two channels, pooled by their mean: v = (mean A¹, mean A²). The good sentence is (1, 0), the defect (0, 1), so
    y = ||v - n||² - ||v - a||² = 2 (v₂ - v₁): α = (-2, 2) / Z, and the map is ReLU(2 (A² - A¹)) / Z."""
    activations = torch.tensor([[[[3.0, 0.0], [1.0, 0.0]], [[1.0, 2.0], [1.0, 0.5]]]], requires_grad=True)
    v = activations.mean((2, 3))
    good, defect = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    (target,) = mismatch(v, good, defect)[:, 0]
    # α averages ∂y/∂A over Z = 4 cells, each of which already is a quarter of ∂y/∂v.
    expected = torch.relu(2 * (activations[0, 1] - activations[0, 0])).detach() / 4
    torch.testing.assert_close(grad_cam(target, activations), expected)
    v = activations.mean((2, 3))
    of_similarity = grad_cam(similarity_of(v, good), activations)
    assert of_similarity[0, 1] == 0 < expected[0, 1], (
        "of the similarity it would show evidence for a good part"
    )


def similarity_of(v: Tensor, good: Tensor) -> Tensor:
    return torch.exp(-squared_distances(v, good)[0, 0])
