"""Detectors × data × seeds → run folders, resumable."""

from specsight.calibration import ThresholdConfig
from specsight.evaluation.adaptation_suite import run_adaptation
from specsight.evaluation.config import (
    DataConfig,
    DetectorConfig,
    EvaluationConfig,
    LearningConfig,
    MeasuringConfig,
)
from specsight.evaluation.few_shot import few_shot_curve
from specsight.evaluation.run import Evaluation, evaluate, run_evaluation
from specsight.evaluation.stressing import stress_curves
from specsight.evaluation.suite_runner import SuiteError, run_suite

__all__ = [
    "DataConfig",
    "DetectorConfig",
    "Evaluation",
    "EvaluationConfig",
    "LearningConfig",
    "MeasuringConfig",
    "SuiteError",
    "ThresholdConfig",
    "evaluate",
    "few_shot_curve",
    "run_adaptation",
    "run_evaluation",
    "run_suite",
    "stress_curves",
]
