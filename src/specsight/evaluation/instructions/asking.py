"""One observation → its answers under every instruction: looked at once, judged as often as asked.

In: an inspector, an observation and what was decided without further instruction. Out: `Instructed`, and beside the
run's lines which pixels were inspected and found, for drawing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from specsight import images
from specsight.decision import clauses_in_force
from specsight.evaluation.instructions.drawn import drawn_pixels
from specsight.evaluation.instructions.questions import (
    Question,
    check_pairs,
    name_questions,
    pair_questions,
    part_questions,
)
from specsight.evaluation.instructions.wordings import reworded
from specsight.inspector import Inspector, Observation
from specsight.reading import read
from specsight.records import Inspection, InstructedVerdict, Sample
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import NAME, OTHER_ORDER, TOGETHER, Answer, Instructed, Reworded
from specsight.specification import Instruction
from specsight.specification.vocabulary import Vocabulary

REWORDED = 30
"""Pictures of a product whose instructions are reworded at most: ten rewordings cost more than all other questions."""


@dataclass(frozen=True)
class Asker:
    """Asks of each picture what its sample brings, and what every picture is asked."""

    run: RunFolder
    seed: int
    pairs: Mapping[str, Sequence[InstructedVerdict]]
    """Id of each tested sample → its instructions: what texts at random are drawn from."""
    lacking: Sequence[str]
    """Types of tested samples that the specification does not name."""
    reworded: frozenset[str]
    """Ids of the samples whose instructions are asked in other words too."""

    @classmethod
    def of(cls, run: RunFolder, inspector: Inspector, tested: Sequence[Sample], seed: int) -> Asker:
        """For the samples that are tested. Raises SpecsightError for pairs that are none."""
        check_pairs(tested)
        known = Vocabulary.of(inspector.specification.defects if inspector.specification else ())
        types = sorted({type_ for s in tested if s.label == "defective" for type_ in s.types})
        pairs = {s.id: s.instructions for s in tested}
        asked = sorted(id_ for id_, instructions in pairs.items() if instructions)
        steps = np.linspace(0, len(asked) - 1, min(REWORDED, len(asked))).round().astype(int)
        lacking = [type_ for type_ in types if type_ not in known]
        return cls(run, seed, pairs, lacking, frozenset(asked[step] for step in steps))

    def __call__(self, inspector: Inspector, observation: Observation, alone: Inspection) -> list[Instructed]:
        """Answers by the inspector that looked at the picture; `alone` is what it said without further instruction."""
        sample = observation.sample
        questions = [
            *pair_questions(sample),
            *part_questions(sample, observation.picture),
            *name_questions(sample, self.lacking),
        ]
        return [
            self._answer(inspector, observation, alone, question, n) for n, question in enumerate(questions)
        ]

    def _answer(
        self,
        inspector: Inspector,
        observation: Observation,
        alone: Inspection,
        question: Question,
        number: int,
    ) -> Instructed:
        sample = observation.sample
        by_text = inspector.judge(observation, question.text)
        by_clauses = inspector.judge(observation, question.clauses)
        answers = {
            "clauses": Answer.of(by_clauses),
            "text": Answer.of(by_text),
            "ignored": Answer.of(alone),
        }
        read_of_it = read(question.text, inspector.specification)
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
            shows=sample.types[0] if question.kind == NAME else "",
            named=_named(sample, clauses=by_clauses, text=by_text) if question.kind == NAME else {},
            clauses=question.clauses.clauses,
            read=read_of_it.clauses,
            answers=answers,
        )
        return (
            self._of_pair(one, inspector, observation, alone, by_text, read_of_it) if question.pair else one
        )

    def _of_pair(
        self,
        one: Instructed,
        inspector: Inspector,
        observation: Observation,
        alone: Inspection,
        by_text: Inspection,
        read_of_it: Instruction,
    ) -> Instructed:
        """With what is asked of matched pairs alone: under a text drawn at random and under rewordings."""
        drawn = self._draw(one)
        answers = dict(one.answers)
        if drawn:
            answers["random"] = Answer.of(inspector.judge(observation, drawn))
        wordings = {}
        for name, text in self._reworded(one).items():
            decision = inspector.judge(observation, text).decision
            wordings[name] = Reworded(text, decision.verdict, float(decision.score))
        clauses = clauses_in_force(read_of_it, inspector.specification)
        pixels = drawn_pixels(inspector, observation, by_text, clauses)
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

    def _reworded(self, one: Instructed) -> dict[str, str]:
        """Rewordings, and the instruction before and behind one of another pair of the same picture."""
        if one.id not in self.reworded:
            return {}
        made = reworded(one.text, one.clauses)
        others = [pair.text for pair in self.pairs.get(one.id, ()) if pair.kind != one.kind]
        if not others:
            return made
        return {**made, TOGETHER: f"{one.text} {others[0]}", OTHER_ORDER: f"{others[0]} {one.text}"}

    def _draw(self, one: Instructed) -> str:
        """An instruction of another picture, by seed, picture and number alone; empty where there is none."""
        others = [pair.text for id_, pairs in self.pairs.items() if id_ != one.id for pair in pairs]
        generator = np.random.default_rng(
            [self.seed, zlib.crc32(one.id.encode("utf-8", "replace")), one.number]
        )
        return others[int(generator.integers(len(others)))] if others else ""


def _named(sample: Sample, **inspections: Inspection) -> dict[str, str | None]:
    """By inspection, the type of the strongest finding whose box holds pixels of a true defect, where there is one."""
    named = {}
    for way, inspection in inspections.items():
        if inspection.map is None:
            continue
        mask = images.anomaly_mask(sample, (inspection.map.shape[0], inspection.map.shape[1]))
        for finding in inspection.decision.counted:
            x0, y0, x1, y1 = finding.box
            if mask[y0:y1, x0:x1].any():
                named[way] = finding.type
                break
    return named
