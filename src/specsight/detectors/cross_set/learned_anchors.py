"""The anchors that prompts have learned, among a detector's weights: saved by training, taken by judging."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from specsight.encoders import Features
from specsight.prompts.anchors import Anchors

ANCHORS = "anchors"
"""Name of the learned anchors (2, D) among the weights: good, damaged."""


def learned_anchors(weights: Mapping[str, Features]) -> Anchors:
    """Good against damage of no particular kind, (D,) each, from the weights of a training."""
    good, damaged = weights[ANCHORS]
    return Anchors(good, (None,), damaged[None], np.zeros((0, len(good)), np.float32))
