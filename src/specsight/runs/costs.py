"""What a run counted and spent: pictures by label and verdict, seconds by stage.

In: predictions and the record of a fit. Out: the entries "counts" and "seconds" of `metrics.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specsight.runs.predictions import Prediction, SkippedPicture

STAGES: Mapping[str, str] = {
    "read": "read the file",
    "look": "look (encode)",
    "judge": "judge",
    "find": "find",
    "explain": "explain",
}
"""What is done for every picture, in this order, and its title."""


def counts(predictions: Sequence[Prediction], skipped: Sequence[SkippedPicture]) -> dict[str, int]:
    """How many pictures there are of each label and verdict, over all seeds, and how many could not be used."""
    verdicts = [p.inspection.verdict for p in predictions]
    labels = [p.label for p in predictions]
    return {
        "pictures": len(predictions),
        **{label: labels.count(label) for label in ("good", "defective", "unknown")},
        "accepted": verdicts.count("accept"),
        "rejected": verdicts.count("reject"),
        "skipped": len(skipped),
    }


def rewrites(predictions: Sequence[Prediction]) -> dict[str, int]:
    """How many statements a language model rewrote, how many of these rewrites failed their checks, and how often there
    was no answer."""
    explained = [p.inspection.explanation for p in predictions]
    made = [one.rewrite for one in explained if one is not None and one.rewrite is not None]
    silent = sum(not one.accepted and not one.text for one in made)
    rejected = sum(not one.accepted for one in made) - silent
    return {"asked": len(made), "rejected": rejected, "no_answer": silent}


def seconds(
    predictions: Sequence[Prediction], *, training: float | None = None, fit: float | None = None
) -> dict[str, Any]:
    """Time by stage of one seed: of `training` on other products, of `fit`, and of each picture the median and the sum.

    A training may be shared by several runs, so it stands apart from the fit.
    """
    spent: dict[str, Any] = {
        name: value for name, value in (("training", training), ("fit", fit)) if value is not None
    }
    for stage in STAGES:
        each = [p.inspection.seconds[stage] for p in predictions if stage in p.inspection.seconds]
        if each:
            spent[stage] = {"median": float(np.median(each)), "total": float(np.sum(each))}
    return spent


def milliseconds_per_picture(spent: Mapping[str, Any]) -> float | None:
    """Milliseconds to read, look, judge and find, medians added up; None where no picture was judged."""
    medians = [stage["median"] for name, stage in spent.items() if name in STAGES]
    return 1000 * sum(medians) if medians else None
