"""Answers under instructions → numbers with intervals: of one product, or the mean over several.

What is resampled for intervals are physical objects of each product, with everything that was asked of their pictures.
The mean over products counts each of them once, as `evaluation.summary` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.evaluation.numbers import NAN, NO_THRESHOLD, Number, Statistic, rate
from specsight.metrics import language_control as control
from specsight.runs.instructed import NAME, OTHER_ORDER, PART, TOGETHER, Answer, Instructed, Reworded
from specsight.runs.predictions import Prediction
from specsight.specification import Knowledge, Unread
from specsight.specification.vocabulary import normal_form

NO_PAIRS = "the set brings no such pairs"
NO_PARTS = "needs part maps, and defects on parts and beside them"
NO_REJECTS = "no picture was rejected for a defect that its instruction teaches"
NO_FINDING = "no finding lies on a defect of a type that the instruction teaches"
NO_WORDINGS = "nothing was reworded"

Measure = Callable[[NDArray[np.int64]], float]


@dataclass(frozen=True)
class Asked:
    """What one product was asked under one seed: its answers, and its predictions without further instruction."""

    answers: Sequence[Instructed]
    predictions: Sequence[Prediction]


def instruction_numbers(products: Mapping[str, Asked], resamples: int) -> dict[str, Number]:
    """Every number about instructions, by name of metric; empty where nothing was asked.

    Of several products each is the mean over those that have it.
    """
    if not any(asked.answers for asked in products.values()):
        return {}
    lines = [(name, one) for name, asked in products.items() for one in asked.answers]
    pairs = _Units.of([(name, one) for name, one in lines if one.pair], resamples)
    return {
        **_pairs(pairs),
        **_reading(pairs),
        **_parts(products, resamples),
        **_gaps(pairs),
        **_names(pairs),
        **_unseen(_Units.of([(name, one) for name, one in lines if one.kind == NAME], resamples)),
        **_wordings(pairs),
    }


@dataclass(frozen=True)
class _Units:
    """Lines of several products, and what is resampled."""

    lines: Sequence[Instructed]
    products: Sequence[str]
    resamples: int

    @classmethod
    def of(cls, lines: Sequence[tuple[str, Instructed]], resamples: int) -> _Units:
        return cls([one for _, one in lines], [name for name, _ in lines], resamples)

    def where(self, condition: Callable[[Instructed], bool]) -> _Units:
        """The lines that fulfil a condition."""
        kept = [(name, one) for name, one in zip(self.products, self.lines) if condition(one)]
        return _Units.of(kept, self.resamples)

    def of_kind(self, kind: str) -> _Units:
        """Those of one kind; "": all."""
        return self.where(lambda one: not kind or one.kind == kind)

    def decided(self, way: str) -> _Units:
        """Those with a verdict: without a threshold there is none, and nothing is right, wrong or accepted."""
        return self.where(lambda one: one.answers[way].verdict is not None)

    @property
    def objects(self) -> list[str]:
        """The physical object of each line; one that is seen as two products is resampled in each by itself."""
        return [f"{name} {one.group or one.id}" for name, one in zip(self.products, self.lines)]

    def number(self, measure: Measure, reason: str) -> Number:
        """The mean over products of `measure`, of the indices of each product's lines."""
        return _resampled(measure, self.products, self.objects, self.resamples, reason)

    def share(self, values: Sequence[bool], reason: str) -> Number:
        """Mean over products of the share of lines that are true."""
        return _share(np.array(values, bool), self.products, self.objects, self.resamples, reason)

    def ranks(self, way: str) -> NDArray[np.float64]:
        """What the decisions rank by."""
        return _ranks([one.answers[way] for one in self.lines])


def _pairs(asked: _Units) -> dict[str, Number]:
    numbers = {}
    for way in control.WAYS:
        for kind in ("", *control.KINDS):
            units = asked.of_kind(kind)
            numbers[control.pairs_name(kind, way)] = _both_ways(units, way)
        decided = asked.decided(way)
        right = [one.answers[way].verdict == one.truth for one in decided.lines]
        numbers[f"verdicts_{way}"] = decided.share(right, NO_THRESHOLD if asked.lines else NO_PAIRS)
    return numbers


