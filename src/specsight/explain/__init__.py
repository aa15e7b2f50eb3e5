"""Findings → sentences with grounding."""

from specsight.explain.sentences import (
    compared_by_map,
    deciding,
    describe,
    not_applied,
    operator_note,
    operator_notes,
    state,
    told_apart,
)

__all__ = [
    "compared_by_map",
    "deciding",
    "describe",
    "not_applied",
    "operator_note",
    "operator_notes",
    "state",
    "told_apart",
]
