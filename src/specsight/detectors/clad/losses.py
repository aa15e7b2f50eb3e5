"""The losses of CLAD (contrastive language–image anomaly detection), as pure functions of tensors.

In: distances between pictures (or patches) and sentences, and what each picture shows. Out: scalars. The paper prints
no equations: both forms of the contrastive loss follow from its legend.
"""

from __future__ import annotations

import torch
from torch import Tensor


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """d_ij = ||v_i - t_j||² of (N, d) and (M, d): (N, M); in [0, 4] for unit vectors."""
    return first.square().sum(1)[:, None] + second.square().sum(1)[None] - 2 * first @ second.T


def literal_loss(distances: Tensor, margin: float, other_margin: float) -> Tensor:
    """(1/N) Σ_i [ (d_ii - m)₊ + (1/(N-1)) Σ_{j≠i} (m' - d_ij)₊ ] for distances (N, N) of pictures to sentences.

    Every other sentence counts as wrong, even one that says the same: the paper's wording.
    """
    count = len(distances)
    others = ~torch.eye(count, dtype=torch.bool, device=distances.device)
    pulled = torch.relu(distances.diagonal() - margin)
    pushed = (torch.relu(other_margin - distances) * others).sum(1) / max(count - 1, 1)
    return (pulled + pushed).mean()


def label_aware_loss(
    distances: Tensor, relation: Tensor, margin: float, other_margin: float, hard: bool = False
) -> Tensor:
    """Mean over i of [ mean over right j of (d_ij - m)₊ + mean over wrong j of (m' - d_ij)₊ ].

    `relation` (N, M): 1 where sentence j is right for picture i, -1 where wrong, 0 where the pair says nothing (the
    same state in other words, or a kind that may be meant). `hard`: the nearest wrong sentence instead of their mean.
    """
    right, wrong = relation > 0, relation < 0
    near = _mean_where(torch.relu(distances - margin), right)
    pushed = torch.relu(other_margin - distances)
    far = pushed.masked_fill(~wrong, 0).amax(1) if hard else _mean_where(pushed, wrong)
    return (near + far).mean()


def relations(shows: Tensor, between: Tensor) -> Tensor:
    """What each state means for pictures that show `shows` (N, C) bool: (N, C) of 1 (right), -1 (wrong), 0.

    `between` (C, C) says the same of two states: 1 on the diagonal, -1 where they exclude each other, else 0. A state
    is wrong for a picture only where all states that it shows exclude it.
    """
    tolerated = shows.float() @ (between >= 0).float() > 0
    return shows.long() - (~tolerated & ~shows).long()


def reconstruction_loss(rebuilt: Tensor, target: Tensor) -> Tensor:
    """||x - D(v)||² of vectors along dimension 1, averaged over pictures and cells; (N, D, ...) each."""
    return (rebuilt - target).square().sum(1).mean()


def _mean_where(values: Tensor, where: Tensor) -> Tensor:
    """Mean of each row's chosen values, 0 where none is."""
    return (values * where).sum(1) / where.sum(1).clamp_min(1)
