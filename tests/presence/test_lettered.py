"""Lettering is read, and told from lettering that differs by a digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from specsight.presence import Evidence, GoodPictures, PresenceCheck
from specsight.presence.lettered import is_in, normal
from specsight.records import Picture, Presence
from specsight.specification import Requirement

pytest.importorskip("rapidocr_onnxruntime", reason="pip install 'specsight[lettering]'")


def picture(*lines: tuple[str, int, int], contrast: int = 60) -> NDArray[np.uint8]:
    """Dark rubber, 160 × 320 pixels, with lines of (text, x, y) in letters of 20 pixels, and noise."""
    import matplotlib

    font = ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"), 24
    )
    canvas = Image.new("L", (320, 160), 50)
    for text, x, y in lines:
        ImageDraw.Draw(canvas).text((x, y), text, fill=50 + contrast, font=font)
    noise = np.random.default_rng(0).normal(0, 3, (160, 320, 1))
    return np.clip(np.asarray(canvas)[..., None] + noise, 0, 255).astype(np.uint8).repeat(3, 2)


def check(feature: str, seen: Evidence, count: int = 1, good: GoodPictures | None = None) -> Presence:
    return PresenceCheck(good or GoodPictures()).check(Requirement(feature=feature, count=count), seen)


def test_what_is_written_is_found_and_what_differs_by_a_digit_is_not() -> None:
    seen = Evidence(Picture(picture(("205/55 R16", 80, 40))), {})
    found = check("lettering '205/55 R16'", seen)
    assert (found.count, found.found) == (1, "lettering '205/55 R16' found in the centre")
    (x0, y0, x1, y1) = found.boxes[0]
    assert x0 <= 82
    assert x1 >= 215
    assert y0 <= 50 <= y1
    assert check("lettering '205/55R16'", seen).count == 1
    for other in ("205/50 R16", "206/55 R16", "205/55 R15", "205/55 R18"):
        instead = check(f"lettering '{other}'", seen)
        assert instead.count == 0
        assert "it reads '205/55" in instead.found


def test_lettering_is_counted() -> None:
    seen = Evidence(Picture(picture(("M 4711", 20, 20), ("M 4711", 160, 100))), {})
    assert check("marking 'M 4711'", seen, count=2).count == 2
    short = check("marking 'M 4711'", seen, count=3)
    assert (short.count, "3 are required" in short.found) == (2, True)


def test_what_the_rim_cuts_off_is_not_taken_for_something_else() -> None:
    seen = Evidence(Picture(picture(("205/55 R16", -40, 60))), {})
    found = check("lettering '205/55 R16'", seen)
    assert (found.count, "cannot be read for sure" in found.reason) == (None, True)
    assert check("lettering '205/60 R16'", seen).count is None


def test_relief_is_read_where_there_is_depth() -> None:
    raised = (picture(("E4 0254", 90, 60))[..., 0].astype(np.float32) - 50) / 60
    plain = np.full((160, 320, 3), 50, np.uint8)
    seen = Evidence(Picture(plain, depth=np.float32(250) - 0.5 * raised), {})
    assert check("code 'E4 0254'", seen).count == 1
    assert check("code 'E4 0264'", seen).count == 0


@pytest.mark.parametrize("turn", [lambda p: p[::-1, ::-1], lambda p: p[:, ::-1]])
def test_lettering_is_read_upside_down_and_mirrored(turn: object) -> None:
    assert callable(turn)
    seen = Evidence(Picture(np.ascontiguousarray(turn(picture(("SERIAL 4711", 60, 20))))), {})
    assert check("lettering 'SERIAL 4711'", seen).count == 1


def test_nothing_written_cannot_be_said_unless_good_pictures_always_show_it() -> None:
    empty = Evidence(Picture(picture()), {})
    assert check("lettering 'AB 12'", empty).count is None
    good = GoodPictures((None,) * 12, read=dict.fromkeys(range(12), ("AB 12",)))
    absent = check("lettering 'AB 12'", empty, good=good)
    assert (absent.count, absent.found) == (0, "no lettering 'AB 12' (required)")
    seldom = GoodPictures((None,) * 12, read={**dict.fromkeys(range(12), ()), 0: ("AB 12",)})
    assert check("lettering 'AB 12'", empty, good=seldom).count is None


def test_texts_are_compared_without_spaces_and_letter_case() -> None:
    assert normal("205/55 r16 · 91V") == "205/55R1691V"
    assert is_in("205/55 R16", ["x", "205/55R1691V"])
    assert not is_in("205/50 R16", ["205/55R1691V"])
