"""The search: stages of growing material, of which the better half of the candidates goes on (successive halving).

In: good samples with their parts, and a `ChoiceConfig`. Out: the detector to fit, and the `Choice`. Jamieson and
Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization" (2016). Test pictures are never
among the samples, and the good parts that are held out for the threshold are not either.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from specsight import images
from specsight.choosing import rule, scoring
from specsight.choosing.candidates import DEFAULT, Candidate, candidates
from specsight.choosing.choice import Choice, Tried
from specsight.choosing.config import ChoiceConfig
from specsight.choosing.judging import ask
from specsight.choosing.material import Stage, StageMaterial, make_material
from specsight.choosing.scoring import Answers, Compared
from specsight.detectors import Detector
from specsight.encoders import Encoder
from specsight.encoders.cache import CachedEncoder
from specsight.errors import SpecsightError, UnreadableFile
from specsight.progress import track
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import temporary_folder

LEAST_PARTS = 16
"""Distinct good parts below which nothing is compared: a third of them would be judged."""
STAGES = (Stage(24, 8, 3), Stage(48, 16, 6), Stage(96, 24, 8))
FIRST_STAGE = 0.4
"""Share of the time in which candidates of the first stage are begun."""
NOT_TRIED = "not tried: the limit was reached"


@dataclass
class _Runner:
    """A candidate on its way through the stages."""

    candidate: Candidate
    encoder: Encoder
    """Its own, behind a cache that all candidates share."""
    stage: int = -1
    """The last one that it finished."""
    answers: Answers | None = None
    score: float = -math.inf
    seconds: float = 0.0
    """That its last stage took."""
    per_picture: float | None = None
    """Seconds."""
    outcome: str = NOT_TRIED


@dataclass
class Search:
    """One search; `clock` gives seconds."""

    config: ChoiceConfig
    samples: Sequence[Sample]
    parts: Sequence[int]
    """Label of the part that each sample shows."""
    specification: Specification | None = None
    false_reject_rate: float = 0.05
    clock: Callable[[], float] = time.monotonic
    stages: dict[int, StageMaterial] = field(default_factory=dict, init=False)

    def run(self) -> tuple[Detector, Choice]:
        """The detector to fit, and why it is the one."""
        self._began = self.clock()
        encoders = self.config.load_encoders()
        if (count := len(set(self.parts))) < LEAST_PARTS:
            return self._defaults(encoders[0], count)
        side = _smallest_side(self.samples)
        found = candidates(encoders, side, self.config.resolution, self.specification)
        with temporary_folder("choosing") as folder:
            cached = {id(e): CachedEncoder(e, folder / str(k)) for k, e in enumerate(encoders)}
            runners = [_Runner(candidate, cached[id(candidate.encoder)]) for candidate in found]
            self._race(runners[: self.config.count])
        return self._decide(runners, len(encoders) > 1)

    def _race(self, runners: list[_Runner]) -> None:
        """Take candidates, the defaults among them, through the stages, as far as the limit allows."""
        going = list(runners)
        for number in range(len(STAGES)):
            stage = self._stage(number)
            going = self._affordable(going, number) if number else going
            if number and len(going) < 2:
                return
            for runner in track(going, f"Choosing, stage {number + 1} of {len(STAGES)}"):
                if number == 0 and runner is not going[0] and self._spent() > FIRST_STAGE:
                    continue
                self._advance(runner, number, stage)
            done = [runner for runner in going if runner.stage == number]
            going = [done[0], *sorted(done[1:], key=lambda r: -r.score)[: math.ceil(len(done[1:]) / 2)]]

    def _advance(self, runner: _Runner, number: int, stage: StageMaterial) -> None:
        """Take one candidate through a stage."""
        if runner.candidate.needed > stage.smallest_fit:
            runner.outcome = f"not tried: it needs {runner.candidate.needed} good pictures"
            return
        begun = self.clock()
        runner.answers, runner.per_picture = ask(
            runner.candidate,
            runner.encoder,
            stage,
            self.specification,
            self.config.device,
            self.config.seed,
            timed=self.config.count is None,
        )
        runner.score = scoring.score(runner.answers, stage.material)[0]
        runner.stage, runner.seconds = number, self.clock() - begun

    def _affordable(self, runners: list[_Runner], number: int) -> list[_Runner]:
        """The first of them that a stage can take in the time that is left; the defaults are the first of all."""
        if self.config.count is not None:
            return runners
        growth = self._stage(number).looks / self._stage(number - 1).looks
        left = (1 - self._spent()) * 60 * self.config.minutes
        chosen: list[_Runner] = []
        for runner in runners:
            left -= growth * runner.seconds
            if left < 0:
                break
            chosen.append(runner)
        return chosen

    def _spent(self) -> float:
        """Share of the time; none where candidates are counted."""
        if self.config.count is not None:
            return 0.0
        return (self.clock() - self._began) / (60 * self.config.minutes)

    def _stage(self, number: int) -> StageMaterial:
        if number not in self.stages:
            self.stages[number] = make_material(
                self.samples, self.parts, STAGES[number], self.config.seed, self.false_reject_rate
            )
        return self.stages[number]

    def _decide(self, runners: list[_Runner], several: bool) -> tuple[Detector, Choice]:
        """Compare those that reached the last common stage with the defaults, which are the first."""
        default = runners[0]
        contenders: dict[int, rule.Contender] = {}
        for number, runner in enumerate(runners[1:], 1):
            if runner.answers is None or default.answers is None:
                continue
            if runner.stage < default.stage:
                runner.outcome = f"left behind after stage {runner.stage + 1}"
                continue
            contenders[number] = rule.Contender(
                self._compare(runner, default), runner.per_picture, default.per_picture
            )
            runner.outcome = rule.objection(contenders[number]) or "ahead, but another one was taken"
        best, slower = rule.best(contenders, lambda a, b: self._compare(runners[a], runners[b]))
        best = best or 0
        chosen = runners[best]
        reason = _reason(contenders.get(best))
        if slower is not None and (seconds := runners[slower].per_picture) is not None:
            name = runners[slower].candidate.name(several)
            reason += f"; it ties with {name}, which takes {1000 * seconds:.0f} ms"
            runners[slower].outcome = "ahead, but another one that ties with it is faster"
        chosen.outcome = "chosen"
        if best:
            default.outcome = "the defaults"
        tried = tuple(self._tried(runner, contenders.get(k), several) for k, runner in enumerate(runners))
        choice = Choice(
            chosen.candidate.name(several),
            reason,
            self._words(default.stage),
            self.config.limit,
            self.config.seed,
            tried,
        )
        return self._create(chosen.candidate), choice

    def _compare(self, runner: _Runner, other: _Runner) -> Compared:
        """How far the first is ahead of the other on the pictures of the stage that both reached."""
        assert runner.answers is not None
        assert other.answers is not None
        material = self._stage(runner.stage).material
        return scoring.compare(runner.answers, other.answers, material, self.config.seed)

    def _tried(self, runner: _Runner, contender: rule.Contender | None, several: bool) -> Tried:
        one = runner.candidate
        tried = Tried(
            one.name(several),
            one.detector,
            one.encoder.name,
            one.encoder.fingerprint,
            dict(one.parameters),
            runner.outcome,
        )
        if runner.answers is None:
            return tried
        material = self._stage(runner.stage).material
        mean, (pictures, pixels, found) = scoring.score(runner.answers, material)
        return replace(
            tried,
            painted=len(material.kinds),
            good=len(material.fold),
            score=mean,
            pictures=pictures,
            pixels=pixels,
            found=found,
            difference=contender.compared.difference if contender else None,
            error=contender.compared.error if contender else None,
            seconds=runner.per_picture,
        )

    def _words(self, number: int) -> str:
        stage = self._stage(number)
        painted, good = len(stage.material.kinds), len(stage.material.fold)
        return f"{painted} painted defects and {good} good parts unseen by the fit"

    def _defaults(self, encoder: Encoder, count: int) -> tuple[Detector, Choice]:
        """The defaults, because there is too little to compare anything on."""
        size = {} if self.config.resolution is None else {"resolution": self.config.resolution}
        candidate = Candidate(DEFAULT, encoder, size)
        parts = f"{count} distinct good part{'' if count == 1 else 's'} to learn from"
        there = f"there {'is' if count == 1 else 'are'} {parts}"
        reason = f"nothing was compared: {there}, and a choice takes {LEAST_PARTS}; these are the defaults"
        name = candidate.name(len(self.config.encoders) > 1)
        return self._create(candidate), Choice(name, reason, parts, self.config.limit, self.config.seed)

    def _create(self, candidate: Candidate) -> Detector:
        return candidate.create(candidate.encoder, self.config.device, self.config.seed)


def _reason(contender: rule.Contender | None) -> str:
    """Why the candidate with these differences was chosen; None: the defaults stay."""
    if contender is None:
        return "no candidate was clearly ahead of the defaults"
    difference, error = contender.compared.difference, contender.compared.error
    reason = (
        f"ahead of the defaults by {difference:.3f} ± {error:.3f} in the mean of three measures, and behind in none of "
        "them nor for defects of any size"
    )
    if contender.seconds is None or contender.times is None:
        return reason
    return f"{reason}; it takes {1000 * contender.seconds:.0f} ms a picture, {contender.times:.1f} times their time"


def _smallest_side(samples: Sequence[Sample]) -> int:
    """Shorter side in pixels of the smallest good picture that can be read."""
    sides = []
    for sample in samples:
        try:
            sides.append(min(images.picture_size(sample.image)))
        except UnreadableFile:
            continue
    if not sides:
        raise SpecsightError(f"no good picture can be read; the first: '{samples[0].image}'")
    return min(sides)
