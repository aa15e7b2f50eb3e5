"""What a server counts, for Prometheus (`/metrics`): everything since it began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from specsight.line.fleet import Fleet
from specsight.line.judging import PartJudge
from specsight.line.records import JudgedPart

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2, 5, 10)
"""Seconds."""
LINES = 100
"""Lines that are counted by name: names come from clients, and each is a series that Prometheus keeps."""
OTHERS = "(other lines)"


class Metrics:
    """The counters of one server; `told` is a listener of its judge."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._parts = Counter(
            "specsight_parts", "Parts judged.", ("line", "model", "verdict"), registry=self.registry
        )
        self._stages = Histogram(
            "specsight_stage_seconds",
            "Seconds by stage: wait for a turn, those of the model, and from receipt to verdict (total).",
            ("stage",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.answers = Histogram(
            "specsight_inspect_seconds",
            "Seconds from a request's last byte to its answer.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.busy = Counter(
            "specsight_busy", "Requests refused because the queue was full.", registry=self.registry
        )
        self.store_errors = Counter(
            "specsight_store_errors", "Parts that could not be stored.", registry=self.registry
        )
        self._followers = Gauge("specsight_followers", "Open event streams.", registry=self.registry)
        self._lines: set[str] = set()
        self.open = 0
        """Event streams that are open."""

    def told(self, part: JudgedPart) -> None:
        """A part was stored."""
        if len(self._lines) < LINES:
            self._lines.add(part.line)
        line = part.line if part.line in self._lines else OTHERS
        self._parts.labels(line, part.model, part.word).inc()
        for stage, seconds in part.seconds.items():
            self._stages.labels(stage).observe(seconds)
        self._stages.labels("total").observe(max(0.0, (part.judged - part.received).total_seconds()))

    @contextmanager
    def following(self) -> Iterator[None]:
        """Count an event stream while it is open."""
        self.open += 1
        self._followers.set(self.open)
        try:
            yield
        finally:
            self.open -= 1
            self._followers.set(self.open)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)


class Present(Collector):
    """What is so at the moment: the queue, and which versions judge."""

    def __init__(self, judge: PartJudge, fleet: Fleet) -> None:
        self.judge, self.fleet = judge, fleet

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        yield GaugeMetricFamily("specsight_queue_waiting", "Parts that wait.", value=self.judge.waiting)
        yield GaugeMetricFamily("specsight_queue_places", "Parts that may wait.", value=self.judge.places)
        live = GaugeMetricFamily(
            "specsight_model_live", "1 for the version that judges.", labels=("model", "version")
        )
        for name, model in self.fleet.loaded().items():
            live.add_metric((name, model.version), 1)
        yield live
