"""A supervised model and unlabelled pictures of another line → the model for that line.

In: what was learned, and patches of the target. Out: what was learned, adapted. Whatever the method, the target says
where the values of its usual patches lie, which is all that `rescale` does; `coral` and `adabn` move its patches to
those of the source, `tent` sharpens the head after that, and `coral_loss`, `mmd` and `dann` train the head anew on the
patches that the model keeps. Domains are compared on those patches of the target that look normal; the methods that
move compare them with the same share of the source's good ones, those that deviate least: beside all good ones the
target's would be stretched although nothing had shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.saving import State
from specsight.detectors.supervised.fitting import good_deviations, labelled_patches
from specsight.detectors.supervised.learned import Adaptation, Learned, Scale
from specsight.detectors.supervised.patches import known
from specsight.detectors.supervised.settings import HeadSettings
from specsight.encoders import Features
from specsight.errors import SpecsightError
from specsight.learning import adaptation

MOVING = ("coral", "adabn", "rescale")
"""Methods that need no labelled defects."""
ALIGNMENT = {"coral_loss": 10.0, "mmd": 1.0, "dann": 0.3}
"""Weights of the losses of domains, fixed a priori: each is then of the size of the other losses or smaller."""
TENT_STEPS, TENT_RATE = 30, 1e-3


def adapt(
    learned: Learned, target: Mapping[str, Features], pictures: int, method: str, settings: HeadSettings
) -> Learned:
    """Adapt what was `learned` to patches (m, k), by modality, of `pictures` target pictures, in the spaces of good
    patches; NaN where a modality does not know a patch.

    An earlier adaptation is given up first. Raises SpecsightError for a method that trains where there is no head.
    """
    if method not in MOVING and not learned.head:
        raise SpecsightError(
            f"'{method}' adapts what was learned from labelled defects, and this model was given none: "
            f"use {' or '.join(MOVING)}"
        )
    still = {name: replace(own, moved=None) for name, own in learned.deviating.items()}
    start = replace(learned, deviating=still, adaptation=None)
    normal = adaptation.normal_looking(start.deviations(start.inputs(target)[0]), 0.0)
    move = {"coral": _coral, "adabn": adaptation.restandardised, "tent": adaptation.restandardised}.get(
        method
    )
    if move is not None:
        start = _moved(start, target, normal, move, settings.seed)
    if method in ALIGNMENT:
        start = replace(start, head=_aligned(start, target, normal, method, settings))
    elif method == "tent":
        start = replace(start, head=_sharpened(start, target, settings))
    changed = replace(start, adaptation=Adaptation(method, pictures))
    return _rescaled(changed, target)


def _moved(
    learned: Learned,
    target: Mapping[str, Features],
    normal: NDArray[np.bool_],
    move: Callable[[Features, Features], adaptation.AffineMap],
    seed: int,
) -> Learned:
    """With a map of each modality; of one that the target does not show, none."""
    good, scores = good_deviations(learned, seed)
    usual = scores <= np.quantile(scores, normal.mean())
    deviating = dict(learned.deviating)
    for name, own in learned.deviating.items():
        theirs = target[name][normal & known(target[name])]
        ours = good[name][usual & known(good[name])]
        if min(len(theirs), len(ours)) > 1:
            deviating[name] = replace(own, moved=move(theirs, ours))
    return replace(learned, deviating=deviating)


def _coral(target: Features, good: Features) -> adaptation.AffineMap:
    """CORAL in units of the good patches' deviations, in which its ridge is one."""
    spread = np.maximum(good.std(0), 1e-6)
    units = adaptation.coral(target / spread, good / spread)
    matrix = np.asarray(units.matrix * spread / spread[:, None], np.float32)
    return adaptation.AffineMap(units.origin * spread, matrix, units.goal * spread)


def _aligned(
    learned: Learned,
    target: Mapping[str, Features],
    normal: NDArray[np.bool_],
    method: str,
    settings: HeadSettings,
) -> State:
    from specsight.detectors.supervised.training import Target, train_head

    theirs = Target(learned.inputs(target)[1], normal, method, ALIGNMENT[method])
    return train_head(labelled_patches(learned.source, learned.memories, settings.seed)[0], settings, theirs)


def _sharpened(learned: Learned, target: Mapping[str, Features], settings: HeadSettings) -> State:
    from specsight.detectors.supervised.training import sharpen

    gently = replace(settings, steps=TENT_STEPS, rate=TENT_RATE)
    return sharpen(learned.head, learned.inputs(target)[1], gently)


def _rescaled(learned: Learned, target: Mapping[str, Features]) -> Learned:
    """With scales of the target's own patches: most of them are good, whatever else there is among them."""
    distances, inputs = learned.inputs(target)
    telling = learned.telling
    if learned.head:
        from specsight.detectors.supervised.head import Head, judged

        telling = Scale.of(judged(Head.of_arrays(learned.head), inputs)[:, 0])
    deviating = {
        name: replace(own, scale=Scale.of(distances[name])) if np.isfinite(distances[name]).any() else own
        for name, own in learned.deviating.items()
    }
    return replace(learned, deviating=deviating, telling=telling)
