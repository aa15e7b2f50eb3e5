"""The one way through: a fitted detector with its calibration and specification, from picture to inspection."""

from specsight.inspector.inspector import Inspector
from specsight.inspector.observation import Observation, Skipped
from specsight.inspector.splits import split_holdout

__all__ = ["Inspector", "Observation", "Skipped", "split_holdout"]
