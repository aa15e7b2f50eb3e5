"""Whether what is said of pictures is true: statements against masks and labels, and against their own checks.

In: the labelled predictions of one seed, with their explanations. Out: numbers with intervals (`metrics.told`).
Slots are compared as those of benchmarks' reports are (`explain.grounding`); templates state no box, and severity and
length are left out: few sets know them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.evaluation.instructions.regions import Region, regions_of
from specsight.evaluation.numbers import Number, Resampling, rate
from specsight.explain.grounding import Compared, compare, credit_of
from specsight.explain.places import sums_of_cells
from specsight.explain.slots import Slots
from specsight.findings import WHOLE_PICTURE
from specsight.ontology import load_ontology
from specsight.records import Explanation, Sample
from specsight.records.explanations import REWRITTEN
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

CELL = 0.1
"""Share of a defect from which on it lies in a cell."""
UNEXPLAINED = "no statement was kept"
NO_REWRITE = "no language model was asked"


def statement_numbers(
    run: RunFolder, labelled: Sequence[Prediction], masked: Sequence[Prediction], resamples: int
) -> dict[str, Number]:
    """Grounding score, hallucination, omission, what is unsupported, and rewrites that were rejected.

    Places, parts and numbers are compared on the pictures `masked`, types and verdicts on all. Empty where no picture
    has a verdict and an explanation.
    """
    explained = [p for p in labelled if p.inspection.explanation and p.inspection.verdict]
    if not explained:
        return {}
    known, credit = {p.id for p in masked}, credit_of(load_ontology())
    compared = [
        compare(
            stated_slots(p),
            true_slots(p.sample(run.data), p.size, p.id in known),
            lambda stated, true, p=p: credit(stated, true, p.inspection.product),  # type: ignore[misc]
        )
        for p in explained
    ]
    sampling = Resampling(explained, resamples)
    return {**_of_truth(explained, compared, sampling), **_of_checks(explained)}


def stated_slots(prediction: Prediction) -> Slots:
    """What the statements of a picture assert, from the findings that they speak of.

    A rewrite is used only where it says all of that and nothing else.
    """
    inspection = prediction.inspection
    if inspection.verdict == "accept" or inspection.explanation is None:
        return Slots(decision=inspection.verdict, types=(), cells=(), parts=(), count=0)
    numbers = dict.fromkeys(
        number
        for one in inspection.explanation.statements
        if one.kind == "findings"
        for number in one.findings
    )
    told = [inspection.findings[number] for number in numbers]
    return Slots(
        decision=inspection.verdict,
        types=tuple(dict.fromkeys(one.type for one in told if one.type)),
        cells=tuple(dict.fromkeys(one.place for one in told if one.place != WHOLE_PICTURE)),
        parts=tuple(dict.fromkeys(one.part for one in told if one.part)),
        count=len(inspection.decision.counted),
    )


def true_slots(sample: Sample, size: tuple[int, int], masks: bool) -> Slots:
    """What is true of a picture of `size` (H, W); with `masks`, also where its defects lie and how many there are."""
    if sample.label == "good":
        return Slots(decision="accept", types=(), cells=(), parts=(), count=0)
    types = tuple(sorted(set(sample.types))) or None
    regions = regions_of(sample, size) if masks else None
    if not regions:
        return Slots(decision="reject", types=types)
    regions = [one for one in regions if not one.speck] or regions
    parts = tuple(sorted({one.part for one in sample.defects if one.part}))
    return Slots(
        decision="reject",
        types=types,
        cells=tuple(sorted({cell for one in regions for cell in _cells(one)})),
        parts=parts or None,
        count=len(regions),
    )


def _cells(region: Region) -> Collection[str]:
    sums = sums_of_cells(region.mask, region.mask.shape)
    return [name for name, value in sums.items() if value >= CELL * region.mask.sum()]


def _of_truth(
    explained: Sequence[Prediction], compared: Sequence[Compared], sampling: Resampling
) -> dict[str, Number]:
    def values(of: Callable[[Compared], float | None]) -> NDArray[np.float64]:
        return np.array([np.nan if (value := of(one)) is None else value for one in compared], np.float64)

    asserted, unsupported = values(lambda c: c.asserted), values(lambda c: c.unsupported)
    true, omitted = values(lambda c: c.true), values(lambda c: c.omitted)
    means = [values(lambda c: c.polarity), values(lambda c: c.types), values(lambda c: c.cells)]
    defective = sampling.defective

    def grounding(weights: NDArray[np.int64]) -> NDArray[np.float64]:
        parts = [_ratio(weights, np.nan_to_num(one), ~np.isnan(one)) for one in means]
        parts.append(1 - _ratio(weights, unsupported, asserted))
        known = [part for part in parts if not np.isnan(part).all()]
        return np.asarray(np.mean(known, axis=0), np.float64)

    def share(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> Number:
        return sampling.weighted(lambda weights: _ratio(weights, top, bottom), UNEXPLAINED)

    return {
        "grounding": sampling.weighted(grounding, UNEXPLAINED),
        "hallucination_rate": share(unsupported, asserted),
        "good_hallucination_rate": share(unsupported * ~defective, asserted * ~defective),
        "defective_hallucination_rate": share(unsupported * defective, asserted * defective),
        "omission_rate": share(omitted, true),
    }


def _ratio(
    weights: NDArray[np.int64], top: NDArray[np.float64], bottom: NDArray[np.float64] | NDArray[np.bool_]
) -> NDArray[np.float64]:
    sums, of = weights @ top, weights @ bottom.astype(np.float64)
    shares = np.divide(sums, of, out=np.full(len(weights), np.nan), where=of > 0)
    return np.asarray(shares, np.float64)


def _of_checks(explained: Sequence[Prediction]) -> dict[str, Number]:
    explanations = [p.inspection.explanation for p in explained if p.inspection.explanation]
    sound = [one for explanation in explanations for one in _shown(explanation)]
    rewrites = [one.rewrite for one in explanations if one.rewrite and one.rewrite.text]
    rejected = sum(not one.accepted for one in rewrites)
    numbers = {"unsupported_rate": rate(sum(not one for one in sound), len(sound), UNEXPLAINED)}
    return numbers | (
        {"rejected_rewrites_rate": rate(rejected, len(rewrites), NO_REWRITE)} if rewrites else {}
    )


def _shown(explanation: Explanation) -> list[bool]:
    """Of each statement that is shown, whether every claim is supported; an accepted rewrite is one statement."""
    rewrite = explanation.rewrite if explanation.rewrite and explanation.rewrite.accepted else None
    own = [one for one in explanation.statements if not (rewrite and one.kind in REWRITTEN)]
    return [one.sound for one in own] + (
        [all(c.outcome == "supported" for c in rewrite.checks)] if rewrite else []
    )
