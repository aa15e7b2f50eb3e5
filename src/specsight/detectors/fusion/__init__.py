"""The model `fusion`: deviations from good parts in colour, depth and words, read by one head that obeys clauses."""

from specsight.detectors.fusion.detector import Fusion

__all__ = ["Fusion"]