def _both_ways(asked: _Units, way: str) -> Number:
    """Share of pairs, each of which is one picture's."""
    asked, every = asked.decided(way), asked.lines
    if not asked.lines:
        return Number(NAN, reason=NO_THRESHOLD if every else NO_PAIRS)
    names = [f"{name} {one.pair}" for name, one in zip(asked.products, asked.lines)]
    # Without words the two verdicts are one: that exactly one of them is right is no estimate.
    resamples = 0 if way == "ignored" else asked.resamples
    right = control.right_both_ways(names, [one.answers[way].verdict == one.truth for one in asked.lines])
    _, first = np.unique(names, return_index=True)
    products, objects = ([listed[i] for i in first] for listed in (asked.products, asked.objects))
    return _share(right, products, objects, resamples, NO_PAIRS)


def _reading(asked: _Units) -> dict[str, Number]:
    numbers = {}
    for kind in ("", *control.KINDS):
        units = asked.of_kind(kind)
        unread = [any(isinstance(clause, Unread) for clause in one.read) for one in units.lines]
        numbers[f"sentences_unread_{kind}" if kind else "sentences_unread"] = units.share(unread, NO_PAIRS)
    return numbers


def _parts(products: Mapping[str, Asked], resamples: int) -> dict[str, Number]:
    lines = [(name, one) for name, asked in products.items() for one in asked.answers if one.kind == PART]
    parts = _Units.of(lines, resamples)
    pictures = [(name, p) for name, asked in products.items() for p in asked.predictions]
    labels = np.array([p.label == "defective" for _, p in pictures], bool)
    scores = np.array([p.inspection.score for _, p in pictures], np.float64)
    count = len(pictures)
    of_both = [name for name, _ in pictures] + list(parts.products)
    objects = [f"{name} {p.group or p.id}" for name, p in pictures] + parts.objects
    in_scope = np.array([one.truth == "reject" for one in parts.lines], bool)
    numbers = {}
    for way in control.WAYS:
        ranks = parts.ranks(way)

        def drop(chosen: NDArray[np.int64], ranks: NDArray[np.float64] = ranks) -> float:
            first, second = chosen[chosen < count], chosen[chosen >= count] - count
            return control.scope_drop(labels[first], scores[first], in_scope[second], ranks[second])

        def auroc(chosen: NDArray[np.int64], ranks: NDArray[np.float64] = ranks) -> float:
            return control.part_auroc(in_scope[chosen], ranks[chosen])

        numbers[f"part_auroc_{way}"] = parts.number(auroc, NO_PARTS)
        numbers[f"scope_drop_{way}"] = _resampled(drop, of_both, objects, resamples, NO_PARTS)
        beside = parts.where(lambda one: one.outside)
        decided = beside.decided(way)
        accepted = [one.answers[way].verdict == "accept" for one in decided.lines]
        reason = NO_THRESHOLD if beside.lines else NO_PARTS
        numbers[f"scope_compliance_{way}"] = decided.share(accepted, reason)
    return numbers


def _gaps(asked: _Units) -> dict[str, Number]:
    numbers = {}
    for kind in ("", *control.KINDS):
        units = asked.where(lambda one, kind=kind: "random" in one.answers and kind in ("", one.kind))  # type: ignore[misc]
        rejects = np.array([one.truth == "reject" for one in units.lines], bool)
        text, random = units.ranks("text"), units.ranks("random")

        def gap(
            chosen: NDArray[np.int64],
            rejects: NDArray[np.bool_] = rejects,
            text: NDArray[np.float64] = text,
            random: NDArray[np.float64] = random,
        ) -> float:
            return control.control_gap(rejects[chosen], text[chosen], random[chosen])

        numbers[f"control_gap_{kind}" if kind else "control_gap"] = units.number(gap, NO_PAIRS)
    return numbers


def _names(asked: _Units) -> dict[str, Number]:
    """Of pictures rightly rejected under an instruction that teaches a type: whether a finding bears its name."""
    numbers = {}
    for way in ("clauses", "text"):
        units = asked.where(
            lambda one, way=way: bool(_taught(one)) and one.truth == one.answers[way].verdict == "reject"  # type: ignore[misc]
        )
        typed = [
            any(type_ and normal_form(type_) in _taught(one) for type_ in one.answers[way].counted)
            for one in units.lines
        ]
        numbers[f"names_typed_{way}"] = units.share(typed, NO_REJECTS)
    return numbers


