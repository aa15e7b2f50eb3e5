"""Findings → sentences with grounding."""

from specsight.explain.sentences import describe, state

__all__ = ["describe", "state"]
