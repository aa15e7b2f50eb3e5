"""Judgement, findings, clauses, parts and calibration → the decision about one picture.

The one place where scope, tolerance and requirement act, for every detector.
"""

from specsight.decision.circumstances import Circumstances
from specsight.decision.decide import decide
from specsight.decision.precedence import clauses_in_force
from specsight.decision.scope import with_scope

__all__ = ["Circumstances", "clauses_in_force", "decide", "with_scope"]
