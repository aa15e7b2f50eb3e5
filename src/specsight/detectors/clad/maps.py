"""How CLAD's distances become scores and maps.

In: unit vectors of a picture, its patches and the sentences. Out: margins, the paper's similarity, Grad-CAM.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from specsight.detectors.clad.losses import squared_distances


def acceptance(vectors: Tensor, accepted: Tensor) -> Tensor:
    """Return the squared distance (N,) of vectors (N, d) to the nearest acceptable sentence of (J, d)."""
    return squared_distances(vectors, accepted).amin(1)


def mismatch(vectors: Tensor, accepted: Tensor, defects: Tensor) -> Tensor:
    """Return y_k = ||v - t_n||² - ||v - t_k||² of vectors (N, d) for each defect of (K, d), (K, N): higher = more.

    Of several acceptable sentences (J, d) the nearest counts. The paper's y_m is the largest over k.
    """
    return (acceptance(vectors, accepted)[:, None] - squared_distances(vectors, defects)).T


def similarity(distance: float, gamma: float) -> float:
    """Return exp(-γ ||v - t||²) in (0, 1]; lower = more anomalous."""
    return math.exp(-gamma * distance)


def gamma_for(distances: Sequence[float]) -> float:
    """Return the γ under which the median good picture has similarity 0.9."""
    return -math.log(0.9) / max(float(np.median(distances)), 1e-6)


def logistic(margin: float) -> float:
    """Return 1 / (1 + exp(-margin)), without overflow."""
    return 0.5 + 0.5 * math.tanh(margin / 2)


def grad_cam(target: Tensor, activations: Tensor) -> Tensor:
    """Return ReLU(Σ_c α_c A^c) with α_c the mean over cells of ∂target/∂A^c: activations (1, C, h, w) → (h, w).

    `target` is the mismatch, so that the map shows evidence *against* a good part; of the similarity the same formula
    would show evidence for one.
    """
    (gradient,) = torch.autograd.grad(target, activations, retain_graph=True)
    return torch.relu((gradient.mean((2, 3), keepdim=True) * activations).sum(1))[0]
