"""What a line's pages and programs are answered from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi import Request

from specsight.line.feedback.work import Work
from specsight.line.fleet import Fleet
from specsight.line.judging import PartJudge
from specsight.line.store import LineStore
from specsight.service.line.daily import Daily
from specsight.service.line.feed import Feed
from specsight.service.line.following import Follower
from specsight.service.line.metrics import Metrics
from specsight.service.line.turns import Turns
from specsight.service.line.watching import Watcher


@dataclass(frozen=True)
class LineContext:
    """One server of lines."""

    store: LineStore
    fleet: Fleet
    judge: PartJudge
    feed: Feed
    lines: tuple[str, ...]
    """Lines that were named when it was started, in the order of their tiles; others appear with their first part."""
    follower: Follower
    work: Work
    """Makes candidates and previews."""
    metrics: Metrics
    watcher: Watcher
    daily: Daily
    turns: Turns = field(default_factory=Turns)

    def problems(self) -> dict[str, str]:
        """Model, or folder among the models → why it cannot be used, or would not be after another start."""
        return {**self.fleet.broken, **self.fleet.unloaded(), **self.follower.problems}

    def alarms(self, line: str) -> Sequence[str]:
        """What the operator of a line should know at present, in sentences; asked with every part."""
        return self.watcher.alarms(line)


def context_of(request: Request) -> LineContext:
    """A dependency: the context of the application that answers."""
    context = request.app.state.line
    assert isinstance(context, LineContext)
    return context
