"""AnomalyGPT as an answerer: as `pointing` has it, with a language model that reads the map.

`anomalygpt:NAME` fits the detector anomalygpt with the language model NAME (`bundled`, or a folder) to each product.
Where the language model is asked it gets the uninstructed map, whatever the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from specsight.benchmark.answering.contract import Answerer, AnswererConfig, Question, answerers
from specsight.benchmark.answering.pointing import PointingAnswerer

if TYPE_CHECKING:
    from specsight.detectors.anomalygpt import AnomalyGpt
    from specsight.encoders import Features


class MapReadingAnswerer(PointingAnswerer):
    """Answers from evidence, and by the language model that reads the map where evidence does not tell."""

    detector = "anomalygpt"

    def _features(self, question: Question, product: str) -> Mapping[str, Features]:
        detector, view = self._fitted_detector(product), self._look(question, product).view
        return detector.asked(view, detector.map_of(view))

    def _fitted_detector(self, product: str) -> AnomalyGpt:
        from specsight.detectors.anomalygpt import AnomalyGpt

        detector = self.inspector(product).detector
        assert isinstance(detector, AnomalyGpt)
        return detector


@answerers.register("anomalygpt")
def map_reading(rest: str, config: AnswererConfig) -> Answerer:
    """`anomalygpt:NAME`."""
    return MapReadingAnswerer(rest or "bundled", config)
