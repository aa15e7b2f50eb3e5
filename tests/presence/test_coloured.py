"""Features of a colour are found where they are, and their absence is told where they would show."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.presence import Evidence, GoodPictures, PresenceCheck
from specsight.presence.colours import Lab
from specsight.records import Picture, Presence
from specsight.specification import Part, Requirement, Specification

PAINTS = {
    "yellow": (230, 190, 40), "red": (200, 40, 30), "green": (30, 140, 60), "blue": (40, 70, 190),
    "white": (235, 235, 230), "orange": (240, 130, 20),
}  # fmt: skip
SPECIFICATION = Specification(
    product="cap",
    parts=(Part(name="rim"), Part(name="face")),
    requirements=(Requirement(feature="yellow dot"),),
)


def picture(
    *dots: tuple[str, int, int], light: float = 1.0, seed: int = 0, radius: int = 7
) -> NDArray[np.uint8]:
    """Grey rubber, 120 × 160 pixels, with dots (colour, x, y), under a light, with noise."""
    rows, columns = np.mgrid[:120, :160]
    pixels = np.full((120, 160, 3), 60.0)
    for colour, x, y in dots:
        pixels[np.hypot(columns - x, rows - y) <= radius] = PAINTS[colour]
    noise = np.random.default_rng(seed).normal(0, 4, pixels.shape)
    return np.clip(pixels * light + noise, 0, 255).astype(np.uint8)


def evidence(*dots: tuple[str, int, int], light: float = 1.0, seed: int = 0, parts: bool = False) -> Evidence:
    """Measurements of such a picture; with parts, its left half is the rim and its right half the face."""
    halves = np.repeat([[1, 2]], 80, axis=1).repeat(120, axis=0).astype(np.uint8) if parts else None
    return Evidence(Picture(picture(*dots, light=light, seed=seed), parts=halves), {1: "rim", 2: "face"})


def check(requirement: Requirement, seen: Evidence, good: list[Evidence] | None = None) -> Presence:
    return PresenceCheck(GoodPictures.of(good or []), SPECIFICATION).check(requirement, seen)


@pytest.mark.parametrize("light", [0.45, 1.0])
@pytest.mark.parametrize("colour", sorted(set(PAINTS) - {"white", "orange"}))
def test_paint_keeps_its_name_in_dim_light(colour: str, light: float) -> None:
    lab = Lab(picture((colour, 50, 40), light=light))
    (blob,) = lab.blobs(colour)
    assert (blob.x * 160, blob.y * 120) == pytest.approx((50.5, 40.5), abs=1)
    assert blob.area * 160 * 120 == pytest.approx(np.pi * 49, rel=0.3)
    assert blob.roundness > 0.9
    others = set(PAINTS) - {colour, "white", "orange"}
    assert not any(lab.blobs(other) for other in others)


def test_a_box_is_in_pixels_of_the_picture_whatever_its_size() -> None:
    large = picture(("red", 50, 40)).repeat(8, axis=0).repeat(8, axis=1)
    (blob,) = Lab(large).blobs("red")
    x0, y0, x1, y1 = blob.box
    assert np.allclose((x0, y0, x1, y1), (43 * 8, 33 * 8, 58 * 8, 48 * 8), atol=10)


def test_what_is_required_is_found_and_counted() -> None:
    seen = evidence(("yellow", 20, 20), ("yellow", 100, 90))
    two = check(Requirement(feature="yellow dot", count=2), seen)
    assert (two.count, two.found) == (2, "yellow dot found 2 times at the bottom, at the top left")
    assert len(two.boxes) == 2
    three = check(Requirement(feature="yellow dots", count=3), seen)
    assert (three.count, "3 are required" in three.found) == (2, True)
    none = check(Requirement(feature="red dot"), seen)
    assert (none.count, none.found) == (0, "no red dot (required)")


def test_a_noun_says_its_shape() -> None:
    pixels = picture()
    pixels[60:64, 20:140] = PAINTS["red"]
    seen = Evidence(Picture(pixels), {})
    assert check(Requirement(feature="red stripe"), seen).count == 1
    assert check(Requirement(feature="red dot"), seen).count == 0
    assert check(Requirement(feature="red mark"), seen).count == 1


def test_a_feature_of_a_part_is_looked_for_there() -> None:
    seen = evidence(("yellow", 20, 20), parts=True)
    assert check(Requirement(feature="yellow dot", part="rim"), seen).count == 1
    face = check(Requirement(feature="yellow dot", part="face"), seen)
    assert (face.count, face.found) == (0, "no yellow dot on the face (required)")
    shown = Evidence(Picture(picture(), parts=np.ones((120, 160), np.uint8)), {1: "rim"})
    other = check(Requirement(feature="yellow dot", part="face"), shown)
    assert (other.count, other.reason) == (None, "the picture shows no 'face'")


def test_a_coloured_part_is_looked_for_where_the_part_is() -> None:
    on_rim, on_face = evidence(("red", 20, 60), parts=True), evidence(("red", 120, 60), parts=True)
    requirement = Requirement(feature="red rim")
    assert check(requirement, on_rim).count == 1
    elsewhere = check(requirement, on_face)
    assert (elsewhere.count, elsewhere.found, elsewhere.clause) == (0, "no red rim (required)", requirement)


def good_pictures(share: float, varied: bool) -> list[Evidence]:
    """Twenty good pictures, of which a share shows the dot, at one place or anywhere."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(20):
        x, y = (int(rng.integers(10, 150)), int(rng.integers(10, 110))) if varied else (80, 60)
        found.append(evidence(*([("yellow", x, y)] if number < 20 * share else []), seed=number))
    return found


