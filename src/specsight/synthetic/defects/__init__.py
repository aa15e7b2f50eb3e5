"""Synthetic defects: a good picture → the same picture with a defect, its exact mask, its type and its sentence.

What every method that sees only good pictures trains from. One rule holds for all of them: the mask is exactly the
set of pixels that differ from the good picture; a pixel that did not change is never labelled.
"""

from __future__ import annotations

from specsight.synthetic.defects.painting import SyntheticDefect, synthesise, synthesisers

__all__ = ["SyntheticDefect", "synthesise", "synthesisers"]
