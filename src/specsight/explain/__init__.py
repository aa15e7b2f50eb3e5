"""Decisions → statements, each with its evidence and the checks of all it claims (`explaining.Explainer`).

Exported are the words of templates alone: rooms that print them need no ontology.
"""

from specsight.explain.sentences import (
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
    "deciding",
    "describe",
    "not_applied",
    "operator_note",
    "operator_notes",
    "rewrites_told",
    "state",
    "told_apart",
]