def test_what_all_good_pictures_show_is_absent_where_it_is_not_found() -> None:
    good = good_pictures(1.0, varied=True)
    assert check(Requirement(feature="yellow dot"), evidence(), good).count == 0
    assert check(Requirement(feature="yellow dot"), evidence(("yellow", 33, 70)), good).count == 1


def test_a_part_that_no_good_picture_shows_tells_nothing_of_a_picture_whose_parts_are_unknown() -> None:
    rims = [
        Evidence(Picture(picture(seed=k), parts=np.ones((120, 160), np.uint8)), {1: "rim", 2: "face"})
        for k in range(12)
    ]
    asked = Requirement(feature="yellow dot", part="face")
    plain = check(asked, evidence(seed=40), rims)
    assert (plain.count, plain.reason) == (
        None,
        "no good picture shows a 'face', and whether this one does is not known",
    )
    # Where the picture says that it shows a face, the dot is missing.
    assert check(asked, evidence(seed=40, parts=True), rims).count == 0


def test_what_some_good_pictures_show_may_lie_outside_the_picture() -> None:
    good = good_pictures(0.5, varied=True)
    found = check(Requirement(feature="yellow dot"), evidence(), good)
    assert (found.count, "50% of the good pictures show it" in found.reason) == (None, True)
    assert check(Requirement(feature="yellow dot"), evidence(("yellow", 33, 70)), good).count == 1


def test_another_colour_in_its_place_is_told() -> None:
    good = good_pictures(0.5, varied=True)
    asked = check(Requirement(feature="red dot"), evidence(("yellow", 33, 70)), good)
    assert (asked.count, asked.found) == (0, "no red dot (required): a yellow one is in its place")
    assert check(Requirement(feature="red dot"), evidence(("red", 33, 70)), good).count == 1


def test_a_feature_is_held_to_its_usual_size_and_place() -> None:
    good = good_pictures(1.0, varied=False)
    requirement = Requirement(feature="yellow dot")
    assert check(requirement, evidence(("yellow", 82, 58)), good).count == 1
    assert check(requirement, evidence(("yellow", 20, 20)), good).count == 0
    speck = Evidence(Picture(picture(("yellow", 82, 58), radius=2)), {})
    assert check(requirement, speck, good).count == 0


def test_one_of_several_that_look_alike_cannot_be_told_to_be_missing() -> None:
    both = ("yellow", 20, 20), ("yellow", 100, 90)
    good = [evidence(*both, seed=number) for number in range(12)]
    dot = Requirement(feature="yellow dot")
    assert check(dot, evidence(*both), good).count == 2
    one = check(dot, evidence(both[0]), good)
    assert (one.count, "good pictures show 2" in one.reason) == (None, True)
    assert check(dot, evidence(), good).count == 0
    assert check(Requirement(feature="yellow dot", count=2), evidence(both[0]), good).count == 1


def test_good_pictures_are_saved_and_read_back() -> None:
    good = GoodPictures.of([*good_pictures(0.5, varied=True), evidence(("red", 30, 30), parts=True)])
    again = GoodPictures.from_saved(good.to_json(), good.state())
    assert again.parts == good.parts
    assert again.parts[-1] == {"rim", "face"}
    assert again.of_colour("red") == good.of_colour("red")
    damaged = good.blobs.copy()
    damaged[0, 0] = 99
    with pytest.raises(ValueError, match="not there"):
        GoodPictures.from_saved(good.to_json(), {"blobs": damaged})
    with pytest.raises(ValueError, match="blobs int64"):
        GoodPictures.from_saved(good.to_json(), {"blobs": good.blobs.astype(np.int64)})


def test_what_only_a_name_describes_cannot_be_said() -> None:
    found = check(Requirement(feature="three screws"), evidence())
    assert (found.count, "nothing tells how it looks" in found.reason) == (None, True)
