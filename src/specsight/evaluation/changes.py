"""What another description of the same pictures changes: the numbers of one run less those of another, paired.

In: two run folders of the same pictures, and what the other words stand for. Out: differences with intervals, of which
pictures are resampled together; of several products the mean over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.evaluation import truth
from specsight.evaluation.named_sets import answered
from specsight.evaluation.numbers import Number
from specsight.metrics.told import CHANGED, change_name
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction
from specsight.storage import confined

NOT_BOTH = "one of the two runs has no such number"
TAILS = np.array([0.025, 0.975])
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """The numbers of one run under resamples that every run of the same pictures shares."""

    products: Mapping[str, Mapping[str, Values]]
    """Product → name of a number → (1 + resamples,): of all pictures, then of each resample; without those that the
    run does not have."""

    def changes(self, before: Drawn) -> dict[str, Number]:
        """What of each number changed since `before`, by the name of the change."""
        return {change_name(name): self._change(before, name) for name in CHANGED}

    def _change(self, before: Drawn, name: str) -> Number:
        both = [
            (values[name], before.products[product][name])
            for product, values in self.products.items()
            if name in values and name in before.products.get(product, {})
        ]
        if not both or len(both) < len(before.products):
            return Number(float("nan"), reason=NOT_BOTH)
        moved = np.mean([after - earlier for after, earlier in both], axis=0)
        return Number.resampled(float(moved[0]), metrics.quantile_interval(moved[1:], TAILS), NOT_BOTH)


def drawn(run: RunFolder, seed: int, resamples: int, meant: Mapping[str, str] | None = None) -> Drawn:
    """The numbers of a finished run of one product or of several.

    Parameters: `meant` says what the names of the run's types stand for (`prompts.rewording.meanings`): a type that is
    not among them is none of the truth; None: names stand for themselves.
    """
    products = run.metrics().get("products")
    folders = (
        {name: RunFolder(confined(run.path, one["folder"])) for name, one in products.items()}
        if products
        else {"": run}
    )
    return Drawn(
        {
            name: _numbers(folder, seed, resamples, number, meant)
            for number, (name, folder) in enumerate(folders.items())
        }
    )


def _numbers(
    run: RunFolder, seed: int, resamples: int, number: int, meant: Mapping[str, str] | None
) -> dict[str, Values]:
    """Numbers of one product; `number` keeps resamples of several products apart."""
    pictures = sorted((p for p in run.predictions(seed) if p.label != "unknown"), key=lambda p: p.id)
    labels = np.array([p.label == "defective" for p in pictures], bool)
    weights = metrics.Groups.of(labels, [p.group or p.id for p in pictures]).resampled(resamples, number)
    weights = np.concatenate([np.ones((1, len(pictures)), np.int64), weights])
    found = {
        "image_auroc": metrics.weighted_auroc(labels, [p.inspection.score for p in pictures], weights),
        "pixel_auroc": _of_pixels(run, pictures, resamples, number),
        "type_f1": metrics.weighted_f1(
            [p.types for p in pictures], [_named(p, meant) for p in pictures], weights
        )[0],
    }
    return {name: values for name, values in found.items() if len(values) and np.isfinite(values[0])}


def _of_pixels(run: RunFolder, pictures: list[Prediction], resamples: int, number: int) -> Values:
    """Pixel AUROC; empty where no mask is known."""
    masked = truth.with_masks(pictures, run.data).usable
    if not any(p.defects for p in masked):
        return np.zeros(0)
    map_size = run.config().get("map_size")
    scores = metrics.gather(truth.MapsWithTruth(run, masked, map_size))
    groups = [p.group or p.id for p in masked]
    resampled = metrics.resampled_auroc(scores, groups, resamples=resamples, seed=number) if resamples else ()
    return np.array([metrics.measure(scores).auroc, *resampled], np.float64)


def _named(prediction: Prediction, meant: Mapping[str, str] | None) -> set[str]:
    """The types named, each called what it stands for."""
    return {meant.get(name, f"({name})") if meant is not None else name for name in answered(prediction)}
