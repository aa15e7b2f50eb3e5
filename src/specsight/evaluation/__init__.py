"""Detectors × data × seeds → run folder, resumable; and the same writer for pictures without truth."""

from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.few_shot import few_shot_curve
from specsight.evaluation.run import evaluate
from specsight.evaluation.suite_runner import run_suite
from specsight.runs.inspections import write_inspections

__all__ = ["EvaluationConfig", "evaluate", "few_shot_curve", "run_suite", "write_inspections"]
