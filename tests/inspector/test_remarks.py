"""What a specification says and cannot act is one line, at the fit and at the inspection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specsight.detectors import create_detector
from specsight.inspector import Inspector
from specsight.inspector.fitting import Sources, fit_model
from specsight.records import Sample
from specsight.specification import Specification, parse_specification


def picture(path: Path, seed: int, size: tuple[int, int] = (64, 64)) -> Sample:
    """Fine noise; the fourteenth has a dark block."""
    pixels = np.random.default_rng(seed).normal(120, 8, size)
    if seed == 14:
        pixels[20:34, 30:46] = 0
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return Sample(path.stem, path, "plate", split="train", label="good")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("good")
    return [picture(folder / f"{k}.png", k) for k in range(9)]


def fit(good: list[Sample], words: str) -> Inspector:
    return Inspector.fit(
        good, detector="patchcore", encoder="filters", resolution=64, specification=parse_specification(words)
    )


def fit_notes(inspector: Inspector) -> str:
    assert inspector.account is not None
    return "\n".join(inspector.account.notes)


IN_MM = "product: plate\nseverity: [{level: small, up_to_mm: 3}, {level: big}]"


def test_limits_in_millimetres_without_a_scale_leave_the_severity_unknown_and_say_so(
    good: list[Sample], tmp_path: Path
) -> None:
    inspector = fit(good, IN_MM)
    assert fit_notes(inspector).count("give mm_per_px in the specification or the manifest") == 1
    bad = picture(tmp_path / "bad.png", 14)
    inspection = inspector.inspect(bad)
    assert inspection.verdict == "reject"
    assert {f.severity for f in inspection.findings} == {None}
    (note,) = inspection.notes
    assert "severity is unknown" in note
    # The manifest may know the scale of a picture.
    scaled = inspector.inspect(replace(bad, mm_per_px=0.5))
    assert scaled.notes == ()
    assert {f.severity for f in scaled.findings} <= {"small", "big"}
    assert "mm_per_px" not in fit_notes(fit([replace(s, mm_per_px=0.5) for s in good], IN_MM))
    assert "mm_per_px" not in fit_notes(fit(good, "product: plate"))


def test_parts_without_a_part_map_say_that_they_have_no_effect(good: list[Sample], tmp_path: Path) -> None:
    words = "product: plate\nparts: [{name: rim, critical: true}]"
    inspector = fit(good, words)
    assert fit_notes(inspector).count("without a part map") == 1
    assert any("without a part map" in n for n in inspector.inspect(good[0]).notes)
    Image.fromarray(np.ones((64, 64), np.uint8)).save(tmp_path / "parts.png")
    mapped = [replace(s, parts=tmp_path / "parts.png", part_names={1: "rim"}) for s in good]
    assert "part map" not in fit_notes(fit(mapped, words))
    assert inspector.inspect(mapped[0]).notes == ()


def test_a_fit_of_folders_keeps_what_it_says_of_them_and_of_the_words(
    good: list[Sample], tmp_path: Path
) -> None:
    words = parse_specification(
        "product: plate\nparts: [{name: rim}]\nseverity: [{level: small, up_to_mm: 3}, {level: big}]"
    )
    detector = create_detector("patchcore", encoder="filters", resolution=48)
    fitted = fit_model(tmp_path / "model", detector, Sources(good[0].image.parent), specification=words)
    for notes in (fit_notes(fitted), fit_notes(Inspector.load(tmp_path / "model"))):
        assert "layout: any folder" in notes
        assert "without a part map they have no effect" in notes
        assert "give mm_per_px" in notes


def test_a_scale_of_any_width_is_doubted_where_widths_differ(good: list[Sample], tmp_path: Path) -> None:
    words = "product: plate\nmm_per_px: 0.5"
    wide = picture(tmp_path / "wide.png", 14, (64, 96))
    inspector = fit(good, words)
    assert "mm_per_px" not in fit_notes(inspector)
    assert inspector.width == 64
    inspector.save(tmp_path / "model")
    loaded = Inspector.load(tmp_path / "model")
    for one in (inspector, loaded):
        assert one.inspect(good[0]).notes == ()
        (note,) = one.inspect(wide).notes
        assert note.startswith("96 px wide, good pictures were 64: mm_per_px = 0.5 is taken")
    mixed = fit([*good, wide], words)
    assert mixed.width is None
    assert "the good pictures differ in width, and mm_per_px = 0.5" in fit_notes(mixed)
    stated = fit(good, f"{words}\nmm_per_px_at_width: 64")
    inspection = stated.inspect(wide)
    assert inspection.notes == ()
    assert inspection.findings
    for finding in inspection.findings:
        assert finding.length_mm == pytest.approx(finding.length_px * 0.5 * 64 / 96)


@pytest.mark.parametrize(
    ("defects", "expected"),
    [
        ("[{name: scratch}, {name: dent}]", []),
        (
            "[{name: 划痕}, {name: 凹坑}]",
            [
                "'划痕' as it stands (it has no token for '划痕')",
                "'凹坑' as it stands",
                "'凹坑' reads the same as '划痕'",
            ],
        ),
        ("[{name: scratch}, {name: '💥'}]", ["'💥' as it stands"]),
        (
            "[{name: scratch, phrases: ['" + "x y " * 49 + "']}]",
            ["x y x y", "the rest is cut off"],
        ),
    ],
)
def test_words_that_the_encoder_cannot_read_or_tell_apart_are_named_at_the_fit(
    good: list[Sample], defects: str, expected: list[str]
) -> None:
    pytest.importorskip("torch")
    specification: Specification = parse_specification(f"product: plate\ndefects: {defects}")
    detector = create_detector("phrases", resolution=64)
    notes = fit_notes(Inspector.fit(good[:2], detector=detector, specification=specification, holdout=0))
    assert all(words in notes for words in expected)
    assert ("encoder" in notes) == bool(expected)
