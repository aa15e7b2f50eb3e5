"""One observation → its answers under every instruction: looked at once, judged as often as asked.

In: an inspector, an observation and what was decided without further instruction. Out: `Instructed`, and beside the
run's lines which pixels were inspected and found, for drawing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from specsight.decision import clauses_in_force
from specsight.evaluation.instructions.drawn import drawn_pixels
from specsight.evaluation.instructions.questions import Question, pair_questions, part_questions
from specsight.evaluation.instructions.wordings import reworded
from specsight.inspector import Inspector, Observation
from specsight.reading import read
from specsight.records import Inspection, Sample
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import Answer, Instructed, Reworded
from specsight.specification import Instruction


@dataclass(frozen=True)
class Asker:
    """Asks of each picture what its sample brings, and what every picture is asked."""

    run: RunFolder
    inspector: Inspector
    seed: int
    texts: Mapping[str, Sequence[str]]
    """Id of each tested sample → its instructions: what texts at random are drawn from."""

    @classmethod
    def of(cls, run: RunFolder, inspector: Inspector, tested: Sequence[Sample], seed: int) -> Asker:
        """For the samples that are tested."""
        return cls(run, inspector, seed, {s.id: [one.text for one in s.instructions] for s in tested})

    def __call__(self, observation: Observation, alone: Inspection) -> list[Instructed]:
        """Answers of one picture; `alone` is its inspection without further instruction."""
        sample = observation.sample
        questions = [*pair_questions(sample), *part_questions(sample, observation.picture)]
        return [self._answer(observation, alone, question, n) for n, question in enumerate(questions)]

    def _answer(
        self, observation: Observation, alone: Inspection, question: Question, number: int
    ) -> Instructed:
        sample = observation.sample
        by_text = self.inspector.judge(observation, question.text)
        answers = {
            "clauses": Answer.of(self.inspector.judge(observation, question.clauses)),
            "text": Answer.of(by_text),
            "ignored": Answer.of(alone),
        }
        read_of_it = read(question.text, self.inspector.specification)
        one = Instructed(
            seed=self.seed,
            id=sample.id,
            number=number,
            group=sample.group,
            kind=question.kind,
            pair=question.pair,
            text=question.text,
            truth=question.truth,
            outside=question.outside,
            clauses=question.clauses.clauses,
            read=read_of_it.clauses,
            answers=answers,
        )
        return self._of_pair(one, observation, alone, by_text, read_of_it) if question.pair else one

    def _of_pair(
        self,
        one: Instructed,
        observation: Observation,
        alone: Inspection,
        by_text: Inspection,
        read_of_it: Instruction,
    ) -> Instructed:
        """With what is asked of matched pairs alone: under a text drawn at random and under rewordings."""
        drawn = self._draw(one)
        answers = dict(one.answers)
        if drawn:
            answers["random"] = Answer.of(self.inspector.judge(observation, drawn))
        wordings = {}
        for name, text in reworded(one.text, one.clauses).items():
            decision = self.inspector.judge(observation, text).decision
            wordings[name] = Reworded(text, decision.verdict, float(decision.score))
        clauses = clauses_in_force(read_of_it, self.inspector.specification)
        pixels = drawn_pixels(self.inspector, observation, by_text, clauses)
        own_map = alone.map is not None and by_text.map is not None and bool(np.any(alone.map != by_text.map))
        one = replace(
            one,
            answers=answers,
            random_text=drawn,
            wordings=wordings,
            drawn=pixels is not None,
            own_map=own_map,
        )
        self.run.write_drawn(one, pixels, by_text.map if own_map else None)
        return one

    def _draw(self, one: Instructed) -> str:
        """An instruction of another picture, by seed, picture and number alone; empty where there is none."""
        others = [text for id_, texts in self.texts.items() if id_ != one.id for text in texts]
        generator = np.random.default_rng(
            [self.seed, zlib.crc32(one.id.encode("utf-8", "replace")), one.number]
        )
        return others[int(generator.integers(len(others)))] if others else ""
