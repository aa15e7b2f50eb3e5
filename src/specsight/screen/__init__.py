"""What the command line prints of results and names; it computes nothing."""

from __future__ import annotations

from specsight.screen.choices import choice, chosen
from specsight.screen.clauses import clauses
from specsight.screen.listing import KINDS, REGISTRIES, detector, kinds, names, registry_of
from specsight.screen.printing import ReaderLeft, say, show
from specsight.screen.results import (
    account,
    curve,
    files,
    framing,
    headline,
    instructed,
    notes,
    stress,
    suite,
    unapplied,
    verdicts,
)
from specsight.screen.thresholds import histogram, thresholds

__all__ = [
    "KINDS",
    "REGISTRIES",
    "ReaderLeft",
    "account",
    "choice",
    "chosen",
    "clauses",
    "curve",
    "detector",
    "files",
    "framing",
    "headline",
    "histogram",
    "instructed",
    "kinds",
    "names",
    "notes",
    "registry_of",
    "say",
    "show",
    "stress",
    "suite",
    "thresholds",
    "unapplied",
    "verdicts",
]
