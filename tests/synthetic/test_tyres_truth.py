"""The tyre line's pictures: exact masks, sizes, visibility, lights, zones and closed strips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specsight.errors import SpecsightError
from specsight.synthetic.tyres import Rendered, TyreScene, render, render_pair, sample_tyre_scene
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.conditions import LIGHTS, LightKind
from specsight.synthetic.tyres.contact_sheet import contact_sheet
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.features import ACCEPTABLE
from specsight.synthetic.tyres.geometry import FIELD_MM, PART_NAMES, ZONES, Zone
from specsight.synthetic.tyres.measure import feret_mm
from specsight.synthetic.tyres.rendering import DEPTH_NOISE_MM, build

SMALL = 128


def with_defect(
    name: str, light: LightKind = "diffuse", **wishes: Any
) -> tuple[TyreScene, Rendered, Rendered]:
    """(scene, good, bad) of the first scene in which the defect finds a place."""
    for k in range(30):
        scene = sample_tyre_scene((11, k), light=light, wanted=(name,), **wishes)
        good, bad = render_pair(scene, (name,))
        if bad.defects:
            return scene, good, bad
    raise AssertionError(f"no place for a {name} in 30 scenes")


@pytest.mark.parametrize("name", KINDS)
def test_nothing_changes_outside_the_mask(name: str) -> None:
    scene, good, bad = with_defect(name, "grazing")
    built = build(scene, (name,))
    mask = built.placed[0].mask
    np.testing.assert_array_equal(built.good.height[~mask], built.bad.height[~mask])
    np.testing.assert_array_equal(built.good.albedo[~mask], built.bad.albedo[~mask])
    np.testing.assert_array_equal(built.good.gloss[~mask], built.bad.gloss[~mask])
    changed = (built.good.height != built.bad.height) | (built.good.albedo != built.bad.albedo).any(axis=-1)
    assert changed[mask].mean() > 0.6, "a mask that claims more than was changed is not exact"
    outside = ~bad.defects[0].mask
    np.testing.assert_array_equal(good.depth[outside], bad.depth[outside])
    np.testing.assert_array_equal(good.parts, bad.parts)


@pytest.mark.parametrize("name", KINDS)
def test_a_defect_is_measured_on_its_mask_and_can_be_seen(name: str) -> None:
    scene, _, bad = with_defect(name)
    (truth,) = bad.defects
    assert truth.type == name
    assert truth.mask.shape == bad.rgb.shape[:2]
    assert truth.size_mm == pytest.approx(feret_mm(truth.mask, scene.window.mm_per_px))
    assert sum(truth.parts.values()) == pytest.approx(1)
    assert truth.part in PART_NAMES.values()
    assert truth.visible in {"rgb", "depth", "rgb and depth"} or name in {"scratch", "stain"}


def test_feret_is_the_longest_extent_over_pixel_corners() -> None:
    mask = np.zeros((20, 30), bool)
    mask[4, 5:15] = True
    assert feret_mm(mask, 0.5) == pytest.approx(0.5 * np.hypot(10, 1))
    assert feret_mm(np.zeros((3, 3), bool), 1.0) == 0.0


def test_a_stain_has_no_height_and_a_low_blister_no_colour() -> None:
    _, good, bad = with_defect("stain")
    np.testing.assert_array_equal(good.depth, bad.depth)
    assert "depth" not in bad.defects[0].visible
    only_in_depth = 0
    for k in range(12):
        scene = sample_tyre_scene((5, k), "sidewall", "diffuse", wanted=("blister",))
        good, bad = render_pair(scene, ("blister",))
        for truth in bad.defects:
            if truth.visible == "depth":
                rise = (good.depth - bad.depth)[truth.mask].max()
                contrast = np.abs(good.rgb.astype(float) - bad.rgb)[truth.mask].mean()
                assert rise > 5 * DEPTH_NOISE_MM
                assert contrast < 3, "grey levels of 255"
                only_in_depth += 1
    assert only_in_depth >= 3


def test_up_to_four_defects_stay_apart() -> None:
    most = 0
    for k in range(6):
        scene = sample_tyre_scene((21, k), "tread", "diffuse")
        bad = render(scene, ("stain", "cut", "foreign body", "crack"))
        overlap = np.sum([d.mask for d in bad.defects], axis=0)
        assert overlap.max() <= 1
        most = max(most, len(bad.defects))
    assert most == 4
    with pytest.raises(SpecsightError, match=r"5 defects .* at most 4"):
        render(scene, ("stain",) * 5)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    zone=st.sampled_from(ZONES),
    light=st.sampled_from(LIGHTS),
    model=st.sampled_from(sorted(MODELS)),
)
def test_every_scene_renders_to_consistent_arrays(
    seed: int, zone: Zone, light: LightKind, model: str
) -> None:
    scene = sample_tyre_scene((seed,), zone, light, model, size=SMALL)
    picture = render(scene)
    assert picture.rgb.shape == (SMALL, SMALL, 3)
    assert picture.rgb.dtype == np.uint8
    assert picture.depth.shape == picture.parts.shape == (SMALL, SMALL)
    assert np.isfinite(picture.depth).all()
    np.testing.assert_allclose(np.linalg.norm(picture.normals, axis=-1), 1, atol=1e-4)
    assert set(np.unique(picture.parts)) <= set(PART_NAMES)
    assert scene.window.mm_per_px == FIELD_MM[zone] / SMALL
    again = render(sample_tyre_scene((seed,), zone, light, model, size=SMALL))
    np.testing.assert_array_equal(picture.rgb, again.rgb)


def test_rubber_is_dark_and_lights_differ() -> None:
    grey = {}
    for light in LIGHTS:
        pictures = [render(sample_tyre_scene((3, k), "sidewall", light)).rgb for k in range(4)]
        grey[light] = float(np.median(pictures))
    assert all(15 < g < 110 for g in grey.values())
    assert grey["low"] < grey["dark_field"] < min(grey["diffuse"], grey["grazing"])


def test_grazing_light_shows_relief_on_the_side_it_comes_from() -> None:
    """A raised letter is bright on the flank that faces the lamp: brightness follows the slope's sign."""
    scene = sample_tyre_scene((8, 1), "sidewall", "grazing", wanted=("wrong lettering",))
    for azimuth, axis, sign in ((0.0, 0, 1), (180.0, 0, -1), (90.0, 1, 1), (270.0, 1, -1)):
        lit = replace(scene, light=replace(scene.light, azimuth=azimuth, tint=(1.0, 1.0, 1.0)))
        picture = render(lit)
        towards = sign * picture.normals[..., axis]
        brightness = picture.rgb.mean(axis=-1)
        assert brightness[towards > 0.3].mean() > 2 * brightness[towards < -0.3].mean()


