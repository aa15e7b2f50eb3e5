"""Judgement, findings, clauses, parts and calibration → the decision about one picture."""

from specsight.decision.deciding import decide

__all__ = ["decide"]
