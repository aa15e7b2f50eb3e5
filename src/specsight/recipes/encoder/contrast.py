"""Losses of the joint space: embeddings of cells, regions, pictures and sentences → scalars.

All embeddings are unit vectors; `scale` is the inverse temperature. Label-aware throughout: what may be true of a cell
or region is never its negative.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

HARD_SHARE = 0.05
"""Share of good cells, those most like a defect, that get a term of their own: false alarms decide rankings."""
WINDOWS = (2, 3)
"""Sides of the windows whose means are read as well, in cells."""


def balanced(losses: Tensor, defective: Tensor) -> Tensor:
    """Mean of `losses` (N,) over defective cells and over good ones, weighted alike; the hardest good ones count again.

    `defective` (N,) bool.
    """
    good = losses[~defective]
    parts = [losses[defective].mean()] if defective.any() else []
    if len(good):
        hardest = good.topk(max(1, int(HARD_SHARE * len(good)))).values
        parts.append(0.75 * good.mean() + 0.25 * hardest.mean())
    return torch.stack(parts).mean() if parts else losses.sum()


def typing_loss(cells: Tensor, labels: Tensor, anchors: Tensor, close: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy of cells (N, D) against the anchors of "good" and of every type, (1 + K, D); labels (N,) in 0..K.

    `close` (1 + K, 1 + K) bool: types that shade into each other; they are left out of each other's denominators.
    """
    logits = scale * cells @ anchors.T
    excluded = close[labels] & ~functional.one_hot(labels, len(anchors)).bool()
    losses = functional.cross_entropy(logits.masked_fill(excluded, -1e4), labels, reduction="none")
    return balanced(losses, labels > 0)


def mark_loss(cells: Tensor, labels: Tensor, anchors: Tensor, marks: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy of cells (N, D) against the anchors of "good" and of every type, (1 + K, D), and of marks (M, D).

    `labels` (N,): -m for cells with mark m (from 1), 0 for good ones without, above 0 the type of a defect. A cell with
    a mark must be closer to its own words than to "good", to every type and to the other marks; one without closer to
    its own anchor than to every mark (good against types is left to `typing_loss`). Marked cells and others count
    alike, and so do the kinds of marks: a tyre has a hundred spews and one balance dot.
    """
    marked = labels < 0
    logits = scale * cells @ torch.cat([anchors, marks]).T
    own = torch.where(marked, len(anchors) - 1 - labels, labels)
    rest = torch.zeros_like(logits, dtype=torch.bool)
    rest[:, : len(anchors)] = ~marked[:, None] & ~functional.one_hot(labels.clamp_min(0), len(anchors)).bool()
    losses = functional.cross_entropy(logits.masked_fill(rest, -1e4), own, reduction="none")
    kinds = [losses[labels == kind].mean() for kind in torch.unique(labels[marked])]
    parts = [torch.stack(kinds).mean()] if kinds else []
    if not marked.all():
        parts.append(balanced(losses[~marked], torch.zeros_like(labels[~marked], dtype=torch.bool)))
    return torch.stack(parts).mean() if parts else losses.sum()


def damage_loss(cells: Tensor, defective: Tensor, good: Tensor, damaged: Tensor, scale: Tensor) -> Tensor:
    """Two-way cross-entropy of cells (N, D) between the good anchor and "damaged" (D,)."""
    margin = scale * (cells @ (damaged - good))
    losses = functional.binary_cross_entropy_with_logits(margin, defective.float(), reduction="none")
    return balanced(losses, defective)


def window_loss(cells: Tensor, labels: Tensor, good: Tensor, damaged: Tensor, scale: Tensor) -> Tensor:
    """`damage_loss` of the mean cells of square windows, as WinCLIP reads them (section 4.2).

    `cells` (B, h, w, D); `labels` (B, h, w): 0 good, above a defect, -1 unknown. A window is defective if one of its
    cells is, good if all are, and left out otherwise. Sides of `WINDOWS` cells that do not fit are left out.
    """
    dense, losses = cells.permute(0, 3, 1, 2), []
    for side in (side for side in WINDOWS if side <= min(labels.shape[1:])):
        windows = functional.normalize(functional.avg_pool2d(dense, side, 1).permute(0, 2, 3, 1), dim=-1)
        highest = functional.max_pool2d(labels[:, None].float(), side, 1)[:, 0]
        lowest = -functional.max_pool2d(-labels[:, None].float(), side, 1)[:, 0]
        certain = (highest > 0) | (lowest == 0)
        losses.append(damage_loss(windows[certain], highest[certain] > 0, good, damaged, scale))
    return torch.stack(losses).mean() if losses else cells.sum() * 0.0


def evidence_loss(margins: Tensor, labels: Tensor, scale: Tensor, peak: int = 3) -> Tensor:
    """Two-way cross-entropy of pictures by the mean of their `peak` highest margins, the score they get in use.

    `margins` (B, h, w, K) of every type over "good"; `labels` (B, h, w): 0 good, above a type, -1 unknown. Pictures
    with unknown cells only besides good ones are left out.
    """
    damaged = (labels > 0).flatten(1).any(1)
    certain = damaged | (labels == 0).flatten(1).all(1)
    if not certain.any():
        return margins.sum() * 0.0
    peaks = margins.amax(-1).flatten(1).topk(min(peak, labels[0].numel()), dim=1).values.mean(1)
    return functional.binary_cross_entropy_with_logits(scale * peaks[certain], damaged[certain].float())


def picture_loss(pictures: Tensor, present: Tensor, anchors: Tensor, scale: Tensor) -> Tensor:
    """Pooled embeddings (B, D) against the anchors (1 + K, D); `present` (B, 1 + K) shares that sum to one."""
    return -(present * functional.log_softmax(scale * pictures @ anchors.T, dim=1)).sum(1).mean()


def wording_loss(wordings: Tensor, close: Tensor, scale: Tensor) -> Tensor:
    """InfoNCE between two wordings of every type, (2, K, D): synonyms together, types apart.

    `close` (K, K) bool: types that shade into each other, which are not each other's negatives.
    """
    kinds = wordings.shape[1]
    excluded = close & ~torch.eye(kinds, dtype=torch.bool, device=wordings.device)
    logits = (scale * wordings[0] @ wordings[1].T).masked_fill(excluded, -1e4)
    own = torch.arange(kinds, device=wordings.device)
    return 0.5 * (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own))


def region_loss(regions: Tensor, sentences: Tensor, contradicting: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE of regions (R, D) and their sentences (R, D).

    `contradicting` (R, R) bool: sentence j contradicts what is true of region i; only such pairs are negatives.
    """
    if len(regions) < 2:
        return (regions.sum() + sentences.sum()) * 0.0
    logits = scale * regions @ sentences.T
    own = torch.eye(len(regions), dtype=torch.bool, device=regions.device)
    losses = []
    for table, negatives in ((logits, contradicting), (logits.T, contradicting.T)):
        allowed = table.masked_fill(~(negatives | own), -1e4)
        losses.append(functional.cross_entropy(allowed, torch.arange(len(regions), device=regions.device)))
    return torch.stack(losses).mean()
