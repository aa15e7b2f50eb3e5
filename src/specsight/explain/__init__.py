"""Decisions → statements, each with its evidence and the checks of all it claims (`Explainer`)."""

from specsight.explain.sentences import (
    compared_by_map,
    deciding,
    describe,
    not_applied,
    operator_note,
    operator_notes,
    rewrites_told,
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
    "rewrites_told",
    "state",
    "told_apart",
]
