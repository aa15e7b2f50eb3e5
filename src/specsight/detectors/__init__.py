"""Detectors: features → judgements. One file or folder per method; higher scores are more anomalous.

Methods are found by discovery: `detectors["patchcore"]` is a class, `create_detector("patchcore")` a detector.
"""

from __future__ import annotations

from specsight.detectors.contract import Detector, View, create_detector, detectors, load_detector

__all__ = ["Detector", "View", "create_detector", "detectors", "load_detector"]
