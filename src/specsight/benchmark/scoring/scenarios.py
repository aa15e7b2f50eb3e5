"""The TGAD-style scenarios: what wording does to the same questions (S1), one component alone (S2), panels (S3).

In: a run's questions. Out: statistics by name: accuracy under each scenario, and for each edit of S1 how accuracy
differs from the same question in plain words, with an interval over objects of the paired differences.
"""

from __future__ import annotations

from collections.abc import Mapping

from specsight.benchmark.scoring.accuracy import MARKED, mean_of, right
from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.scoring.resampling import Difference, Statistic
from specsight.benchmark.scoring.words_decide import auroc, has_margins, pairs_of, two_classes

PLAIN = "S1/plain"
"""The scenario of plain words; where there is none, questions of no scenario are."""


def scenarios(run: Answered) -> dict[str, Statistic]:
    """Numbers of every scenario.

    "scenario/NAME": accuracy; "scenario_auroc/NAME": AUROC of the true verdict, where answers have likelihoods;
    "scenario_pairs/NAME": pairs right both ways; "change/NAME" and "change_auroc/NAME": these numbers less those of the
    same questions in plain words; "flipped/NAME": share of these whose answer is another.
    """
    statistics: dict[str, Statistic] = {}
    plain = _by_question(run)
    for name in sorted({one.scenario for one in run.asked if one.scenario}):
        asked = [one for one in run.asked if one.scenario == name and one.form in MARKED]
        if not asked:
            continue
        statistics[f"scenario/{name}"] = mean_of(run, asked, right)
        verdicts = [one for one in asked if one.truth is not None]
        if two_classes(verdicts) and has_margins(verdicts):
            statistics[f"scenario_auroc/{name}"] = auroc(run, verdicts, verdicts)
        pairs = {first.item: first.mark.right and second.mark.right for first, second in pairs_of(asked)}
        if pairs:
            firsts = [one for one in asked if one.item in pairs]
            statistics[f"scenario_pairs/{name}"] = mean_of(
                run,
                firsts,
                lambda one, pairs=pairs: pairs[one.item],  # type: ignore[misc]
            )
        if not name.startswith("S1/") or name == PLAIN:
            continue
        both = [one for one in asked if _key(one) in plain]
        if both:
            statistics[f"change/{name}"] = mean_of(run, both, lambda one: _change(one, plain))
            statistics[f"flipped/{name}"] = mean_of(run, both, lambda one: _flipped(one, plain))
        judged = [one for one in both if one.truth is not None and plain[_key(one)].truth is not None]
        before = [plain[_key(one)] for one in judged]
        if two_classes(judged) and has_margins([*judged, *before]):
            statistics[f"change_auroc/{name}"] = Difference(
                auroc(run, judged, judged), auroc(run, judged, before)
            )
    return statistics


def _by_question(run: Answered) -> dict[tuple[str, str], Asked]:
    """The question in plain words that edits of S1 are compared with, by sample and task."""
    named = [one for one in run.asked if one.scenario == PLAIN]
    found: dict[tuple[str, str], Asked] = {}
    for one in named or run.plain:
        if one.form in MARKED:
            found.setdefault(_key(one), one)
    return found


def _key(one: Asked) -> tuple[str, str]:
    return one.sample, one.task


def _change(one: Asked, plain: Mapping[tuple[str, str], Asked]) -> float:
    return float(one.mark.right) - float(plain[_key(one)].mark.right)


def _flipped(one: Asked, plain: Mapping[tuple[str, str], Asked]) -> bool:
    """By verdict where both have one; else by whether one is right and the other is not."""
    other = plain[_key(one)]
    if one.truth is not None and other.truth is not None:
        return one.verdict != other.verdict
    return one.mark.right != other.mark.right
