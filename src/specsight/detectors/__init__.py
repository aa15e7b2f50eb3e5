"""Detectors: features → judgements. One file per method, one registry; higher scores are more anomalous."""

from __future__ import annotations

from specsight.detectors.base import (
    Detector,
    View,
    create_detector,
    detectors,
    load_detector,
)
from specsight.detectors.patchcore import PatchCore
from specsight.detectors.phrase_maps import PhraseMaps
from specsight.detectors.winclip import WinCLIP

__all__ = [
    "Detector",
    "PatchCore",
    "PhraseMaps",
    "View",
    "WinCLIP",
    "create_detector",
    "detectors",
    "load_detector",
]
