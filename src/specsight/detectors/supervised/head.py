"""The supervised head: what a patch is and how it deviates → logits of "good" and of every type of defect.

In: rows of a patch's coordinates and of its difference to the nearest good patch, in every modality. Out: logits,
"good" first. Small on purpose: five labelled defects of a type are a few dozen patches.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.detectors.saving import State
from specsight.encoders import Features


class Head(nn.Module):
    """Normalisation by channel, one hidden layer, logits (..., K + 1)."""

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int, hidden: int, types: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.gain, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.hidden, self.logits = nn.Linear(width, hidden), nn.Linear(hidden, types + 1)
        self.dropout = dropout

    def embed(self, inputs: Tensor) -> Tensor:
        """The hidden features (..., hidden) of inputs (..., width): what domains are aligned in.

        Defects lie many deviations of good patches away: asinh keeps near ones and brings far ones nearer. What is not
        known, NaN, is as on the mean good patch.
        """
        scaled = ((inputs - self.mean) / self.spread).asinh().nan_to_num(0.0)
        normal = scaled * self.gain + self.shift
        return functional.gelu(self.hidden(functional.dropout(normal, self.dropout, self.training)))

    def classify(self, embedded: Tensor) -> Tensor:
        """Logits (..., K + 1) of hidden features."""
        logits: Tensor = self.logits(functional.dropout(embedded, self.dropout, self.training))
        return logits

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (..., K + 1) of inputs (..., width)."""
        return self.classify(self.embed(inputs))

    def arrays(self) -> State:
        """All weights by name."""
        return {name: values.numpy().copy() for name, values in self.state_dict().items()}

    @classmethod
    def of_arrays(cls, arrays: State, dropout: float = 0.0) -> Head:
        """The head that `arrays` describe. Raises KeyError, ValueError or RuntimeError where they do not fit."""
        (hidden, width), types = arrays["hidden.weight"].shape, len(arrays["logits.bias"]) - 1
        if types < 1:
            raise ValueError("a head tells at least one type from good")
        head = cls(width, hidden, types, dropout)
        head.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in arrays.items()})
        return head.eval()


def odds(logits: Tensor) -> Tensor:
    """log p(any defect) - log p(good) of logits (..., K + 1): (...)."""
    return logits[..., 1:].logsumexp(-1) - logits[..., 0]


def judged(head: Head, inputs: Features) -> Features:
    """(n, K + 1) of inputs (n, width): the odds of any defect, then log p(type) - log p(good) of every type."""
    with torch.no_grad():
        logits = head(torch.from_numpy(np.ascontiguousarray(inputs)))
        return torch.cat([odds(logits)[:, None], logits[:, 1:] - logits[:, :1]], 1).numpy()
