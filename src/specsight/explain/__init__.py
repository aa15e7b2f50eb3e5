"""Findings → sentences with grounding."""

from specsight.explain.sentences import describe, not_applied, state, told_apart

__all__ = ["describe", "not_applied", "state", "told_apart"]
