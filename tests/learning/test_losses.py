"""Segmentation losses against values computed by hand, and their gradients."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch

from specsight.learning.losses import class_targets, dice, focal, focal_dice


def logits_of(*probabilities: float) -> torch.Tensor:
    """One cell, (C, 1)."""
    return torch.tensor(probabilities, dtype=torch.float64).log()[:, None]


def test_focal_of_one_cell_by_hand() -> None:
    """p = (0.7, 0.2, 0.1), truth is the second class: (1 - 0.2)² · -ln 0.2 = 1.030040."""
    target = torch.tensor([[0.0], [1.0], [0.0]], dtype=torch.float64)
    value = focal(logits_of(0.7, 0.2, 0.1), target, smooth=0)
    assert value.item() == pytest.approx(0.64 * -math.log(0.2), abs=1e-12)
    assert value.item() == pytest.approx(1.030040, abs=1e-6)


def test_smoothing_moves_a_part_of_the_target_to_the_other_classes() -> None:
    """ε = 0.1, three classes: targets (0.05, 0.9, 0.05)."""
    target = torch.tensor([[0.0], [1.0], [0.0]], dtype=torch.float64)
    p = (0.7, 0.2, 0.1)
    expected = sum(t * (1 - q) ** 2 * -math.log(q) for t, q in zip((0.05, 0.9, 0.05), p))
    assert focal(logits_of(*p), target, smooth=0.1).item() == pytest.approx(expected, abs=1e-12)


def test_without_focus_it_is_cross_entropy() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 5, 6, dtype=torch.float64)
    labels = torch.randint(4, (5, 6))
    one_hot = torch.nn.functional.one_hot(labels, 4).permute(2, 0, 1).double()
    expected = torch.nn.functional.cross_entropy(logits[None], labels[None])
    assert focal(logits, one_hot, gamma=0, smooth=0).item() == pytest.approx(expected.item(), abs=1e-12)


def test_a_half_covered_cell_asks_for_a_half() -> None:
    """With soft targets and γ = 0 the optimum is the target itself; a loss of Σ t p has no optimum there at all."""
    half = torch.tensor([[0.5], [0.5]], dtype=torch.float64)
    losses = [focal(logits_of(1 - p, p), half).item() for p in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert losses.index(min(losses)) == 2
    assert losses[0] == pytest.approx(losses[4])


def test_very_sure_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    for right in (torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])):
        loss = focal_dice(logits, right)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


def test_dice_by_hand() -> None:
    """p = (0.5, 1, 0, 0), t = (1, 1, 0, 0), s = 1: 1 - (2 · 1.5 + 1) / (1.5 + 2 + 1) = 1/9."""
    p, t = torch.tensor([0.5, 1.0, 0.0, 0.0]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert dice(p, t).item() == pytest.approx(1 / 9, abs=1e-6)


def test_dice_is_zero_exactly_for_the_right_map_and_never_negative() -> None:
    """The published variant multiplies targets by five and falls below zero."""
    t = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert dice(t, t).item() == 0
    assert dice(1 - t, t).item() == pytest.approx(1 - 1 / 5)
    empty = torch.zeros(4)
    assert dice(empty, empty).item() == 0
    assert dice(torch.full((4,), 0.5), empty).item() == pytest.approx(2 / 3)


def test_targets_sum_to_one_where_types_overlap() -> None:
    shares = torch.tensor([[0.0, 0.25, 1.0, 1.0], [0.0, 0.5, 0.0, 1.0]])
    expected = torch.tensor([[1.0, 0.25, 0.0, 0.0], [0.0, 0.25, 1.0, 0.5], [0.0, 0.5, 0.0, 0.5]])
    torch.testing.assert_close(class_targets(shares), expected)
    torch.testing.assert_close(class_targets(shares).sum(0), torch.ones(4))


def test_dice_of_several_types_looks_at_any_of_them() -> None:
    """The wrong type in the right place costs focal loss, not overlap."""
    targets = class_targets(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    right, wrong = torch.zeros(3, 2), torch.zeros(3, 2)
    right[0, 1] = wrong[0, 1] = right[1, 0] = wrong[2, 0] = 30
    overlap = [focal_dice(x, targets) - focal(x, targets) for x in (right, wrong)]
    assert overlap[0].item() == pytest.approx(overlap[1].item(), abs=1e-6)
    assert focal(wrong, targets) > focal(right, targets) + 1


@pytest.mark.parametrize("classes", [2, 4])
def test_gradients(classes: int) -> None:
    torch.manual_seed(classes)
    logits = torch.randn(classes, 3, 4, dtype=torch.float64, requires_grad=True)
    targets = class_targets(torch.rand(classes - 1, 3, 4, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda x: focal(x, targets), logits)
    assert torch.autograd.gradcheck(lambda x: focal_dice(x, targets), logits)
    p = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: dice(x, targets[0]), p)
