"""Good pictures of a real set in random order, replayed as a line; from some part on something is done to all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from speed import SHARED

from measured.tables import table
from specsight.images import load_picture
from specsight.line.monitoring import drift
from specsight.line.monitoring.features import FEATURES, measure
from specsight.records import Picture, Sample
from specsight.stress import apply, seed_of

SET = SHARED / "data" / "mvtec_ad"
REFERENCE, BEFORE, AFTER = 200, 200, 400
REPEATS = 20
"""Orders in which the pictures come."""
ALPHA = 0.01

Change = Callable[[Picture, int], NDArray[np.uint8]]


def changes() -> dict[str, Change]:
    """What is done, by its name."""
    found: dict[str, Change] = {"nothing": lambda picture, _: picture.rgb}
    for gain in (0.98, 0.95, 0.9):
        found[f"dimmed to {gain:.0%}"] = _dimmed(gain)
    for pixels in (1, 2, 4):
        found[f"shifted by {pixels} px of 256"] = _shifted(pixels / 256)
    for name, levels in (("defocus", (1.0, 2.0)), ("motion_blur", (2.0, 4.0)), ("low_light", (2.0,))):
        for level in levels:
            found[f"{name} {level:g}"] = _stressed(name, level)
    return found


def replayed_table() -> str:
    """Parts from the change to the first alarm of any feature."""
    pictures = _pictures()
    rows = []
    plain = [measure(picture.rgb) for picture in pictures]
    for name, change in changes().items():
        changed = [measure(change(picture, seed_of(str(k)))) for k, picture in enumerate(pictures)]
        delays, first, early = [], [], 0
        for repeat in range(REPEATS):
            delay, feature = _replay(plain, changed, np.random.default_rng(repeat))
            early += delay <= 0
            delays.append(delay)
            first.append(feature)
        found = [d for d in delays if 0 < d < math.inf]
        rows.append(
            [
                name,
                f"{len(found)} of {REPEATS}",
                f"{np.median(found):.0f} ({min(found):.0f} to {max(found):.0f})" if found else "",
                max(set(first), key=first.count) if found else "",
                str(early),
            ]
        )
        print(rows[-1], flush=True)
    return (
        f"## Pictures ({len(pictures)} good bottles at 256 px drawn with replacement in {REPEATS} orders, "
        f"reference {REFERENCE}, the change after {BEFORE}, {AFTER} parts from there, alpha {ALPHA} in all)\n\n"
        + table(
            ["change", "found", "parts until the alarm, median (range)", "by", "orders with an alarm before"],
            rows,
        )
    )


def _replay(
    plain: Sequence[dict[str, float]], changed: Sequence[dict[str, float]], random: np.random.Generator
) -> tuple[float, str]:
    """Parts from the change to the alarm (not above 0: before it; infinite: none), and whose alarm it was."""
    order = random.integers(len(plain), size=REFERENCE + BEFORE + AFTER)
    parts = [(plain if k < REFERENCE + BEFORE else changed)[j] for k, j in enumerate(order)]
    best, by = math.inf, ""
    for feature in FEATURES:
        values = [part[feature] for part in parts]
        reference = values[:REFERENCE]
        watch = drift.DriftWatch(reference, drift.block_for(reference), ALPHA / len(FEATURES))
        watch.extend([(k, value, random.uniform()) for k, value in enumerate(values[REFERENCE:], 1)])
        if watch.alarm is not None and watch.alarm - BEFORE < best:
            best, by = watch.alarm - BEFORE, feature
    return best, by


def _pictures() -> list[Picture]:
    found = []
    for path in sorted((SET / "bottle" / "train" / "good").iterdir()):
        picture = load_picture(Sample(path.name, path, "bottle"))
        found.append(Picture(cv2.resize(picture.rgb, (256, 256), interpolation=cv2.INTER_AREA)))
    return found


def _dimmed(gain: float) -> Change:
    return lambda picture, _: np.round(picture.rgb * gain).astype(np.uint8)


def _shifted(share: float) -> Change:
    def shift(picture: Picture, _: int) -> NDArray[np.uint8]:
        height, width = picture.rgb.shape[:2]
        moved = np.array([[1, 0, share * width], [0, 1, 0]], np.float64)
        return np.asarray(
            cv2.warpAffine(picture.rgb, moved, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    return shift


def _stressed(name: str, level: float) -> Change:
    return lambda picture, seed: apply(picture, name, level, seed).rgb
