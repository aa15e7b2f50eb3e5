"""Pictures are registered to one another only where that clearly lowers the scores of good parts that are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.support.posed_parts import grains, posed_part

from specsight.encoders import load_encoder
from specsight.errors import SpecsightError
from specsight.images import Alignment, Reference
from specsight.preparation import Choices, Framing, propose_framing
from specsight.preparation.alignment import choose_alignment
from specsight.preparation.patches import unit_patches
from specsight.records import Picture

FILTERS = load_encoder("filters")
TURNED = [
    Picture(posed_part(k, degrees, (k % 3 - 1, 2))) for k, degrees in enumerate((0, 47, 110, -65, 170, -20))
]


def choose(pictures: list[Picture]) -> tuple[Reference | None, str]:
    def encode(picture: Picture, alignment: Alignment | None) -> np.ndarray:
        return unit_patches(picture, FILTERS, 128, alignment)

    return choose_alignment(pictures, encode)


def test_parts_in_any_pose_are_registered() -> None:
    reference, why = choose(TURNED)
    assert reference is not None
    assert reference.degrees == 180
    assert why.startswith(
        "registered to one good part, because that lowers the leave-one-out scores of good parts by"
    )


def test_limits_follow_how_good_parts_lie() -> None:
    reference, _ = choose([Picture(posed_part(k, 4 * k - 10, (k, 0))) for k in range(6)])
    assert reference is not None
    assert 10 <= reference.degrees <= 45
    assert 0.05 <= reference.shift < 0.1


@pytest.mark.parametrize(
    ("pictures", "why"),
    [
        ([Picture(posed_part(k)) for k in range(5)], "good parts lie in one pose"),
        ([Picture(grains(k)) for k in range(5)], "good parts "),
        (TURNED[:3], "fewer than 4 good parts say nothing of how others lie"),
        ([replace(one, circular=True) for one in TURNED], "strips have ends that meet"),
        ([*TURNED, Picture(posed_part(9)[:100])], "pictures have different shapes"),
    ],
)
def test_else_they_stay_as_they_lie(pictures: list[Picture], why: str) -> None:
    reference, reason = choose(pictures)
    assert reference is None
    assert reason.startswith(f"not registered, because {why}")


def test_registered_pictures_are_not_rotated() -> None:
    framing = propose_framing(TURNED, FILTERS, Framing(128), Choices(resolution=False, tile=False))
    assert framing.reference is not None
    assert framing.angles == ()
    assert framing.reasons[1] == "not rotated, because pictures are registered"
    assert framing.statement == "128 px, registered to one good part"
    assert propose_framing(TURNED, FILTERS, Framing(128), Choices(False, False)) == framing


def test_what_is_given_is_done_or_refused() -> None:
    only = Choices(False, False, False, alignment=False, reference=True)
    framing = propose_framing([Picture(posed_part(k)) for k in range(5)], FILTERS, Framing(128), only)
    assert framing.reference is not None
    assert framing.reasons == ("registered to one good part, as given",)
    with pytest.raises(SpecsightError, match="cannot be registered, because fewer than 4 good parts"):
        propose_framing(TURNED[:2], FILTERS, Framing(128), only)
