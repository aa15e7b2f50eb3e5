"""Losses of the joint space against values worked out by hand; what is related is never a negative."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'models'")

from specsight.recipes.encoder import contrast

E = torch.eye(3)
ONE = torch.tensor(1.0)
NOTHING_CLOSE = torch.zeros(3, 3, dtype=torch.bool)


def test_typing_loss_by_hand() -> None:
    cells, labels = torch.stack([E[0], E[1]]), torch.tensor([0, 1])
    right = -math.log(math.e / (math.e + 2))
    # Good cells count by their mean and by their hardest; with one good cell both are the same.
    assert contrast.typing_loss(cells, labels, E, NOTHING_CLOSE, ONE).item() == pytest.approx(right, rel=1e-6)


def test_a_related_type_is_left_out_of_the_denominator() -> None:
    close = NOTHING_CLOSE.clone()
    close[1, 2] = close[2, 1] = True
    loss = contrast.typing_loss(E[1:2], torch.tensor([1]), E, close, ONE)
    assert loss.item() == pytest.approx(-math.log(math.e / (math.e + 1)), rel=1e-6)


def test_good_and_defective_cells_weigh_alike_whatever_their_number() -> None:
    losses = torch.tensor([1.0, 3.0, 3.0, 3.0])
    defective = torch.tensor([True, False, False, False])
    assert contrast.balanced(losses, defective).item() == pytest.approx(2.0)


def test_the_hardest_good_cells_count_again() -> None:
    losses = torch.cat([torch.zeros(19), torch.tensor([8.0])])
    good = torch.zeros(20, dtype=torch.bool)
    assert contrast.balanced(losses, good).item() == pytest.approx(0.75 * 8 / 20 + 0.25 * 8)


def test_damage_loss_by_hand() -> None:
    cells, defective = torch.stack([E[0], E[1]]), torch.tensor([False, True])
    loss = contrast.damage_loss(cells, defective, E[0], E[1], torch.tensor(2.0))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-6)


def test_pictures_share_their_target_among_the_types_present() -> None:
    present = torch.tensor([[0.0, 0.5, 0.5]])
    loss = contrast.picture_loss(E[1:2], present, E, ONE)
    assert loss.item() == pytest.approx(math.log(math.e + 2) - 0.5, rel=1e-6)


def test_regions_with_compatible_sentences_are_never_negatives() -> None:
    free = contrast.region_loss(E, E, torch.zeros(3, 3, dtype=torch.bool), ONE)
    assert free.item() == pytest.approx(0.0, abs=1e-6)
    contradicting = ~torch.eye(3, dtype=torch.bool)
    contradicting[0, 1] = contradicting[1, 0] = False
    by_hand = (2 * -math.log(math.e / (math.e + 1)) - math.log(math.e / (math.e + 2))) / 3
    assert contrast.region_loss(E, E, contradicting, ONE).item() == pytest.approx(by_hand, rel=1e-6)


def test_a_single_region_teaches_nothing_but_breaks_nothing() -> None:
    one = E[:1].clone().requires_grad_()
    loss = contrast.region_loss(one, E[:1], torch.zeros(1, 1, dtype=torch.bool), ONE)
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(one.grad, torch.zeros_like(one))


def test_wordings_of_one_type_attract_and_related_types_do_not_repel() -> None:
    wordings = torch.stack([E, E])
    apart = contrast.wording_loss(wordings, NOTHING_CLOSE, ONE)
    assert apart.item() == pytest.approx(math.log(math.e + 2) - 1, rel=1e-6)
    close = NOTHING_CLOSE.clone()
    close[0, 1] = close[1, 0] = True
    related = contrast.wording_loss(wordings, close, ONE)
    assert related.item() == pytest.approx(
        (2 * math.log(math.e + 1) + math.log(math.e + 2)) / 3 - 1, rel=1e-6
    )


def test_evidence_is_the_mean_of_the_highest_margins_against_the_state_of_the_picture() -> None:
    margins = torch.zeros(3, 2, 2, 2)
    margins[0, 0, 0, 1], margins[0, 1, 1, 0] = 0.6, 0.3
    labels = torch.tensor([[[2, 0], [0, 0]], [[0, 0], [0, 0]], [[0, -1], [0, 0]]])
    # Picture 0: (0.6 + 0.3 + 0) / 3, damaged; picture 1: 0, good; picture 2: undecided.
    expected = (math.log(1 + math.exp(-10 * 0.3)) + math.log(2)) / 2
    assert float(contrast.evidence_loss(margins, labels, torch.tensor(10.0))) == pytest.approx(
        expected, rel=1e-5
    )
    assert float(contrast.evidence_loss(margins[2:], labels[2:], torch.tensor(10.0))) == 0.0


def test_mark_loss_by_hand() -> None:
    """Good, one type, two marks: a marked cell is compared with all four, any other one with its own and the marks."""
    unit = torch.eye(4)
    anchors, marks = unit[:2], unit[2:]
    marked = contrast.mark_loss(unit[2:3], torch.tensor([-1]), anchors, marks, ONE)
    assert marked.item() == pytest.approx(math.log(3 + math.e) - 1, rel=1e-6)
    for cell, label in ((0, 0), (1, 1)):
        loss = contrast.mark_loss(unit[cell : cell + 1], torch.tensor([label]), anchors, marks, ONE)
        assert loss.item() == pytest.approx(math.log(2 + math.e) - 1, rel=1e-6)
    wrong = contrast.mark_loss(unit[3:4], torch.tensor([-1]), anchors, marks, ONE)
    assert wrong > marked
    cells, labels = torch.stack([unit[2], unit[2], unit[2], unit[2]]), torch.tensor([-1, -1, -1, -2])
    both = contrast.mark_loss(cells, labels, anchors, marks, ONE)
    missed = contrast.mark_loss(unit[2:3], torch.tensor([-2]), anchors, marks, ONE)
    assert both.item() == pytest.approx((marked.item() + missed.item()) / 2, rel=1e-6), "kinds count alike"
