"""LLaVA-ADS as an answerer: rules read what it found; what that leaves open, its language model weighs.

`pointing:NAME` fits the detector llava-ads with the language model NAME (`bundled`, or a folder) to each product.
Questions are answered by `rules` from its map, findings and decision. Where these would draw among options that nothing
found tells apart, the language model's likelihoods of the options' words choose among them. With `--set
answers=language-model` it is asked alone: every choice by likelihood, free text in its own words; that says what the
evidence is good for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from specsight.benchmark.answering.case import Answered
from specsight.benchmark.answering.contract import Answerer, AnswererConfig, Question, Reply, answerers
from specsight.benchmark.answering.fitted_inspectors import FittedAnswerer
from specsight.benchmark.answering.inspecting import UNINSTRUCTED
from specsight.errors import SpecsightError, did_you_mean

if TYPE_CHECKING:
    from specsight.encoders import Features
    from specsight.language.pointing.pointer import Pointer

SETTING = "answers"
EVIDENCE, ALONE = "evidence", "language-model"
"""Who answers: rules from evidence, the language model where they would guess; or the language model alone."""


class PointingAnswerer(FittedAnswerer):
    """Answers from evidence, and by the language model where evidence does not tell."""

    detector: ClassVar[str] = "llava-ads"

    def __init__(self, name: str, config: AnswererConfig) -> None:
        """Raises SpecsightError for an unknown value of the setting `answers`."""
        given = dict(config.settings)
        self._by = str(given.pop(SETTING, EVIDENCE))
        if self._by not in (EVIDENCE, ALONE):
            raise SpecsightError(f"--set {SETTING}={self._by}: {did_you_mean(self._by, (EVIDENCE, ALONE))}")
        super().__init__(self.detector, replace(config, settings=given))
        self._parameters["language_model"] = name
        self._name = name
        self._weights: tuple[Path | None, dict[tuple[str, str], float]] = (None, {})
        """The last picture, and (question, option) → log-likelihood: the order of options changes none."""

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Beside that of rules, what the language model does."""
        return {**super().protocol, "language_model": self._name, "answers": self._by}

    def answer(self, question: Question) -> Reply:
        """By rules and likelihoods, or by the language model alone."""
        if self._by == EVIDENCE or question.form not in ("choice", "text"):
            return super().answer(question)
        product = question.category or self.products()[0]
        if question.form == "text":
            return Reply(self._pointer(product).say(self._features(question, product), _asked(question)).text)
        likelihoods = self._weighed(question, product, list(question.options))
        return Reply(max(likelihoods, key=lambda letter: likelihoods[letter]), likelihoods)

    def _untold(self, question: Question, product: str, answered: Answered) -> tuple[str, str]:
        likelihoods = self._weighed(question, product, answered.among)
        likeliest = max(likelihoods, key=lambda letter: likelihoods[letter])
        return likeliest, " Weighed by the language model, for nothing found tells it."

    def _weighed(self, question: Question, product: str, letters: Sequence[str]) -> dict[str, float]:
        """Letter → log-likelihood of the option's words."""
        asked, picture = _asked(question), question.picture.image
        if self._weights[0] != picture:
            self._weights = (picture, {})
        known = self._weights[1]
        options = [question.options[letter] for letter in letters]
        new = [option for option in options if (asked, option) not in known]
        if new:
            weights = self._pointer(product).weigh(self._features(question, product), asked, new)
            known.update(zip([(asked, option) for option in new], weights))
        return {letter: known[asked, question.options[letter]] for letter in letters}

    def _features(self, question: Question, product: str) -> Mapping[str, Features]:
        return self._look(question, product).view.features

    def _pointer(self, product: str) -> Pointer:
        from specsight.detectors.pointing import PointingDetector

        detector = self.inspector(product).detector
        assert isinstance(detector, PointingDetector)
        return cast("Pointer", detector.pointer)


def _asked(question: Question) -> str:
    """The question behind its instruction, where that restricts something."""
    instruction = "" if question.task in UNINSTRUCTED else question.instruction or ""
    return f"{instruction}\n{question.text}" if instruction else question.text


@answerers.register("pointing")
def pointing(rest: str, config: AnswererConfig) -> Answerer:
    """`pointing:NAME`."""
    return PointingAnswerer(rest or "bundled", config)