def test_four_models_have_four_treads() -> None:
    depths = [render(sample_tyre_scene((4,), "tread", "diffuse", model)).depth for model in MODELS]
    for a in range(len(depths)):
        for b in range(a):
            assert np.abs(depths[a] - depths[b]).mean() > 0.3


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("light", ["diffuse", "grazing"])
def test_strips_close_without_a_seam(zone: Zone, light: LightKind) -> None:
    scene = sample_tyre_scene((2, 5), zone, light, size=96, strip=True)
    picture = render(scene)
    rows, columns = picture.depth.shape
    assert scene.window.circular
    assert columns > 4 * rows
    assert columns * scene.window.mm_per_px == pytest.approx(MODELS["touring"].circumference_mm, rel=0.01)
    for image in (picture.depth, picture.rgb.astype(np.float32).mean(axis=-1)):
        steps = np.abs(image - np.roll(image, 1, axis=1)).mean(axis=0)
        # Where the strip was cut open (its ends), and where the rendering's own canvas was closed.
        for seam in (0, scene.opening):
            assert steps[seam] <= np.quantile(steps, 0.995)


def test_a_defect_may_straddle_the_ends_of_a_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = sample_tyre_scene((6, 1), "bead", "diffuse", size=64, strip=True)
    monkeypatch.setattr(TyreScene, "opening", 0)
    uncut = render(scene, ("stain",))
    columns = np.flatnonzero(uncut.defects[0].mask.any(axis=0))
    shift = uncut.rgb.shape[1] - int(columns.mean())
    monkeypatch.setattr(TyreScene, "opening", shift)
    cut = render(scene, ("stain",))
    mask = cut.defects[0].mask
    assert mask[:, 0].any()
    assert mask[:, -1].any()
    np.testing.assert_array_equal(cut.rgb, np.roll(uncut.rgb, shift, axis=1))
    np.testing.assert_array_equal(mask, np.roll(uncut.defects[0].mask, shift, axis=1))
    assert cut.defects[0].size_mm == uncut.defects[0].size_mm


