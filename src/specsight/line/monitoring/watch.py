"""The watch over a line: records → its health, with alarms stored as they are found.

Everything follows from the records alone, in the order of their numbers: two servers find the same, and a restarted one
what it had found before. A `LineWatch` that is kept reads only what is new.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from specsight.line.monitoring import parts as records
from specsight.line.monitoring.alarms import (
    PROMISE,
    Alarm,
    Baseline,
    alarms_of,
    baseline_of,
    raise_alarms,
    standing,
)
from specsight.line.monitoring.drift import DriftWatch
from specsight.line.monitoring.health import (
    FeatureHealth,
    LineHealth,
    State,
    drift_words,
    promise_words,
    since_words,
)
from specsight.line.monitoring.parts import WATCHED, WatchedPart
from specsight.line.monitoring.promise import PromiseStatus, check_promise
from specsight.line.monitoring.references import block_of, live_version, no_reference
from specsight.line.store import LineStore

RECENT = 10
"""Blocks that "recent" means on pages."""


class LineWatch:
    """The watch over `line` under the live version of `model`. Threads may share it."""

    def __init__(self, store: LineStore, line: str, model: str) -> None:
        self.store, self.line, self.model = store, line, model
        self._lock = threading.Lock()
        self._version = ""
        self._begin(None)

    def status(self) -> LineHealth:
        """How the line does by all records that are stored now. Alarms that are new are stored.

        Raises SpecsightError where no version of the model is live.
        """
        with self._lock:
            version = live_version(self.store, self.model)
            baseline = baseline_of(self.store, self.line, self.model, version)
            if version != self._version or baseline != self._baseline:
                self._version = version
                self._begin(baseline)
            self._read()
            return self._health()

    def _begin(self, baseline: Baseline | None) -> None:
        self._baseline = baseline
        self._parts: list[WatchedPart] = []
        self._watches: dict[str, DriftWatch] = {}
        if baseline is not None:
            alpha = baseline.alpha / len(baseline.values)
            for feature, values in baseline.values.items():
                self._watches[feature] = DriftWatch(values, block_of(baseline, feature), alpha)

    def _read(self) -> None:
        """Follow the parts that are new."""
        last = self._parts[-1].number if self._parts else 0
        new = list(records.watched_parts(self.store, self.line, self.model, self._version, last))
        self._parts += [replace(one, measured={}) for one in new]
        if (baseline := self._baseline) is None:
            return
        for feature, watch in self._watches.items():
            watch.extend(
                [
                    (one.number, value, one.tie(feature))
                    for one in new
                    if one.number > baseline.drift_after
                    and (value := one.value(feature, baseline.words)) is not None
                ]
            )

    def _health(self) -> LineHealth:
        baseline, promise = self._baseline, self._promise()
        stand: list[Alarm] = []
        if baseline is not None:
            stand = self._standing(baseline)
            if new := self._new_alarms(baseline, promise, {one.kind for one in stand}):
                raise_alarms(self.store, new)
                stand = self._standing(baseline)
        kinds = {one.kind: one for one in stand}
        features = tuple(_feature(name, one, kinds.get(name)) for name, one in self._watches.items())
        state: State = "no reference" if baseline is None else "watching"
        if stand:
            state = "acknowledged" if all(one.acknowledged for one in stand) else "drifted"
        return LineHealth(
            self.line,
            self.model,
            self._version,
            state,
            len(self._parts),
            baseline.source if baseline else "",
            features,
            promise,
            tuple(stand),
            tuple(self._remarks()),
        )

    def _remarks(self) -> list[str]:
        baseline = self._baseline
        if baseline is None:
            return [no_reference(self.line, self.model)]
        found = []
        if missing := [name for name in WATCHED if name not in baseline.values]:
            found.append(f"not watched, as the reference does not have it of all parts: {', '.join(missing)}")
        if baseline.promised is None:
            found.append(
                "no promise on false rejects is watched: give it with a reference, --reference FIRST-LAST "
                "--promised 0.05"
            )
        return found

    def _standing(self, baseline: Baseline) -> list[Alarm]:
        return standing(alarms_of(self.store, self.line, self.model, self._version), baseline)

    def _promise(self) -> PromiseStatus | None:
        baseline = self._baseline
        if baseline is None or baseline.promised is None:
            return None
        said = records.said_of_parts(self.store, self.line, self.model, self._version)
        counted = [
            one for one in self._parts if one.number > baseline.promise_after and one.words == baseline.words
        ]
        outcomes = np.array([outcome(one, said.get(one.id)) for one in counted], np.float64)
        pending = sum(one.verdict == "reject" and one.id not in said for one in counted)
        return check_promise(
            [one.number for one in counted], outcomes, pending, baseline.promised, baseline.alpha
        )

    def _new_alarms(
        self, baseline: Baseline, promise: PromiseStatus | None, known: Collection[str]
    ) -> list[Alarm]:
        found = []
        for feature, watch in self._watches.items():
            if watch.alarm is not None and feature not in known:
                since, mean = watch.since()
                words = drift_words(feature, watch.mean, mean, watch.spread)
                evidence = {
                    "reference": watch.mean,
                    "since": mean,
                    "spread": watch.spread,
                    "block": watch.block,
                }
                found.append(self._alarm(baseline, feature, since, watch.alarm, words, evidence))
        if promise and promise.alarm is not None and promise.since is not None and PROMISE not in known:
            words = f"more good parts are rejected than promised: {promise_words(promise)}"
            found.append(
                self._alarm(baseline, PROMISE, promise.since, promise.alarm, words, promise.to_json())
            )
        return found

    def _alarm(
        self, baseline: Baseline, kind: str, since: int, at: int, words: str, evidence: Mapping[str, object]
    ) -> Alarm:
        words = f"{words}, {since_words(since, records.received(self.store, since))}"
        evidence = {**evidence, "after": baseline.after(kind), "alarm": at}
        return Alarm(self.line, self.model, self._version, kind, since, words, evidence)


def status(store: LineStore, line: str, model: str) -> LineHealth:
    """The health of a line by all its records, read anew; keep a `LineWatch` to ask often."""
    return LineWatch(store, line, model).status()


def outcome(part: WatchedPart, good: bool | None) -> float:
    """1: a good part that was rejected; 0: one that was accepted; NaN: it is not good, or that is not known.

    An accepted part counts as good unless a person says otherwise; a rejected one does once a person says so.
    """
    if part.verdict is None or good is False or (good is None and part.verdict == "reject"):
        return float("nan")
    return float(part.verdict == "reject")


def _feature(name: str, watch: DriftWatch, alarm: Alarm | None) -> FeatureHealth:
    recent = float(np.mean(watch.means[-RECENT:])) if watch.means else None
    state: State = "watching" if alarm is None else "acknowledged" if alarm.acknowledged else "drifted"
    return FeatureHealth(
        name, state, watch.mean, recent, round(watch.log_evidence / watch.limit, 6), len(watch.means)
    )
