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
from specsight.synthetic.tyres.rendering import Rendered, render_pair
from specsight.synthetic.tyres.scene import TyreScene, sample_tyre_scene

GENERATOR = 2
"""Raised whenever the same seed gives other pictures."""

_TRAIN_SHARE = 0.5
_MORE_DEFECTS = (0.62, 0.20, 0.11, 0.07)
"""Probability of 0, 1, 2, 3 defects besides the first."""
_ATTEMPTS = 40


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


def picture_job(settings: Settings, job: Job) -> tuple[TyreScene, Rendered, Rendered | None]:
    """(scene, good picture, its defective twin or None); draws again until the job's own type has found a place."""
    for attempt in range(_ATTEMPTS):
        seed = (settings.seed, job.index, attempt)
        names = _defects(seed, job)
        scene = sample_tyre_scene(
            seed,
            job.zone,
            job.light,
            settings.model,
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
    train = count - 2 * round(count * (1 - _TRAIN_SHARE) / 2)
    types = [k for k in KINDS.values() if set(k.zones) & set(settings.zones)]
    zones, lights = settings.zones, settings.lights
    jobs: list[Job] = []
    while numbers:
        n = len(jobs)
        index, light = first_index + n, lights[n % len(lights)]
        if n < train:
            zone = zones[n // len(lights) % len(zones)]
            jobs.append(Job(index, (numbers.pop(),), "train", zone, light, strip, None))
        else:
            k = n - train
            kind, lap = types[k % len(types)], k // len(types)
            fitting = [z for z in zones if z in kind.zones]
            # A type meets another zone and another light on every lap round the types.
            zone, light = fitting[(k + lap) % len(fitting)], lights[(k + lap) % len(lights)]
            jobs.append(Job(index, (numbers.pop(), numbers.pop()), "test", zone, light, strip, kind.name))
    return jobs


def _defects(seed: tuple[int, ...], job: Job) -> tuple[str, ...]:
    """The job's own type and up to three more that occur in its zone."""
    if job.type is None:
        return ()
    rng = np.random.default_rng([*seed, 88])
    others = [k.name for k in KINDS.values() if job.zone in k.zones]
    more = int(rng.choice(MAX_DEFECTS, p=_MORE_DEFECTS))
    return (job.type, *(others[int(rng.integers(len(others)))] for _ in range(more)))
