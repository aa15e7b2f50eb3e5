"""Dense distillation: losses between the student's maps and the teacher's, by values and by distances between cells.

The heads that predict the teacher's values are linear and are not exported: what they predict is linear in the
student's maps themselves, which nearest-neighbour methods compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

DEEP_WEIGHT = 0.5
"""Stride-32 targets count half: they are coarse, and the student ends at stride 16."""


RIDGE = 1e-2
"""Share of the mean square that is added to each by `fit`."""


class DistillationHeads(nn.Module):
    """One linear head per teacher map, from the student's map of the same stride (32: a strided window).

    `student`: channels of the student's maps by name; `channels` and `strides`: those of the teacher's maps.
    """

    def __init__(
        self, student: Mapping[str, int], channels: Mapping[str, int], strides: Mapping[str, int]
    ) -> None:
        super().__init__()
        self.strides = dict(strides)
        heads = {}
        for name, width in channels.items():
            if strides[name] == 32:
                heads[name] = nn.Conv2d(student["stride16"], width, 3, stride=2, padding=1)
            else:
                heads[name] = nn.Conv2d(student[f"stride{strides[name]}"], width, 1)
        self.heads = nn.ModuleDict(heads)

    def forward(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The student's maps by name → predictions of the standardised teacher maps."""
        return {name: head(maps[f"stride{min(16, self.strides[name])}"]) for name, head in self.heads.items()}


@torch.no_grad()
def fit(
    heads: DistillationHeads, examples: Iterable[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]
) -> None:
    """Solve for the heads in place: ridge regression of the teacher's maps on the student's.

    `examples`: batches of the student's maps and of the teacher's standardised ones, by name.
    """
    sums: dict[str, tuple[Tensor, Tensor]] = {}
    for maps, targets in examples:
        for name, target in targets.items():
            seen = _windows(heads.heads[name], maps[f"stride{min(16, heads.strides[name])}"].float()).double()
            wanted = target.transpose(0, 1).flatten(1).T.double()
            products = (seen.T @ seen, seen.T @ wanted)
            before = sums.get(name, (torch.zeros_like(products[0]), torch.zeros_like(products[1])))
            sums[name] = (before[0] + products[0], before[1] + products[1])
    for name, (gram, moments) in sums.items():
        head: Any = heads.heads[name]
        scale = gram.diagonal().mean()
        ridge = torch.eye(len(gram), dtype=gram.dtype, device=gram.device) * RIDGE * scale
        solution = torch.linalg.solve(gram + ridge, moments).float()
        head.weight.copy_(solution[:-1].T.reshape(head.weight.shape))
        head.bias.copy_(solution[-1])


def _windows(head: Any, maps: Tensor) -> Tensor:
    """What a head sees at each of its positions, and a one for its bias: (B · h · w, C · k · k + 1)."""
    columns = functional.unfold(maps, head.kernel_size, padding=head.padding, stride=head.stride)
    rows = columns.transpose(0, 1).flatten(1).T
    return torch.cat([rows, torch.ones_like(rows[:, :1])], 1)


def value_loss(
    predicted: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> tuple[Tensor, dict[str, float]]:
    """Mean squared error and angle per cell, summed over maps; and the unexplained variance of each map."""
    total = torch.zeros((), device=next(iter(targets.values())).device)
    shares = {}
    for name, target in targets.items():
        error = functional.mse_loss(predicted[name].float(), target)
        angle = 1 - functional.cosine_similarity(predicted[name].float(), target, dim=1).mean()
        weight = DEEP_WEIGHT if name.startswith("stride32") else 1.0
        total = total + weight * (error + angle)
        shares[name] = float(error.detach() / target.square().mean().clamp_min(1e-6))
    return total, shares


def relation_loss(student: Tensor, target: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """Difference between pairwise distances of `samples` cells in the student's map (B, D, h, w) and in the target's.

    Both are distances per root channel, so the student's maps of different strides end up on one scale and can be
    stacked for nearest-neighbour search. (Relational knowledge distillation, Park et al., CVPR 2019.)
    """
    cells = student.shape[0] * student.shape[2] * student.shape[3]
    chosen = torch.randint(cells, (min(samples, cells),), generator=generator).to(student.device)
    distances = []
    for features in (student.float(), target):
        rows = features.permute(0, 2, 3, 1).reshape(cells, -1)[chosen]
        distances.append(torch.cdist(rows, rows) / rows.shape[1] ** 0.5)
    return functional.smooth_l1_loss(distances[0], distances[1], beta=0.1)


def relation_losses(
    maps: Mapping[str, Tensor], targets: Mapping[str, Tensor], samples: int, generator: torch.Generator
) -> Tensor:
    """Sum of `relation_loss` over the strides of `targets`."""
    return torch.stack(
        [relation_loss(maps[name], t, samples, generator) for name, t in targets.items()]
    ).sum()


def relation_targets(targets: Mapping[str, Tensor], strides: Mapping[str, int]) -> dict[str, Tensor]:
    """Teacher maps stacked per stride: {"stride8": ..., "stride16": ...}."""
    return {
        f"stride{stride}": torch.cat([targets[name] for name in targets if strides[name] == stride], 1)
        for stride in (8, 16)
    }
