"""LLaVA-ADS as an answerer: options are weighed by the language model that points, the rest is read from its map.

`pointing:NAME` fits the detector llava-ads with the language model NAME (`bundled`, or a folder) to each product. A
choice is made by the likelihood of the options' words behind the question; free text is what the model says. Boxes,
points, several letters and reports are answered by `rules` from what its map shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specsight.benchmark.answering.contract import Answerer, AnswererConfig, Question, Reply, answerers
from specsight.benchmark.answering.inspecting import UNINSTRUCTED, FittedAnswerer

if TYPE_CHECKING:
    from specsight.language.pointing.pointer import Pointer

DETECTOR = "llava-ads"


class PointingAnswerer(FittedAnswerer):
    """Weighs options by the language model, and answers by rules where there are none."""

    def __init__(self, name: str, config: AnswererConfig) -> None:
        super().__init__(DETECTOR, config)
        self._parameters["language_model"] = name
        self._name = name

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Beside that of rules, that words are weighed."""
        return {**super().protocol, "language_model": self._name, "choose_by": "likelihood of the words"}

    def answer(self, question: Question) -> Reply:
        """The likeliest option, the model's own words, or what rules read from its map."""
        if question.form not in ("choice", "text"):
            return super().answer(question)
        product = question.category or self.products()[0]
        pointer = self._pointer(product)
        instruction = "" if question.task in UNINSTRUCTED else question.instruction or ""
        asked = f"{instruction}\n{question.text}" if instruction else question.text
        features = self._look(question, product).view.features
        if question.form == "text":
            return Reply(pointer.say(features, asked).text)
        letters = list(question.options)
        weights = pointer.weigh(features, asked, [question.options[letter] for letter in letters])
        likelihoods = dict(zip(letters, weights))
        return Reply(max(likelihoods, key=lambda letter: likelihoods[letter]), likelihoods)

    def _pointer(self, product: str) -> Pointer:
        from specsight.detectors.llava_ads.detector import LlavaAds

        detector = self.inspector(product).detector
        assert isinstance(detector, LlavaAds)
        return detector.pointer


@answerers.register("pointing")
def pointing(rest: str, config: AnswererConfig) -> Answerer:
    """`pointing:NAME`."""
    return PointingAnswerer(rest or "bundled", config)
