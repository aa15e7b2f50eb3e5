"""Detectors: features → judgements. One file or folder per method; higher scores are more anomalous.

Methods are found by discovery: `detectors["patchcore"]` is a class, `create_detector("patchcore")` a detector.
"""

from __future__ import annotations

from specsight.detectors.contract import Detector, View, create_detector, detectors, load_detector
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.saving import State

__all__ = [
    "Detector",
    "Needs",
    "Regime",
    "State",
    "View",
    "create_detector",
    "detectors",
    "list_detectors",
    "load_detector",
]


def list_detectors() -> list[str]:
    """Names that `create_detector` takes, those of other installed distributions included."""
    return list(detectors)
