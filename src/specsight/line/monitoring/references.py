"""What a line's parts are compared with: references taken, and watches begun anew, by an engineer."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from specsight.errors import SpecsightError, did_you_mean
from specsight.line.counting import counted
from specsight.line.monitoring import parts as records
from specsight.line.monitoring.alarms import Baseline, Watch, baseline_of, save
from specsight.line.monitoring.drift import DriftWatch, block_for
from specsight.line.monitoring.parts import REJECTED, SCORE, WATCHED, WatchedPart
from specsight.line.records import Role
from specsight.line.store import LineStore

ALPHA = 0.01
"""Probability of ever raising a false alarm, unless an engineer wants another one."""
PARTS = 300
"""Parts of a reference to begin with: `LEAST_BLOCKS` of 15. More where parts that follow each other resemble each other
for longer, which `take_reference` says."""


def no_reference(line: str, model: str) -> str:
    """That a line is compared with nothing, and how to change that."""
    return (
        f"no reference to compare with: take one with '{command(line, model)}', numbers of parts that are as wanted, "
        f"{PARTS} to begin with"
    )


def command(line: str, model: str) -> str:
    """What takes a reference, as it is typed."""
    return f"specsight line health {shlex.quote(line)} {model} --reference FIRST-LAST"


def live_version(store: LineStore, model: str) -> str:
    """The version of a model that is live. Raises SpecsightError where none is."""
    live = store.live(model)
    if live is None:
        known = store.models()
        way = did_you_mean(model, known) if known else "'specsight serve' lets the first one go live"
        raise SpecsightError(f"no version of a model '{model}' is live: {way}")
    return live.version


def take_reference(
    store: LineStore,
    line: str,
    model: str,
    first: int,
    last: int,
    person: str,
    *,
    promised: float | None = None,
    alpha: float = ALPHA,
    role: Role = "engineer",
) -> Baseline:
    """Compare the line's parts with those of numbers `first` to `last` from now on, which `person` declares to be as
    they should be; parts that somebody said are defective are left out. `promised`: see `Baseline`; None: as before.

    The first reference of a version also judges the parts after it that have come since. Raises SpecsightError where
    there are too few parts.
    """
    if not 0 < alpha < 1:
        raise SpecsightError(f"--alpha is {alpha:g}: it is a probability between 0 and 1")
    if promised is not None and not 0 < promised < 1:
        raise SpecsightError(f"--promised is {promised:g}: it is a share between 0 and 1")
    version = live_version(store, model)
    before = baseline_of(store, line, model, version)
    said = records.said_of_parts(store, line, model, version)
    everything = list(records.watched_parts(store, line, model, version, first - 1, last))
    parts = [one for one in everything if said.get(one.id) is not False]
    if not parts:
        raise SpecsightError(
            f"version {version} judged no part {first} to {last} of line '{line}': "
            f"{_judged(store, line, model, version)}"
        )
    values = reference_values(parts)
    # The share that is rejected counts defects as well, before and after; without them it would seem to rise.
    values |= {REJECTED: reference_values(everything)[REJECTED]} if REJECTED in values else {}
    longest = max(len(one) for one in values.values())
    block = max(
        math.ceil(block_for(one) * longest / len(one)) if feature == SCORE else block_for(one)
        for feature, one in values.items()
    )
    defective = {one.id for one in everything} - {one.id for one in parts}
    _check_lengths(values, block, lambda name: _left_out(everything, defective, parts[-1].words, name))
    now = records.last_number(store, line)
    baseline = Baseline(
        line,
        model,
        version,
        person,
        f"{len(parts)} parts with numbers {first} to {last}",
        values,
        parts[-1].words,
        block,
        alpha,
        promised if promised is not None else before.promised if before else None,
        now if before else parts[-1].number,
        before.promise_after if before else 0,
    )
    return save(store, baseline, role, "a new reference")


def reset(
    store: LineStore,
    line: str,
    model: str,
    what: Watch,
    person: str,
    note: str = "",
    role: Role = "engineer",
) -> Baseline:
    """Begin a watch anew after the line's last part, with the same reference: the cause was found and removed.

    Raises SpecsightError where there is no reference.
    """
    baseline = baseline_of(store, line, model, live_version(store, model))
    if baseline is None:
        raise SpecsightError(f"line '{line}' has {no_reference(line, model)}")
    now = records.last_number(store, line)
    begun = replace(
        baseline,
        person=person,
        drift_after=now if what == "drift" else baseline.drift_after,
        promise_after=now if what == "promise" else baseline.promise_after,
    )
    return save(store, begun, role, note)


def _judged(store: LineStore, line: str, model: str, version: str) -> str:
    """Which parts there would be."""
    count, first, last = records.span(store, line, model, version)
    if not count:
        return "it judged none of it yet"
    return f"it judged {counted(count, 'part')}, with numbers from {first} to {last}"


def _check_lengths(values: dict[str, list[float]], block: int, left_out: Callable[[str], str]) -> None:
    """Raise SpecsightError where a feature has too few values; `left_out` says of one which parts do not count."""
    longest = max(len(one) for one in values.values())

    def telling(pair: tuple[str, list[float]]) -> tuple[bool, int]:  # what most parts have, defects left out
        return pair[0] == REJECTED, -len(pair[1])

    for feature, one in sorted(values.items(), key=telling):
        try:
            DriftWatch(one, _at_most(block, feature, len(one), longest), ALPHA)
        except SpecsightError as error:
            raise SpecsightError(f"{error}{left_out(feature)}") from error


def _left_out(everything: list[WatchedPart], defective: set[str], words: str, feature: str) -> str:
    """Which parts that were named do not count for a feature, and why; empty: all do."""

    def why(part: WatchedPart) -> str:
        if part.id in defective and feature != REJECTED:
            return "that a person called defective"
        if part.value(feature, words) is not None:
            return ""
        if part.words != words:
            return "judged under other words than the last"
        return "rejected" if part.verdict == "reject" else "without a verdict or a score"

    found = Counter(filter(None, map(why, everything)))
    if not found:
        return ""
    told = ", ".join(f"{count} {one}" for one, count in found.items())
    return f". Of {counted(len(everything), 'part')} with these numbers these do not count: {told}"


def reference_values(parts: list[WatchedPart]) -> dict[str, list[float]]:
    """Each feature's values, of the features that all parts have."""
    words = parts[-1].words
    found = {name: [one.value(name, words) for one in parts] for name in WATCHED}
    return {
        name: known
        for name, values in found.items()
        if (known := [one for one in values if one is not None])
        and (name == SCORE or len(known) == len(values))
    }


def block_of(baseline: Baseline, feature: str) -> int:
    """Parts of which a feature's mean is compared as one value."""
    longest = max(len(one) for one in baseline.values.values())
    return _at_most(baseline.block, feature, len(baseline.values[feature]), longest)


def _at_most(block: int, feature: str, own: int, all_: int) -> int:
    """Accepted parts are fewer than all: a block of them spans as much time with fewer."""
    return max(1, round(block * own / all_)) if feature == SCORE else block
