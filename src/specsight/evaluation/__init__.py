"""Detectors × data × seeds → run folders, resumable."""

from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.few_shot import few_shot_curve
from specsight.evaluation.run import evaluate
from specsight.evaluation.suite_runner import run_suite

__all__ = ["EvaluationConfig", "evaluate", "few_shot_curve", "run_suite"]
