"""Rotations and alignment, for methods that compare with good patches: one parameter and one rule for all of them.

In: whether to rotate, or to register pictures. Out: by which degrees, or that good pictures are to decide (see
`preparation.pose` and `preparation.alignment`).
"""

from __future__ import annotations

from specsight.detectors.parameters import parameter
from specsight.preparation import ANGLES


def rotate_parameter(default: bool | None = False) -> bool | None:
    """Declare whether good pictures are rotated."""
    return parameter(
        default,
        "Learn from good pictures rotated by 45° steps too: true, false, or null, where they say so themselves.",
        optional=True,
    )


def angles_of(rotate: bool | None) -> tuple[float, ...] | None:
    """Degrees beside 0 for a value of that parameter; None: good pictures decide."""
    return None if rotate is None else ANGLES if rotate else ()


def align_parameter() -> bool | None:
    """Declare whether pictures are registered to one good picture."""
    return parameter(
        False,
        "Bring every picture to the pose of one good picture before it is framed: true, false, or null, where good "
        "pictures say so themselves.",
        optional=True,
    )
