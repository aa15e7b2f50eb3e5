"""Detectors: features → judgements. One file per method, one registry; higher scores are more anomalous."""

from __future__ import annotations

from specsight.detectors.anomalyclip import AnomalyCLIP
from specsight.detectors.anomalydino import AnomalyDino
from specsight.detectors.april_gan import AprilGAN
from specsight.detectors.base import Detector, View, create_detector, detectors, load_detector
from specsight.detectors.clad import Clad
from specsight.detectors.cross_set import CrossSetDetector
from specsight.detectors.multiads import MultiADS
from specsight.detectors.padim import Padim
from specsight.detectors.patchcore import PatchCore
from specsight.detectors.phrase_maps import PhraseMaps
from specsight.detectors.spade import Spade
from specsight.detectors.subspacead import SubspaceAD
from specsight.detectors.text_aligned import TextAligned
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
