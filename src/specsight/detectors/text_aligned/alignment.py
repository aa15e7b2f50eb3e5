"""Text-guided alignment of patches: a linear map that brings good patches to their words and defective ones to theirs.

In: unit patch embeddings of good parts and of synthetic defects, and the anchors of what they show. Out: the map W
(D, D). The recipe of the normal-only regime: W starts as the identity and is held close to it, so that words the
training has not used keep their meaning.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from specsight.encoders import Features
from specsight.errors import require
from specsight.prompts.anchors import Anchors

MARGIN = 0.1
"""By how much the cosine with the right anchor shall exceed that with the wrong one."""
CHANGE = 0.1
"""Weight of the squared change of the embeddings."""
BATCH = 512
RATE = 1e-3


def align(
    good: Features, defective: Features, shows: Features, anchors: Anchors, steps: int, seed: int
) -> Features:
    """W (D, D) after `steps` steps of Adam on

    mean(1 - cos(W f, good)) + mean(1 - cos(W s, shown)) + hinges + 0.1 mean |W f - f|²

    over good patches f (N, D) and defective patches s (M, D), whose anchors are `shows` (M, D). The hinges ask a good
    patch to lie nearer to "good" than to any defect, and a defective one nearer to its defect than to "good", by
    `MARGIN`.
    Without defective patches their terms fall away. Same seed, same map.
    """
    torch = require("torch", "models")
    generator = torch.Generator().manual_seed(seed)
    good_anchor, defect_anchors = torch.from_numpy(anchors.good), torch.from_numpy(anchors.defects)
    bank, bad, targets = (torch.from_numpy(np.ascontiguousarray(x)) for x in (good, defective, shows))
    weight = torch.eye(good.shape[1], requires_grad=True)
    optimiser = torch.optim.Adam([weight], lr=RATE)
    with torch.enable_grad():
        for _ in range(steps):
            batch = bank[torch.randint(len(bank), (BATCH,), generator=generator)]
            loss = _good_loss(torch, weight, batch, good_anchor, defect_anchors)
            if len(bad):
                drawn = torch.randint(len(bad), (BATCH,), generator=generator)
                loss = loss + _defective_loss(torch, weight, bad[drawn], good_anchor, targets[drawn])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return np.ascontiguousarray(weight.detach().numpy())


def _good_loss(torch: Any, weight: Any, patches: Any, good_anchor: Any, defect_anchors: Any) -> Any:
    moved = patches @ weight.T
    unit = torch.nn.functional.normalize(moved, dim=1)
    right = unit @ good_anchor
    loss = (1 - right).mean() + CHANGE * (moved - patches).square().sum(1).mean()
    if len(defect_anchors):
        loss = loss + torch.relu(unit @ defect_anchors.T - right[:, None] + MARGIN).amax(1).mean()
    return loss


def _defective_loss(torch: Any, weight: Any, patches: Any, good_anchor: Any, targets: Any) -> Any:
    moved = patches @ weight.T
    unit = torch.nn.functional.normalize(moved, dim=1)
    right = (unit * targets).sum(1)
    hinge = torch.relu(unit @ good_anchor - right + MARGIN).mean()
    return (1 - right).mean() + hinge + CHANGE * (moved - patches).square().sum(1).mean()
