"""Domain adaptation on features: what two sets of vectors differ by, as maps without training and as losses.

In: vectors of a source (n, D) and a target (m, D). Out: affine maps that bring the one to the other (CORAL, AdaBN), and
differentiable scalars to train by (CORAL, MMD, DANN, entropy). Nothing here knows labels of the target: which vectors
look normal is said by scores (`normal_looking`), which class they may have by guesses (`class_conditional`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]
BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Multiples of the median squared distance that the kernels of MMD have as bandwidths."""
RIDGE = 1.0
"""Added to the diagonal of covariances before their roots, in units of a variance (Sun et al., 2016: I)."""
LEAST_OF_A_CLASS = 20
"""Vectors in each domain from which on a class is compared: differences of fewer are mostly chance."""
TINY = 1e-6


@dataclass(frozen=True)
class AffineMap:
    """x → (x - `origin`) `matrix` + `goal`, of vectors (n, D); a `matrix` (D,) is a diagonal one."""

    origin: Vectors
    matrix: Vectors
    goal: Vectors

    def __post_init__(self) -> None:
        """Raise ValueError where sizes differ, as in a damaged file."""
        width = self.origin.shape
        if len(width) != 1 or self.goal.shape != width or self.matrix.shape not in (width, 2 * width):
            raise ValueError(
                f"origin {width}, matrix {self.matrix.shape} and goal {self.goal.shape} do not fit"
            )

    def __call__(self, vectors: Vectors) -> Vectors:
        """The vectors (n, D), moved."""
        centred = vectors - self.origin
        moved = centred * self.matrix if self.matrix.ndim == 1 else centred @ self.matrix
        return np.asarray(moved + self.goal, np.float32)


def coral(given: Vectors, wanted: Vectors, ridge: float = RIDGE) -> AffineMap:
    """CORAL without training (Sun, Feng and Saenko, AAAI 2016): whiten `given` (n, D), re-colour to `wanted` (m, D):

    x → (x - μ_g) (C_g + r I)^-1/2 (C_w + r I)^1/2 + μ_w.

    For `ridge` r = 0 the moved vectors have mean and covariance of `wanted` as far as `given` varies in all directions;
    with r > 0 directions in which `given` hardly varies are not blown up. The paper moves the source to the target; the
    same map the other way round brings a new domain to what a model has learned.
    """
    first, second = _covariance(given), _covariance(wanted)
    matrix = _power(first, ridge, -0.5) @ _power(second, ridge, 0.5)
    means = (vectors.mean(0, dtype=np.float64).astype(np.float32) for vectors in (given, wanted))
    origin, goal = means
    return AffineMap(origin, matrix.astype(np.float32), goal)


def restandardised(given: Vectors, wanted: Vectors) -> AffineMap:
    """AdaBN (Li et al., 2018): each channel of `given` (n, D) gets mean and deviation of the same one of `wanted`.

    A channel that does not vary in `given` is only moved.
    """
    first, second = given.astype(np.float64), wanted.astype(np.float64)
    spread, goal = first.std(0), second.std(0)
    scale = np.where(spread > TINY, goal / np.maximum(spread, TINY), 1.0)
    parts = (first.mean(0), scale, second.mean(0))
    return AffineMap(*(part.astype(np.float32) for part in parts))


def normal_looking(scores: Vectors, source_median: float) -> NDArray[np.bool_]:
    """Which vectors of a target look normal: anomaly score (n,) up to the source's median, and at least its lower half.

    A target holds defects, in shares of its own; aligned as a whole it would be aligned to those too. The shift itself
    may lift every score above the source's median: then the target's own median decides.
    """
    return np.asarray(scores <= max(source_median, float(np.median(scores))))


