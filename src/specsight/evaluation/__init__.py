"""Detectors × data × seeds → run folder, resumable; and the same writer for pictures without truth."""

from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.few_shot import few_shot_curve
from specsight.evaluation.inspections import write_inspections
from specsight.evaluation.run import evaluate

__all__ = ["EvaluationConfig", "evaluate", "few_shot_curve", "write_inspections"]
