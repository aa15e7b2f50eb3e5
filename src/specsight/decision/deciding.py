"""Judgement and calibration → verdict. The one place where a score becomes "accept" or "reject", for every detector."""

from __future__ import annotations

from specsight.calibration import Calibration
from specsight.records import Judgement, Verdict


def decide(judgement: Judgement, calibration: Calibration | None) -> Verdict | None:
    """Reject above the calibrated threshold; no verdict where no threshold could be calibrated."""
    if calibration is None:
        return None
    return "reject" if judgement.score > calibration.score_threshold else "accept"