def coral_loss(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """‖C_s - C_t‖²_F / (4 D²) of (n, D) and (m, D), n, m ≥ 2 (Deep CORAL; Sun and Saenko, ECCV 2016)."""
    width = source.shape[1]
    return (source.T.cov() - target.T.cov()).square().sum() / (4 * width * width)


def class_conditional(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    source: torch.Tensor,
    target: torch.Tensor,
    source_classes: torch.Tensor,
    target_classes: torch.Tensor,
) -> torch.Tensor:
    """Mean of `loss(source, target)` over the classes that both have `LEAST_OF_A_CLASS` vectors of; 0 without any.

    Classes whose shares differ between the domains are then no difference. `target_classes` (m,) are guesses of a
    model, below zero where it is not sure enough: those vectors are left out.
    """
    import torch

    terms = []
    for one in sorted(set(source_classes.tolist())):
        ours, theirs = source[source_classes == one], target[target_classes == one]
        if one >= 0 and min(len(ours), len(theirs)) >= LEAST_OF_A_CLASS:
            terms.append(loss(ours, theirs))
    return torch.stack(terms).mean() if terms else 0 * source.sum()


def mmd(source: torch.Tensor, target: torch.Tensor, median: float | None = None) -> torch.Tensor:
    """Squared maximum mean discrepancy of (n, D) and (m, D), n, m ≥ 2 (Gretton et al., JMLR 2012, lemma 6), unbiased:

    mean k(s, s') + mean k(t, t') - 2 mean k(s, t),  k(x, y) = mean over h of exp(-‖x - y‖² / h),

    the first two over pairs of different vectors, so that few vectors of the same law have 0 on average; h the median
    squared distance of both sets together (or `median`) times `BANDWIDTHS`.
    """
    import torch

    together = torch.cat([source, target])
    squared = _squared_distances(together)
    if median is None:
        rows, columns = torch.triu_indices(len(together), len(together), 1, device=together.device)
        median = max(float(squared.detach()[rows, columns].median()), TINY)
    kernel = torch.stack([torch.exp(-squared / (median * factor)) for factor in BANDWIDTHS]).mean(0)
    n = len(source)

    def among(own: torch.Tensor) -> torch.Tensor:
        return (own.sum() - own.diagonal().sum()) / (len(own) * (len(own) - 1))

    return among(kernel[:n, :n]) + among(kernel[n:, n:]) - 2 * kernel[:n, n:].mean()


def reversed_gradient(values: torch.Tensor, weight: float) -> torch.Tensor:
    """`values` as they are, whose gradient arrives multiplied by -`weight` (DANN; Ganin et al., JMLR 2016).

    What a discriminator behind it learns to tell, the network before it learns to hide.
    """
    # In value x + w x - w x = x; only the last term has a gradient: -w.
    return (values + weight * values).detach() - weight * values


def adversarial_weight(progress: float) -> float:
    """λ_p = 2 / (1 + exp(-10 p)) - 1 for `progress` p in [0, 1] of the training: the discriminator learns first."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


def domain_loss(source_logits: torch.Tensor, target_logits: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of a discriminator's logits (n,) for "target"; both domains count half."""
    from torch.nn.functional import softplus

    return 0.5 * (softplus(source_logits).mean() + softplus(-target_logits).mean())


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """Mean entropy in nats of softmax(logits), classes last (TENT; Wang et al., ICLR 2021)."""
    log_p = logits.log_softmax(-1)
    return -(log_p.exp() * log_p).sum(-1).mean()


def _covariance(vectors: Vectors) -> NDArray[np.float64]:
    return np.atleast_2d(np.cov(vectors.astype(np.float64), rowvar=False))


def _power(covariance: NDArray[np.float64], ridge: float, exponent: float) -> NDArray[np.float64]:
    """(C + r I)^e of a symmetric C; directions without variance become 0 where r is 0."""
    values, axes = np.linalg.eigh(covariance)
    values = np.maximum(values, 0) + ridge
    floor = TINY * max(values.max(), TINY)
    powered = np.where(values > floor, np.maximum(values, floor) ** exponent, 0.0)
    return np.asarray((axes * powered) @ axes.T)


def _squared_distances(vectors: torch.Tensor) -> torch.Tensor:
    """‖x_i - x_j‖² (n, n), 0 on the diagonal, with a gradient where two are the same."""
    lengths = vectors.square().sum(1)
    return (lengths[:, None] + lengths[None] - 2 * vectors @ vectors.T).clamp(min=0)
