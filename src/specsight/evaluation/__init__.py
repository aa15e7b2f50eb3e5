"""Detectors × data × seeds → run folder, resumable; and the same writer for pictures without truth."""

from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.inspections import write_inspections
from specsight.evaluation.run import evaluate

__all__ = ["EvaluationConfig", "evaluate", "write_inspections"]
