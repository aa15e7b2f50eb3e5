"""Which samples a set holds: how many train and test, which zone, light and defects each shows.

Everything follows from `Settings`; the n-th job is the same whoever works on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from specsight.errors import SpecsightError
from specsight.synthetic.tyres.conditions import LightKind
from specsight.synthetic.tyres.defects import KINDS, MAX_DEFECTS
from specsight.synthetic.tyres.geometry import Zone
from specsight.synthetic.tyres.invented import FIRST_TRAINING_NUMBER, INVENTED, PICTURES_PER_MODEL
from specsight.synthetic.tyres.rendering import Rendered, render_pair
from specsight.synthetic.tyres.scene import TyreScene, sample_tyre_scene

GENERATOR = 2
"""Raised whenever the same seed gives other pictures."""

_TRAIN_SHARE = 0.5
_MORE_DEFECTS = (0.62, 0.20, 0.11, 0.07)
"""Probability of 0, 1, 2, 3 defects besides the first."""
_ATTEMPTS = 40
_MODELS_PER_SEED = 100_000


@dataclass(frozen=True)
class Settings:
    """What decides a set's every byte."""

    count: int
    seed: int
    size: int
    strips: int
    lights: tuple[LightKind, ...]
    zones: tuple[Zone, ...]
    model: str
    generator: int = GENERATOR


@dataclass(frozen=True)
class Job:
    """One tyre to draw: a single good picture, or a good one and its defective twin (`type` first among its defects).

    `numbers` are those of its samples in the set, the good one first.
    """

    index: int
    numbers: tuple[int, ...]
    model: str
    split: str
    zone: Zone
    light: LightKind
    strip: bool
    type: str | None


def plan(settings: Settings) -> list[Job]:
    """All jobs of a set: `count` crops and `strips` strips; half of each for training, good ones only."""
    jobs: list[Job] = []
    jobs += _jobs(settings, settings.count, strip=False, first_index=0, first_number=0)
    jobs += _jobs(settings, settings.strips, True, first_index=len(jobs), first_number=settings.count)
    return jobs


def models_of(settings: Settings) -> tuple[str, ...]:
    """Names of the models that a set shows: its own, or as many invented ones as its samples need.

    Those of other seeds are others; encoders that were trained on tyres have not seen them.
    """
    if settings.model != INVENTED:
        return (settings.model,)
    first = settings.seed * _MODELS_PER_SEED
    count = -(-max(settings.count, settings.strips) // PICTURES_PER_MODEL)
    return tuple(f"{INVENTED}:{(first + k) % FIRST_TRAINING_NUMBER}" for k in range(count))


def picture_job(settings: Settings, job: Job) -> tuple[TyreScene, Rendered, Rendered | None]:
    """(scene, good picture, its defective twin or None); draws again until the job's own type has found a place."""
    for attempt in range(_ATTEMPTS):
        seed = (settings.seed, job.index, attempt)
        names = _defects(seed, job)
        scene = sample_tyre_scene(
            seed,
            job.zone,
            job.light,
            job.model,
            size=settings.size,
            strip=job.strip,
            wanted=names[:1],
        )
        good, bad = render_pair(scene, names)
        if job.type is None:
            return scene, good, None
        if any(d.type == job.type for d in bad.defects):
            return scene, good, bad
    raise SpecsightError(
        f"no place for a {job.type} on the {job.zone} at {settings.size} px: choose a larger --size"
    )


def _jobs(settings: Settings, count: int, strip: bool, first_index: int, first_number: int) -> list[Job]:
    """The jobs for `count` samples; sample numbers are shuffled, so that they say nothing about the label."""
    rng = np.random.default_rng([settings.seed, first_index, 77])
    numbers = [int(n) + first_number for n in rng.permutation(count)]
    types = [k for k in KINDS.values() if set(k.zones) & set(settings.zones)]
    zones, lights = settings.zones, settings.lights
    jobs: list[Job] = []
    singles = pairs = 0
    for model, samples in _samples_by_model(settings, count):
        twins = round(samples * (1 - _TRAIN_SHARE) / 2)
        for n in range(singles, singles + samples - 2 * twins):
            zone, light = zones[n // len(lights) % len(zones)], lights[n % len(lights)]
            index = first_index + len(jobs)
            jobs.append(Job(index, (numbers.pop(),), model, "train", zone, light, strip, None))
        for k in range(pairs, pairs + twins):
            kind, lap = types[k % len(types)], k // len(types)
            fitting = [z for z in zones if z in kind.zones]
            # A type meets another zone and another light on every lap round the types.
            zone, light = fitting[(k + lap) % len(fitting)], lights[(k + lap) % len(lights)]
            index, twin_numbers = first_index + len(jobs), (numbers.pop(), numbers.pop())
            jobs.append(Job(index, twin_numbers, model, "test", zone, light, strip, kind.name))
        singles, pairs = singles + samples - 2 * twins, pairs + twins
    return jobs


def _samples_by_model(settings: Settings, count: int) -> list[tuple[str, int]]:
    """(model, how many of `count` samples show it), in the order of the jobs."""
    if settings.model != INVENTED:
        return [(settings.model, count)]
    firsts = range(0, count, PICTURES_PER_MODEL)
    return [(m, min(PICTURES_PER_MODEL, count - k)) for m, k in zip(models_of(settings), firsts)]


def _defects(seed: tuple[int, ...], job: Job) -> tuple[str, ...]:
    """The job's own type and up to three more that occur in its zone."""
    if job.type is None:
        return ()
    rng = np.random.default_rng([*seed, 88])
    others = [k.name for k in KINDS.values() if job.zone in k.zones]
    more = int(rng.choice(MAX_DEFECTS, p=_MORE_DEFECTS))
    return (job.type, *(others[int(rng.integers(len(others)))] for _ in range(more)))