def test_good_tyres_carry_acceptable_marks() -> None:
    kinds: set[str] = set()
    for k in range(40):
        kinds |= {
            m.kind.split(" '")[0]
            for m in render(sample_tyre_scene((9, k), light="diffuse", size=SMALL)).marks
        }
    assert {"spew", "demoulding mark", "chalk mark", "yellow balance dot", "lettering"} <= kinds


def test_a_mark_cut_off_by_the_rim_measures_what_is_left_of_it() -> None:
    """What words may speak of is what the picture shows of a feature, whole or not."""
    cut_off = 0
    for k in range(60):
        scene = sample_tyre_scene((33, k), "sidewall", "grazing", size=SMALL)
        inner = np.zeros(scene.window.canvas, bool)
        inner[scene.window.inner] = True
        sizes: list[tuple[str, float]] = []
        for feature in build(scene).features:
            mask = np.zeros(scene.window.canvas, bool)
            mask[feature.box] = feature.mask
            if (mask & inner).sum() >= 4:
                sizes.append((feature.kind, feret_mm(mask & inner, scene.window.mm_per_px)))
                cut_off += feature.kind == "spew" and bool((mask & ~inner).any())
        marks = [(m.kind, m.size_mm) for m in render(scene).marks if not m.kind.startswith("lettering")]
        assert marks == sizes
    assert cut_off >= 3


def test_mistakes_are_errors_of_one_line() -> None:
    with pytest.raises(SpecsightError, match="unknown tyre defect 'scrach': did you mean 'scratch'"):
        render(sample_tyre_scene((0,)), ("scrach",))
    with pytest.raises(SpecsightError, match="unknown tyre model 'turing'"):
        sample_tyre_scene((0,), model="turing")
    with pytest.raises(SpecsightError, match="size 20 is too small"):
        sample_tyre_scene((0,), size=20)


def test_the_contact_sheet_shows_every_zone_light_and_type() -> None:
    sheet = contact_sheet(seed=1)
    tiles = len(ZONES) * len(LIGHTS) + 2 + len(KINDS)
    assert sheet.shape[1] == 7 * 202
    assert sheet.shape[0] > tiles // 7 * 202
    assert 30 < sheet.mean() < 100


def test_marks_know_the_pixels_that_show_them() -> None:
    """Masks of marks measure what `size_mm` says, lie on the part it names, and differ from the plain surface there."""
    kinds: set[str] = set()
    for k in range(40):
        scene = sample_tyre_scene((9, k), light="diffuse", size=SMALL)
        picture = render(scene)
        for mark in picture.marks:
            mask = mark.mask(picture.parts.shape)
            assert mask.sum() == len(mark.pixels) >= 4
            if mark.kind in ACCEPTABLE:
                assert feret_mm(mask, scene.window.mm_per_px) == pytest.approx(mark.size_mm)
            values = np.bincount(picture.parts[mask])
            assert PART_NAMES[int(values.argmax())] == mark.part or mark.size_mm == 0
            kinds.add(mark.kind)
    assert set(ACCEPTABLE) <= kinds


def test_a_yellow_dot_is_yellow_within_its_mask_and_nowhere_else() -> None:
    found = 0
    for k in range(30):
        picture = render(sample_tyre_scene((9, k), "sidewall", "diffuse", size=SMALL))
        dots = [m.mask(picture.parts.shape) for m in picture.marks if m.kind == "yellow balance dot"]
        if not dots:
            continue
        yellow = picture.rgb[..., 0].astype(int) - picture.rgb[..., 2]
        inside = np.any(dots, axis=0)
        assert np.median(yellow[inside]) > np.median(yellow[~inside]) + 20
        found += 1
    assert found >= 2


def test_marks_of_a_strip_turn_with_its_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = sample_tyre_scene((6, 1), "bead", "diffuse", size=64, strip=True)
    masks = []
    for shift in (0, 37):
        monkeypatch.setattr(TyreScene, "opening", shift)
        picture = render(scene)
        masks.append([m.mask(picture.parts.shape) for m in picture.marks])
    assert len(masks[0]) == len(masks[1]) > 20
    for uncut, cut in zip(*masks, strict=True):
        np.testing.assert_array_equal(cut, np.roll(uncut, 37, axis=1))
