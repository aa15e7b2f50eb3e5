"""Losses between maps of logits and maps of labels: focal (Lin et al., ICCV 2017) and Dice (Milletari et al., 2016).

In: logits, and targets that may be soft (a coarse cell may be covered by a defect in part); classes come first. Out:
differentiable scalars. Where a few per cent of the pixels are defective, focal loss gives the many easy good ones a
small weight, and Dice depends on overlap alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

GAMMA = 2.0
SMOOTH = 1e-5


def class_targets(shares: torch.Tensor) -> torch.Tensor:
    """Shares (K, ...) in [0, 1] of cells that K types cover → targets (K + 1, ...) that sum to one, "good" first:

    t_0 = max(0, 1 - Σ s_k),  t_k = s_k / max(1, Σ s_j): overlapping types share the cell.
    """
    import torch

    total = shares.sum(0)
    return torch.cat([(1 - total).clamp(min=0)[None], shares / total.clamp(min=1)])


def focal(
    logits: torch.Tensor, targets: torch.Tensor, gamma: float = GAMMA, smooth: float = SMOOTH
) -> torch.Tensor:
    """Multi-class focal loss of logits (C, ...) and targets (C, ...), C ≥ 2, mean over the cells:

    L = mean Σ_c t'_c (1 - p_c)^γ (-log p_c),  p = softmax(logits),  t' = t clamped to [ε / (C - 1), 1 - ε].

    For one-hot targets this is (1 - p_t)^γ (-log p_t) up to ε; γ = 0 is cross-entropy.
    """
    import torch

    log_p = torch.log_softmax(logits, dim=0)
    smoothed = targets.clamp(smooth / (len(targets) - 1), 1 - smooth)
    # -expm1(log p) is 1 - p without cancellation where p is nearly one; never below zero, for a power is taken.
    missing = (-torch.expm1(log_p)).clamp(min=0)
    return -(smoothed * missing**gamma * log_p).sum(0).mean()


def dice(probability: torch.Tensor, target: torch.Tensor, smooth: float = 1.0) -> torch.Tensor:
    """1 - (2 Σ p t + s) / (Σ p + Σ t + s) over all cells of one map; p and t in [0, 1].

    For an empty target it is Σ p / (Σ p + s), lowest for an empty map.
    """
    overlap = (probability * target).sum()
    return 1 - (2 * overlap + smooth) / (probability.sum() + target.sum() + smooth)


def focal_dice(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """focal(logits, targets) + dice(1 - p_0, 1 - t_0): which class, and where any class but the first, "good", is.

    `logits` and `targets` as for `focal`.
    """
    import torch

    defective = torch.softmax(logits, dim=0)[1:].sum(0)
    return focal(logits, targets) + dice(defective, targets[1:].sum(0))


def focal_of_maps(logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Binary focal loss of maps (B, ...) against targets over `known` cells, summed over a map and
    divided by what a map of 1 % would hold: a mean over cells would weigh the few defective ones next to nothing."""
    import torch
    from torch.nn import functional

    raw = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    right = torch.exp(-raw)
    weighted = (1 - right) ** GAMMA * raw * known
    return weighted.flatten(1).sum(1).mean() / (0.01 * logits[0].numel())


def dice_of_maps(logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """1 - (2 Σ p t + s) / (Σ p + Σ t + s) of each map (B, ...) that shows something, over `known` cells, mean over
    those maps; of empty maps Dice says nothing that focal loss does not."""
    import torch

    shows = (targets * known).flatten(1).sum(1) > 0
    if not shows.any():
        return logits.sum() * 0
    probability = torch.sigmoid(logits[shows]) * known[shows]
    target = targets[shows] * known[shows]
    overlap, total = (probability * target).flatten(1).sum(1), (probability + target).flatten(1).sum(1)
    return (1 - (2 * overlap + 1) / (total + 1)).mean()
