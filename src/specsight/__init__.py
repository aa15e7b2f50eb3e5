"""Specsight: multimodal anomaly detection for industrial products.

`import specsight as ss` is instant: public names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from specsight.version import __version__

if TYPE_CHECKING:
    from specsight.datasets import load_dataset
    from specsight.detectors import create_detector, list_detectors
    from specsight.encoders import load_encoder
    from specsight.errors import SpecsightError
    from specsight.evaluation import evaluate
    from specsight.inspector import Inspector
    from specsight.records import Inspection, Sample
    from specsight.specification import Instruction, Specification, load_specification

_HOMES = {
    "Inspection": "records",
    "Inspector": "inspector",
    "Instruction": "specification",
    "Sample": "records",
    "Specification": "specification",
    "SpecsightError": "errors",
    "create_detector": "detectors",
    "evaluate": "evaluation",
    "list_detectors": "detectors",
    "load_dataset": "datasets",
    "load_encoder": "encoders",
    "load_specification": "specification",
}
"""Public name → the room that it lives in."""

__all__ = [
    "Inspection",
    "Inspector",
    "Instruction",
    "Sample",
    "Specification",
    "SpecsightError",
    "__version__",
    "create_detector",
    "evaluate",
    "list_detectors",
    "load_dataset",
    "load_encoder",
    "load_specification",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'specsight' has no attribute '{name}'")
    return getattr(import_module(f"specsight.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
