"""A finding painted away: the statement about it must go, and those about the others must stay (methods.md B.8).

In: an inspection with its picture and map, and what judges pictures. Out: `Counterfactual`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.explain.explaining import Explainer
from specsight.explain.painting_over import painted_over, widened
from specsight.records import Box, Inspection

Pixels = NDArray[np.uint8]
LARGEST = 0.15
"""Share of a picture that can be painted over without showing more than the defect's absence."""


@dataclass(frozen=True)
class Counterfactual:
    """What became of the statements about findings when one of them was painted away."""

    number: int
    """The finding that was painted away."""
    gone: bool
    """Whether the statement about it is no longer supported."""
    stayed: tuple[int, ...]
    """Other findings whose statements are still supported."""
    lost: tuple[int, ...]
    """Other findings whose statements are not."""
    picture: Pixels
    """(H, W, 3)"""
    inspection: Inspection
    """Of that picture."""

    @property
    def passed(self) -> bool:
        """Whether the statement went and all others stayed."""
        return self.gone and not self.lost


def without_finding(
    inspection: Inspection,
    number: int,
    judge: Callable[[Pixels], Inspection],
    explainer: Explainer,
    good: Sequence[Pixels] = (),
    aligned: Pixels | None = None,
) -> Counterfactual:
    """Paint the finding `number` of an inspection away, judge the picture again, and check what was said of each.

    Parameters: `judge` inspects pixels as the picture was inspected (`Inspector.inspect`); `good` and `aligned` are
    good pictures of the product to take pixels from (`painting_over.painted_over`). What is said of a finding is its
    type and its cell. Raises SpecsightError for an inspection without pixels, a finding that is not there or covers too
    much, and where no place of a picture continues the surroundings.
    """
    painted = _painted(inspection, number, good, aligned)
    after = judge(painted)
    check = explainer.checker(after).check
    others = [k for k in range(len(inspection.findings)) if k != number]
    supported = [
        all(claim.outcome == "supported" for claim in check(f"{one.type or 'anomaly'}, {one.place}"))
        for one in explainer.report(inspection).findings
    ]
    return Counterfactual(
        number=number,
        gone=not supported[number],
        stayed=tuple(k for k in others if supported[k]),
        lost=tuple(k for k in others if not supported[k]),
        picture=painted,
        inspection=after,
    )


def _painted(inspection: Inspection, number: int, good: Sequence[Pixels], aligned: Pixels | None) -> Pixels:
    """The picture (H, W, 3) without the finding; raises as `without_finding` does."""
    if inspection.picture is None:
        raise SpecsightError(f"inspection '{inspection.id}' holds no pixels: inspect the picture again")
    if not 0 <= number < len(inspection.findings):
        raise SpecsightError(
            f"inspection '{inspection.id}' has {len(inspection.findings)} findings, and no number {number}: they are "
            "numbered from 0"
        )
    rgb = inspection.picture.rgb
    masks = [_boxed(one.box, rgb.shape[:2]) for one in inspection.findings]
    if widened(masks[number]).mean() > LARGEST:
        raise SpecsightError(
            f"finding {number} of '{inspection.id}' covers more than {LARGEST:.0%} of the picture: painted over, it "
            "would show more than its absence"
        )
    painted = painted_over(rgb, masks[number], np.any(masks, axis=0), good, aligned)
    if painted is None:
        raise SpecsightError(
            f"no place of '{inspection.id}' continues what surrounds finding {number}: give good pictures"
        )
    return painted


def _boxed(box: Box, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """(H, W) pixels of a box, which may go on beyond the right edge from the left one."""
    mask = np.zeros(size, bool)
    x0, y0, x1, y1 = box
    mask[y0:y1, np.arange(x0, x1) % size[1]] = True
    return mask
