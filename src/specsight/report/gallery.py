"""Which pictures a person should see first, and their cards: panels, score, verdict, truth and the finding in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from specsight.report.renderer import Shown
from specsight.runs.predictions import Prediction

WORST = 8
"""Pictures per section that shows faults."""
TYPICAL = 4
REJECTED = 40
"""Pictures shown of an inspection without truth."""


@dataclass(frozen=True)
class Card:
    """One picture of the gallery. `badge` holds the CSS class and the words of how the verdict relates to the truth."""

    prediction: Prediction
    badge: tuple[str, str]
    truth: str
    shown: Shown


@dataclass(frozen=True)
class Section:
    """Pictures that belong together: the cards, and how many there are in `total`."""

    title: str
    meaning: str
    total: int
    cards: list[Card]


def choose(predictions: Sequence[Prediction]) -> list[tuple[str, str, int, list[Prediction]]]:
    """(title, meaning, how many there are, the ones to show) per section, faults before successes."""
    if any(p.label != "unknown" for p in predictions):
        return [s for s in _with_truth(predictions) if s[2]]
    return [s for s in _without_truth(predictions) if s[2]]


def badge(prediction: Prediction, located: Mapping[str, bool]) -> tuple[str, str]:
    """CSS class and words for how the verdict relates to the truth.

    `located`: id of a rejected defective picture → whether a finding touches the defect; it holds none whose true mask
    is not known.
    """
    verdict = prediction.inspection.verdict
    if verdict is None:
        return "open", "No verdict"
    if prediction.label == "unknown":
        if prediction.inspection.decision.unlike is not None:
            return "bad", "Not this product"
        return ("bad", "Rejected") if verdict == "reject" else ("fine", "Accepted")
    if prediction.label == "good":
        return ("fault", "False reject") if verdict == "reject" else ("fine", "Rightly accepted")
    if verdict != "reject":
        return "fault", "Missed"
    if prediction.id not in located:
        return "fine", "Rightly rejected"
    return ("fine", "Located") if located[prediction.id] else ("open", "Rejected, defect not located")


def truth(prediction: Prediction) -> str:
    """The truth in words; empty where it is not known."""
    if prediction.label == "unknown":
        return ""
    return ", ".join(prediction.types) or prediction.label


def _with_truth(predictions: Sequence[Prediction]) -> list[tuple[str, str, int, list[Prediction]]]:
    good = _ranked(p for p in predictions if p.label == "good")
    bad = _ranked(p for p in predictions if p.label == "defective")
    if all(p.inspection.verdict is None for p in predictions):
        return [
            (
                "Highest scores",
                "No threshold was calibrated, so there are no verdicts.",
                len(bad + good),
                _ranked(bad + good)[:WORST],
            ),
            ("Defective parts that look most normal", "Lowest scores first.", len(bad), bad[::-1][:WORST]),
        ]
    misses = [p for p in bad if p.inspection.verdict == "accept"][::-1]
    rejects = [p for p in good if p.inspection.verdict == "reject"]
    hits = [p for p in bad if p.inspection.verdict == "reject"]
    accepted = [p for p in good if p.inspection.verdict == "accept"]
    return [
        (
            "Worst misses",
            "Defective parts that were accepted, lowest score first.",
            len(misses),
            misses[:WORST],
        ),
        (
            "Worst false rejects",
            "Good parts that were rejected, highest score first.",
            len(rejects),
            rejects[:WORST],
        ),
        (
            "Typical hits",
            "Defective parts that were rejected: the middle scores of each type.",
            len(hits),
            _typical_of_each_type(hits),
        ),
        (
            "Typical good parts",
            "Good parts that were accepted, from the middle of their scores.",
            len(accepted),
            _middle(accepted, TYPICAL),
        ),
    ]


def _without_truth(predictions: Sequence[Prediction]) -> list[tuple[str, str, int, list[Prediction]]]:
    ranked = _ranked(predictions)
    rejected = [p for p in ranked if p.inspection.verdict == "reject"]
    accepted = [p for p in ranked if p.inspection.verdict == "accept"]
    unjudged = [p for p in ranked if p.inspection.verdict is None]
    return [
        ("Rejected", "Highest score first.", len(rejected), rejected[:REJECTED]),
        (
            "Accepted, closest to the threshold",
            "The pictures to look at twice.",
            len(accepted),
            accepted[:WORST],
        ),
        (
            "Highest scores",
            "No threshold was calibrated, so there are no verdicts.",
            len(unjudged),
            unjudged[:REJECTED],
        ),
    ]


def _ranked(predictions: Iterable[Prediction]) -> list[Prediction]:
    """Highest score first; ties by id, so that a page comes out the same every time."""
    return sorted(predictions, key=lambda p: (-p.inspection.score, p.id))


def _typical_of_each_type(hits: Sequence[Prediction]) -> list[Prediction]:
    """Round by round one picture of every type, from the middle of its scores outwards."""
    types = sorted({p.types for p in hits})
    queues = [_middle([p for p in hits if p.types == t], WORST) for t in types]
    rounds = [queue[i] for i in range(WORST) for queue in queues if i < len(queue)]
    return rounds[: max(WORST, min(len(types), 2 * WORST))]


def _middle(ranked: Sequence[Prediction], count: int) -> list[Prediction]:
    """The `count` pictures nearest to the median of a ranked list."""
    centre = (len(ranked) - 1) / 2
    return [ranked[i] for i in sorted(range(len(ranked)), key=lambda i: abs(i - centre))[:count]]
