"""A supervised model and unlabelled pictures of another line → the model for that line.

In: what was learned, and patches of the target. Out: what was learned, adapted. Whatever the method, the target says
where the values of its usual patches lie; `coral` and `adabn` move its patches to those of the source, `tent` sharpens
the head after that, and `coral_loss`, `mmd` and `dann` train the head anew on the patches that the model keeps.
Domains are compared on good patches of the source and on those of the target that look normal.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.saving import State
from specsight.detectors.supervised.learned import Adaptation, Learned, Scale
from specsight.detectors.supervised.settings import HeadSettings
from specsight.encoders import Features
from specsight.errors import SpecsightError
from specsight.learning import adaptation

MOVING = ("coral", "adabn")
"""Methods that need no labelled defects."""
ALIGNMENT = {"coral_loss": 10.0, "mmd": 1.0, "dann": 0.3}
"""Weights of the losses of domains, fixed a priori: each is then of the size of the other losses or smaller."""
TENT_STEPS, TENT_RATE = 30, 1e-3


def adapt(learned: Learned, target: Features, pictures: int, method: str, settings: HeadSettings) -> Learned:
    """Adapt what was `learned` to patches (m, k) of `pictures` target pictures, in the space of good patches.

    An earlier adaptation is given up first. Raises SpecsightError for a method that trains where there is no head.
    """
    if method not in MOVING and not learned.head:
        raise SpecsightError(
            f"'{method}' adapts what was learned from labelled defects, and this model was given none: "
            f"use {' or '.join(MOVING)}"
        )
    start = replace(learned, moved=None, adaptation=None)
    distances = start.inputs(target)[0]
    normal = adaptation.normal_looking(distances, start.deviating.middle)
    good = start.source.good_patches
    if method == "coral":
        start = replace(start, moved=_coral(target[normal], good))
    elif method in ("adabn", "tent"):
        start = replace(start, moved=adaptation.restandardised(target[normal], good))
    if method in ALIGNMENT:
        start = replace(start, head=_aligned(start, target, normal, method, settings))
    elif method == "tent":
        start = replace(start, head=_sharpened(start, target, settings))
    changed = replace(start, adaptation=Adaptation(method, pictures))
    return _rescaled(changed, target)


def _coral(target: Features, good: Features) -> adaptation.AffineMap:
    """CORAL in units of the good patches' deviations, in which its ridge is one."""
    spread = np.maximum(good.std(0), 1e-6)
    units = adaptation.coral(target / spread, good / spread)
    matrix = np.asarray(units.matrix * spread / spread[:, None], np.float32)
    return adaptation.AffineMap(units.origin * spread, matrix, units.goal * spread)


def _aligned(
    learned: Learned, target: Features, normal: NDArray[np.bool_], method: str, settings: HeadSettings
) -> State:
    from specsight.detectors.supervised.fitting import labelled_patches
    from specsight.detectors.supervised.training import Target, train_head

    theirs = Target(learned.inputs(target)[1], normal, method, ALIGNMENT[method])
    return train_head(labelled_patches(learned.source, learned.bank, settings.seed)[0], settings, theirs)


def _sharpened(learned: Learned, target: Features, settings: HeadSettings) -> State:
    from specsight.detectors.supervised.training import sharpen

    gently = replace(settings, steps=TENT_STEPS, rate=TENT_RATE)
    return sharpen(learned.head, learned.inputs(target)[1], gently)


def _rescaled(learned: Learned, target: Features) -> Learned:
    """With scales of the target's own patches: most of them are good, whatever else there is among them."""
    distances, inputs = learned.inputs(target)
    telling = learned.telling
    if learned.head:
        from specsight.detectors.supervised.head import Head, judged

        telling = Scale.of(judged(Head.of_arrays(learned.head), inputs)[:, 0])
    return replace(learned, deviating=Scale.of(distances), telling=telling)
