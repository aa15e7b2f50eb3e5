"""How a line does, as pages, `/health` and metrics show it, and the words for what drifted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from specsight.line.counting import counted
from specsight.line.monitoring.alarms import Alarm
from specsight.line.monitoring.parts import REJECTED, SCORE
from specsight.line.monitoring.promise import PromiseStatus

State = Literal["no reference", "watching", "drifted", "acknowledged"]


@dataclass(frozen=True)
class FeatureHealth:
    """One feature against the reference."""

    name: str
    state: State
    reference: float
    """Mean of the reference."""
    recent: float | None
    """Mean of the last blocks; None: none came yet."""
    evidence: float
    """Share of the evidence (a logarithm) that an alarm takes; below 0: nothing speaks for a drift."""
    compared: int
    """Blocks that were compared."""


@dataclass(frozen=True)
class LineHealth:
    """A line under the version of a model that is live."""

    line: str
    model: str
    version: str
    state: State
    """The worst of all: "drifted" where an alarm stands that nobody acknowledged."""
    parts: int
    """Parts that this version judged."""
    reference: str
    """What they are compared with, in words; empty: nothing."""
    features: tuple[FeatureHealth, ...]
    promise: PromiseStatus | None
    alarms: tuple[Alarm, ...]
    """Those that stand."""
    remarks: tuple[str, ...]
    """What is not watched, and what to do."""

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        values = asdict(self)
        return {**values, "alarms": [one.to_json() for one in self.alarms]}

    def lines(self) -> list[str]:
        """What a terminal shows."""
        lines = [f"{self.line}, {self.model} {self.version}: {self.state} ({counted(self.parts, 'part')})"]
        lines += [f"alarm {one.number}: {one.words}{_known(one)}" for one in self.alarms]
        for one in self.features:
            recent = "-" if one.recent is None else f"{one.recent:.4g}"
            lines.append(f"  {one.name:10} reference {one.reference:.4g}, recent {recent} ({one.state})")
        if self.promise is not None:
            lines.append(f"  false rejects {promise_words(self.promise)}")
        return [*lines, *self.remarks]


def drift_words(feature: str, before: float, after: float, spread: float) -> str:
    """ "brightness is 12 % lower than in the reference (118 in place of 134)"; `spread`: standard deviation of the
    reference's blocks."""
    way = "higher" if after > before else "lower"
    if feature in ("row", "column"):
        way = {
            ("row", True): "lower down",
            ("row", False): "higher up",
            ("column", True): "further right",
        }.get((feature, after > before), "further left")
        of = "height" if feature == "row" else "width"
        return f"the part lies {100 * abs(after - before):.2g} % of the picture's {of} {way} than in the reference"
    if feature == REJECTED:
        return f"{100 * after:.1f} % of parts are rejected, in the reference {100 * before:.1f} %"
    if feature == SCORE:
        by = f", by {abs(after - before) / spread:.1f} standard deviations" if spread > 0 else ""
        return f"scores of accepted parts are {way} than in the reference ({after:.4g} in place of {before:.4g}{by})"
    much = f"{100 * abs(after / before - 1):.2g} % " if before else ""
    return f"{feature} is {much}{way} than in the reference ({after:.4g} in place of {before:.4g})"


def since_words(number: int, time: datetime | None) -> str:
    """ "since part 812, 2026-11-29 09:40 UTC"."""
    return f"since part {number}" + (f", {time:%Y-%m-%d %H:%M} UTC" if time else "")


def promise_words(of: PromiseStatus) -> str:
    """What outcomes say of the promise."""
    if of.rate is None or of.worst is None:
        return f"at most {of.promised:.1%} promised; no outcome of a good part is known"
    found = f"{of.rate:.1%} of {of.good} good parts, at most {of.promised:.1%} promised"
    if of.pending:
        found += f"; {of.pending} rejected parts wait for a review: {of.worst:.1%} if all of them are good"
    if of.holds:
        return f"{found}: the promise is kept"
    return f"{found}; between {of.low:.1%} and {of.high:.1%} with 95 % confidence"


def _known(alarm: Alarm) -> str:
    return f" (known to {alarm.acknowledged})" if alarm.acknowledged else ""
