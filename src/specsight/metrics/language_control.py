"""Whether words decide: what becomes of verdicts and scores when the picture stays and the instruction changes.

In: arrays with one entry per question (a picture under an instruction). Out: numbers. A method that does not read gets
no matched pair right both ways, half of the single verdicts, and a control gap of 0.

Part-AUROC, scope drop, scope compliance and control gap are those of the component-scoped protocol of TGAD (arXiv
2606.01992), as methods.md B.8 states them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specsight.errors import SpecsightError
from specsight.metrics.image import image_auroc
from specsight.metrics.metric import Block, Direction, Format, Group, Metric, metrics

UNCHANGED = 0.005
"""Change of a score that wording which says nothing may make."""
KINDS = ("scope", "tolerance", "requirement", "knowledge")
"""Kinds of matched pairs."""
WAYS = {
    "clauses": "from the true clauses",
    "text": "from the raw text",
    "ignored": "without the instruction",
}
"""How a picture was judged for a pair → the same in words."""


class WordingChange(NamedTuple):
    """What wording that says nothing does to scores; nan where nothing was reworded."""

    largest: float
    mean: float
    over: float
    """Share of changes above `UNCHANGED`."""


def right_both_ways(pairs: ArrayLike, right: ArrayLike) -> NDArray[np.bool_]:
    """Which pairs have two right verdicts, (P,), in the order of their sorted names.

    `pairs` (N,) names the pair of each question, `right` (N,) says whether its verdict is the true one. Raises
    SpecsightError for a pair that has not two questions.
    """
    names, members, counts = np.unique(np.asarray(pairs), return_inverse=True, return_counts=True)
    if np.any(counts != 2):
        odd = names[np.argmax(counts != 2)]
        raise SpecsightError(f"pair '{odd}' has {counts[np.argmax(counts != 2)]} verdicts: a pair has two")
    return np.asarray(np.bincount(members.ravel(), np.asarray(right, np.float64), len(names)) == 2)


def decision_ranks(rejected: ArrayLike, margins: ArrayLike) -> NDArray[np.float64]:
    """Decisions (N,) as numbers that rank them, higher = more anomalous; equal decisions have equal numbers.

    `margins` (N,) is the score less the threshold that it was compared with: thresholds differ between scopes. What is
    `rejected` (N,) at or below its threshold, for something required that is not there, ranks above every margin.
    """
    out, values = np.asarray(rejected, bool), np.asarray(margins, np.float64)
    _same_length(out, values)
    unmet = out & (values <= 0)
    order = np.stack([unmet.astype(np.float64), values], axis=1)
    return np.asarray(np.unique(order, axis=0, return_inverse=True)[1].ravel(), np.float64)


def part_auroc(in_scope: ArrayLike, ranks: ArrayLike) -> float:
    """AUROC of "a defect lies in the scope" (N,) by what decisions under the scope rank by (N,).

    Good pictures and pictures whose defects all lie outside of the scope are the negatives. nan with one class only.
    """
    return image_auroc(in_scope, ranks)


def scope_drop(labels: ArrayLike, scores: ArrayLike, in_scope: ArrayLike, ranks: ArrayLike) -> float:
    """AUROC of pictures, defective (labels (M,)) against good by their scores (M,), less `part_auroc`."""
    return image_auroc(labels, scores) - part_auroc(in_scope, ranks)


def control_gap(rejects: ArrayLike, with_words: ArrayLike, with_random_words: ArrayLike) -> float:
    """AUROC of the true verdict "reject" (N,) by ranks under the right instruction (N,), less that by ranks under an
    instruction drawn at random (N,). 0: the words had no say."""
    return image_auroc(rejects, with_words) - image_auroc(rejects, with_random_words)


def wording_change(before: ArrayLike, after: ArrayLike) -> WordingChange:
    """How far scores (N,) move when sentences are said otherwise and mean the same."""
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    _same_length(first, second)
    if not len(first):
        return WordingChange(float("nan"), float("nan"), float("nan"))
    change = np.abs(second - first)
    return WordingChange(float(change.max()), float(change.mean()), float((change > UNCHANGED).mean()))


def _same_length(first: NDArray[Any], second: NDArray[Any]) -> None:
    if first.shape != second.shape or first.ndim != 1:
        raise SpecsightError(
            f"one array has shape {first.shape}, the other {second.shape}: pass one entry of each per question"
        )


def pairs_name(kind: str, way: str) -> str:
    """Name of the share of pairs of one kind right both ways; `kind` "" is all kinds, `way` a key of `WAYS`."""
    return f"pairs_{kind}_{way}" if kind else f"pairs_{way}"


def _register(
    name: str,
    title: str,
    description: str,
    direction: Direction = "higher",
    format: Format = "number",
    column: str = "",
) -> None:
    metrics.register(name)(
        Metric(title, description, Group.WORDS, direction, format=format, column_title=column)
    )


for _way, _from in WAYS.items():
    for _kind in ("", *KINDS):
        _what = f"{_kind} pairs" if _kind else "pairs"
        _register(
            pairs_name(_kind, _way),
            f"{_what.capitalize()}, {_from}",
            f"share of matched {_what} decided right both ways, {_from}",
            format="percent",
            column=_kind or "all pairs",
        )
    _register(
        f"verdicts_{_way}",
        f"Verdicts, {_from}",
        f"share of the pairs' single verdicts that are right, {_from}; half is chance",
        format="percent",
        column="single verdicts",
    )
for _kind in ("", *KINDS):
    _register(
        f"sentences_unread_{_kind}" if _kind else "sentences_unread",
        f"Unread, {_kind or 'all pairs'}",
        f"share of the {f'{_kind} ' if _kind else ''}instructions with a sentence that was not understood",
        "lower",
        "percent",
        f"unread: {_kind}" if _kind else "unread",
    )
for _way, _from in WAYS.items():
    _register(
        f"part_auroc_{_way}",
        f"Part-AUROC, {_from}",
        f"AUROC of 'a defect lies on the part that is to be inspected', {_from}; other defects are negatives",
        column=f"Part-AUROC, {_way}",
    )
    _register(
        f"scope_drop_{_way}",
        f"Scope drop, {_from}",
        f"image AUROC less Part-AUROC, {_from}",
        "lower",
        column=f"scope drop, {_way}",
    )
    _register(
        f"scope_compliance_{_way}",
        f"Scope compliance, {_from}",
        f"share accepted of pictures with defects outside of the scope alone, {_from}",
        format="percent",
        column=f"compliance, {_way}",
    )
for _way in ("clauses", "text"):
    _from = WAYS[_way]
    _register(
        f"names_typed_{_way}",
        f"New names, {_from}",
        f"share of pictures, rejected for a defect that the instruction teaches, with a finding of that name, {_from}",
        format="percent",
        column=f"new names, {_way}",
    )
    _register(
        f"unseen_named_{_way}",
        f"Types never learned, {_from}",
        f"of findings on defects whose type an instruction alone has taught, the share of the true name, {_from}",
        format="percent",
        column=f"types never learned: named, {_way}",
    )
    _register(
        f"unseen_found_{_way}",
        f"Types never learned, found, {_from}",
        f"share of pictures of a type that an instruction alone has taught with a finding on the defect, {_from}",
        format="percent",
        column=f"found, {_way}",
    )
for _kind in ("", *KINDS):
    _register(
        f"control_gap_{_kind}" if _kind else "control_gap",
        f"Control gap, {_kind or 'all pairs'}",
        "AUROC of the true verdict by decisions under the right text, less that under a text drawn at random",
        column=_kind or "all pairs",
    )
_register(
    "wording_change_max",
    "Wording: largest change",
    "largest change of a score when an instruction is worded otherwise and says the same",
    "lower",
    column="largest change",
)
_register(
    "wording_change_mean",
    "Wording: mean change",
    "mean change of scores when instructions are worded otherwise and say the same",
    "lower",
    column="mean change",
)
_register(
    "wording_changed",
    "Wording: scores changed",
    f"share of rewordings that say the same and move the score by more than {UNCHANGED}",
    "lower",
    "percent",
    f"moved by more than {UNCHANGED}",
)
_register(
    "wording_flipped",
    "Wording: verdicts changed",
    "share of rewordings that say the same and change the verdict",
    "lower",
    "percent",
    "verdict changed",
)


BLOCKS = (
    *(
        Block(
            f"Pairs decided right both ways, {WAYS[way]}",
            meaning,
            (*(pairs_name(kind, way) for kind in (*KINDS, "")), f"verdicts_{way}"),
        )
        for way, meaning in (
            ("text", "The same picture is accepted under one sentence and rejected under the other."),
            ("clauses", "What the sentences mean, given as clauses: what reading costs is the difference."),
        )
    ),
    Block(
        "One part to be inspected",
        "Positives are pictures with a defect on the part, negatives good ones and those with defects beside it. "
        "Scope drop: image AUROC less Part-AUROC. Compliance: share accepted of pictures with defects beside it alone.",
        tuple(
            f"{name}_{way}"
            for way in ("text", "clauses")
            for name in ("part_auroc", "scope_drop", "scope_compliance")
        ),
    ),
    Block(
        "Control gap, and new names",
        "AUROC of the true verdict under the right sentence, less that under a sentence of another picture: 0 where "
        "words have no say. New names: share of rejections for a taught defect with a finding of its name. Types never "
        "learned: half of the types are left out of the specification and taught by the instruction alone.",
        (
            *(f"control_gap_{kind}" for kind in KINDS),
            *("control_gap", "names_typed_text", "names_typed_clauses"),
            *("unseen_found_text", "unseen_named_text", "unseen_named_clauses"),
        ),
    ),
    Block(
        "Reading, and wording that says nothing",
        "Share of instructions with a sentence that was not understood; what politeness, synonyms, quotation marks, "
        "spaces, capitals, an idle sentence and a paraphrase do to scores and verdicts.",
        (
            *("sentences_unread_" + kind for kind in KINDS),
            *("sentences_unread", "wording_change_max", "wording_change_mean"),
            *("wording_changed", "wording_flipped"),
        ),
    ),
)
"""How numbers about instructions are tabulated."""
