"""Paint a finding away: what was said of it is no longer true, what was said of the others still is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.explain.counterfactual import without_finding
from specsight.explain.explaining import Explainer
from specsight.records import Decision, Finding, Inspection, Picture

SIDE = 150
SPOTS = {(25, 25): 12, (120, 75): 10}
"""(x, y) → reach."""
EXPLAINER = Explainer()


def plate() -> NDArray[np.uint8]:
    generator = np.random.default_rng(0)
    rgb = generator.integers(150, 170, (SIDE, SIDE, 3)).astype(np.uint8)
    for (x, y), reach in SPOTS.items():
        rgb[y - reach // 2 : y + reach // 2, x - reach // 2 : x + reach // 2] = 20
    return rgb


def judge(rgb: NDArray[np.uint8]) -> Inspection:
    """Every dark spot is a finding."""
    map_ = (255 - rgb.mean(axis=2)).astype(np.float32)
    findings = []
    for (x, y), reach in SPOTS.items():
        box = (x - reach // 2, y - reach // 2, x + reach // 2, y + reach // 2)
        peak = float(map_[box[1] : box[3], box[0] : box[2]].max())
        if peak > 200:
            place = "top left" if x < 50 else "right"
            findings.append(
                Finding(box, (float(x), float(y)), reach**2, float(reach), peak, place, type="stain")
            )
    found = tuple(findings)
    decision = Decision("reject" if found else "accept", float(map_.max()), 200.0, counted=found)
    return Inspection(
        "p",
        "",
        "plate",
        float(map_.max()),
        decision,
        found,
        map=map_,
        map_threshold=200.0,
        picture=Picture(rgb),
    )


@pytest.mark.parametrize("number", [0, 1])
def test_the_statement_about_a_finding_goes_with_it_and_the_other_stays(number: int) -> None:
    before = judge(plate())
    assert len(before.findings) == 2
    told = without_finding(before, number, judge, EXPLAINER)
    assert told.gone
    assert told.stayed == (1 - number,)
    assert told.passed
    assert len(told.inspection.findings) == 1
    x0, y0, x1, y1 = before.findings[number].box
    changed = (told.picture != before.picture.rgb).any(axis=2) if before.picture else np.zeros((1, 1), bool)
    changed[y0 - 8 : y1 + 8, x0 - 8 : x1 + 8] = False
    assert not changed.any(), "nothing else was touched"


def test_a_judge_that_says_the_same_of_any_picture_does_not_pass() -> None:
    before = judge(plate())
    told = without_finding(before, 0, lambda _: before, EXPLAINER)
    assert (told.gone, told.passed) == (False, False)


def test_what_cannot_be_painted_over_is_told() -> None:
    before = judge(plate())
    with pytest.raises(SpecsightError, match="has 2 findings, and no number 2"):
        without_finding(before, 2, judge, EXPLAINER)
    with pytest.raises(SpecsightError, match="holds no pixels"):
        without_finding(before.without_pixels(), 0, judge, EXPLAINER)
