"""The watch over all lines, run beside the judging: what drifted, whether the promise holds, for pages and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from specsight.errors import SpecsightError
from specsight.line.fleet import Fleet
from specsight.line.monitoring.health import LineHealth
from specsight.line.monitoring.watch import LineWatch
from specsight.line.store import LineStore
from specsight.service.line.feed import Feed
from specsight.service.line.repeating import Repeating

EVERY = 5.0
"""Seconds between two looks: an alarm is no matter of milliseconds, and each look reads what is new."""


class Watcher(Collector):
    """Watches each line of `feed` under each model of `fleet` that judged a part of it."""

    def __init__(self, store: LineStore, fleet: Fleet, feed: Feed) -> None:
        self.store, self.fleet, self.feed = store, fleet, feed
        self.problem = ""
        """Why lines cannot be watched at present; empty while they can."""
        self._watches: dict[tuple[str, str], LineWatch] = {}
        self._found: Mapping[tuple[str, str], LineHealth] = {}
        self._watching = Repeating(EVERY, self._watch)

    async def start(self) -> None:
        """Begin to watch."""
        self._watching.start()

    async def stop(self) -> None:
        """Watch no more."""
        await self._watching.stop()

    def look(self) -> None:
        """Read what is new on all lines, and store alarms that rise."""
        found = {}
        for line in self.feed.latest:
            for model in self.fleet.names():
                watch = self._watches.setdefault((line, model), LineWatch(self.store, line, model))
                health = watch.status()
                if health.parts:
                    found[line, model] = health
        self._found = found

    def health(self, line: str) -> list[LineHealth]:
        """How a line does, by each model that judged its parts, as of the last look."""
        return [one for (name, _), one in self._found.items() if name == line]

    def under(self, model: str) -> list[LineHealth]:
        """How the lines do of which a model judged parts, as of the last look."""
        return [one for (_, name), one in self._found.items() if name == model]

    def alarms(self, line: str) -> list[str]:
        """The alarms of a line that nobody knows of yet, in sentences."""
        return [one.words for health in self.health(line) for one in health.alarms if not one.acknowledged]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges of the watch."""
        names = ("line", "model", "feature")
        standing = GaugeMetricFamily(
            "specsight_alarms", "Alarms that nobody knows of yet.", labels=("line", "model")
        )
        evidence = GaugeMetricFamily(
            "specsight_drift_evidence", "Evidence of a drift; an alarm rises at 1.", labels=names
        )
        for (line, model), health in self._found.items():
            standing.add_metric((line, model), sum(not one.acknowledged for one in health.alarms))
            for one in health.features:
                evidence.add_metric((line, model, one.name), one.evidence)
        yield standing
        yield evidence

    async def _watch(self) -> None:
        try:
            await asyncio.to_thread(self.look)
            self.problem = ""
        except SpecsightError as error:
            self.problem = str(error)
