"""Everything that is asked about one picture, in one sequence: branches behind the picture that do not see one another.

In: token numbers of branches, per picture. Out: padded numbers with positions and a mask. What a branch yields is what
it would yield alone, so that a list of types changes no type's own map, and a picture is read once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Branch:
    """Token numbers behind the picture; the last `learned` of them are an answer that is to be said."""

    tokens: Sequence[int]
    learned: int = 0


@dataclass(frozen=True)
class Packed:
    """Branches of a batch of pictures. `T`: the longest sum of their tokens."""

    tokens: Tensor
    """(B, T) int64, padded with 0."""
    positions: Tensor
    """(B, T) int64: of each token within its branch."""
    branches: Tensor
    """(B, T) int64: the branch's number, -1 for padding."""
    targets: Tensor
    """(B, T) int64: the token that is to be said next, -100 for none."""

    def to(self, device: torch.device) -> Packed:
        """The same on a device."""
        return Packed(*(one.to(device) for one in vars(self).values()))

    def mask(self, visible: int) -> Tensor:
        """(B, 1, visible + T, visible + T) bool: what each token attends to, behind `visible` tokens of the picture."""
        count, length = self.tokens.shape
        device = self.tokens.device
        numbers = torch.cat(
            [torch.full((count, visible), -2, device=device), self.branches], 1
        )  # -2: seen by all that follow
        order = torch.arange(visible + length, device=device)
        before = order[None, :] <= order[:, None]
        same = numbers[:, :, None] == numbers[:, None, :]
        mask: Tensor = before & (same | (numbers == -2)[:, None, :])
        # A row that attends to nothing has no softmax: padding attends to itself.
        return (mask | torch.eye(visible + length, dtype=torch.bool, device=device))[:, None]


def pack(pictures: Sequence[Sequence[Branch]]) -> Packed:
    """Lay out the branches of each picture one behind the other."""
    lengths = [sum(len(branch.tokens) for branch in branches) for branches in pictures]
    shape = (len(pictures), max(lengths, default=0))
    tokens, positions = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
    numbers, targets = torch.full(shape, -1), torch.full(shape, -100)
    for row, branches in enumerate(pictures):
        at = 0
        for number, branch in enumerate(branches):
            own = torch.tensor(list(branch.tokens), dtype=torch.int64)
            place = slice(at, at + len(own))
            tokens[row, place], numbers[row, place] = own, number
            positions[row, place] = torch.arange(len(own))
            if branch.learned:
                last = at + len(own) - 1
                targets[row, last - branch.learned : last] = own[-branch.learned :]
            at += len(own)
    return Packed(tokens, positions, numbers, targets)