def _unseen(asked: _Units) -> dict[str, Number]:
    """Of pictures in which a finding lies on the defect, whose type an instruction alone has taught: whether it bears
    the true name. None where the specification names all types."""
    if not asked.lines:
        return {}
    numbers = {}
    for way in ("clauses", "text"):
        found = asked.where(lambda one, way=way: way in one.named)  # type: ignore[misc]
        right = [_same(one.named[way], one) for one in found.lines]
        numbers[f"unseen_named_{way}"] = found.share(right, NO_FINDING)
        numbers[f"unseen_found_{way}"] = asked.share([way in one.named for one in asked.lines], NO_FINDING)
    return numbers


def _same(name: str | None, one: Instructed) -> bool:
    return name is not None and normal_form(name) == normal_form(one.shows)


def _taught(one: Instructed) -> set[str]:
    return {normal_form(clause.name) for clause in one.clauses if isinstance(clause, Knowledge)}


def _wordings(asked: _Units) -> dict[str, Number]:
    made = [
        (before, after, name, object_)
        for one, name, object_ in zip(asked.lines, asked.products, asked.objects)
        for before, after in _compared(one)
    ]
    products, objects = [name for _, _, name, _ in made], [object_ for *_, object_ in made]
    before = np.array([answer.score for answer, *_ in made], np.float64)
    after = np.array([said.score for _, said, *_ in made], np.float64)
    flipped = np.array([said.verdict != answer.verdict for answer, said, *_ in made], bool)
    moved = np.abs(after - before) > control.UNCHANGED
    if not made:
        names = ("wording_change_max", "wording_change_mean", "wording_changed", "wording_flipped")
        return {name: Number(NAN, reason=NO_WORDINGS) for name in names}
    return {
        # A largest change has no bootstrap interval: no resample can exceed it.
        "wording_change_max": Number(control.wording_change(before, after).largest),
        "wording_change_mean": _resampled(
            lambda chosen: control.wording_change(before[chosen], after[chosen]).mean,
            products,
            objects,
            asked.resamples,
            NO_WORDINGS,
        ),
        "wording_changed": _share(moved, products, objects, asked.resamples, NO_WORDINGS),
        "wording_flipped": _share(flipped, products, objects, asked.resamples, NO_WORDINGS),
    }


def _compared(one: Instructed) -> list[tuple[Answer | Reworded, Reworded]]:
    """Each rewording with what it is a rewording of: the text, or the same two instructions in the other order."""
    said = dict(one.wordings)
    together = said.pop(TOGETHER, None)
    bases = {OTHER_ORDER: together}
    return [(bases.get(name) or one.answers["text"], after) for name, after in said.items()]


def _ranks(answers: Sequence[Answer]) -> NDArray[np.float64]:
    return control.decision_ranks(
        [answer.verdict == "reject" for answer in answers], [answer.margin for answer in answers]
    )


def _resampled(
    measure: Measure, products: Sequence[str], objects: Sequence[str], resamples: int, reason: str
) -> Number:
    """Mean over products of `measure` of each product's indices, its interval over objects of each product."""
    if not products:
        return Number(NAN, reason=reason)
    names, members = np.unique(products, return_inverse=True)

    def mean(chosen: NDArray[np.int64]) -> float:
        values = np.array([measure(chosen[members[chosen] == k]) for k in range(len(names))])
        defined = values[~np.isnan(values)]
        return float(defined.mean()) if len(defined) else NAN

    return _number(mean, members, objects, resamples, reason)


def _number(
    statistic: Statistic, strata: NDArray[np.int64], objects: Sequence[str], resamples: int, reason: str
) -> Number:
    value = statistic(np.arange(len(strata)))
    if np.isnan(value) or not resamples:
        return Number(value, reason=reason if np.isnan(value) else "")
    return Number.resampled(value, metrics.bootstrap(statistic, strata, objects, resamples=resamples))


def _share(
    values: NDArray[np.bool_], products: Sequence[str], objects: Sequence[str], resamples: int, reason: str
) -> Number:
    """A share with its bootstrap interval; all or none has none, and is given Wilson's of as many objects."""
    if not len(values):
        return Number(NAN, reason=reason)
    number = _resampled(lambda chosen: _mean(values[chosen]), products, objects, resamples, reason)
    if resamples and len(set(values.tolist())) == 1:
        count = len(set(objects))
        return rate(count if values[0] else 0, count, reason)
    return number


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else NAN
