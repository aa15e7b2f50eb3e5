"""Detectors: features → judgements. One file per method, one registry; higher scores are more anomalous."""

from __future__ import annotations

from specsight.detectors.anomalydino import AnomalyDino
from specsight.detectors.clad.detector import Clad
from specsight.detectors.contract import Detector, View, create_detector, detectors, load_detector
from specsight.detectors.cross_set.anomalyclip import AnomalyCLIP
from specsight.detectors.cross_set.april_gan import AprilGAN
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.cross_set.multiads import MultiADS
from specsight.detectors.padim import Padim
from specsight.detectors.patchcore import PatchCore
from specsight.detectors.phrases import PhraseMaps
from specsight.detectors.spade import Spade
from specsight.detectors.subspacead import SubspaceAD
from specsight.detectors.text_aligned.detector import TextAligned
from specsight.detectors.winclip import WinCLIP

__all__ = [
    "AnomalyCLIP",
    "AnomalyDino",
    "AprilGAN",
    "Clad",
    "CrossSetDetector",
    "Detector",
    "MultiADS",
    "Padim",
    "PatchCore",
    "PhraseMaps",
    "Spade",
    "SubspaceAD",
    "TextAligned",
    "View",
    "WinCLIP",
    "create_detector",
    "detectors",
    "load_detector",
]
