"""The tyre line's words: a valid specification, severities by its rule, and matched pairs that are truly opposite."""

from __future__ import annotations

import re

import numpy as np
import pytest
import yaml

from specsight.specification import Instruction, parse_specification
from specsight.synthetic.tyres import Rendered, render, render_pair, sample_tyre_scene
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.conditions import LIGHTS
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.geometry import PART_NAMES, ZONES, TyreModel
from specsight.synthetic.tyres.instructions import matched_pairs, verdict
from specsight.synthetic.tyres.product import SEVERITY_MM, severity, specification
from specsight.synthetic.tyres.words import description, operator_note


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda m: m.name)
def test_the_specification_is_valid_and_names_every_part_and_defect(model: TyreModel) -> None:
    text = yaml.safe_dump(specification(model), sort_keys=False, allow_unicode=True)
    parsed = parse_specification(text, "tyre")
    assert [p.name for p in parsed.parts] == list(PART_NAMES.values())
    assert set(KINDS) <= {d.name for d in parsed.defects}
    assert {d.name: d.superclass for d in parsed.defects if d.name in ("underfill", "chunk-out")} == {
        "underfill": "missing rubber",
        "chunk-out": "missing rubber",
    }
    assert "synthetic" in parsed.appearance.lower()


def test_severity_follows_the_specifications_own_rule() -> None:
    assert set(SEVERITY_MM) == set(KINDS)
    for type, (minor, major) in SEVERITY_MM.items():
        sizes = (0.5, minor, minor + 0.1, major, major + 0.1, 500.0)
        levels = ["minor", "minor", "major", "major", "critical", "critical"]
        assert [severity(type, size, "sidewall") for size in sizes] == levels
        graver = [{"minor": "major"}.get(level, "critical") for level in levels]
        assert [severity(type, size, "bead ring") for size in sizes] == graver


@pytest.fixture(scope="module")
def pictures() -> list[Rendered]:
    """Good and defective pictures of every zone, one or two defects each."""
    drawn: list[Rendered] = []
    for k in range(60):
        rng = np.random.default_rng([31, k])
        zone = ZONES[k % 3]
        here = [n for n, kind in KINDS.items() if zone in kind.zones]
        first = here[k // 3 % len(here)]
        wanted = (first, *rng.choice(here, k % 2))
        scene = sample_tyre_scene((31, k), zone, LIGHTS[k % 2], size=128, wanted=wanted)
        drawn += render_pair(scene, [str(w) for w in wanted])
    return drawn


def test_matched_pairs_are_opposite_and_their_clauses_are_instructions(pictures: list[Rendered]) -> None:
    kinds: dict[str, int] = {}
    accepted_first = 0
    total = 0
    for k, picture in enumerate(pictures):
        given = matched_pairs(np.random.default_rng(k), picture, PART_NAMES)
        pairs: dict[str, list] = {}
        for one in given:
            pairs.setdefault(one.pair, []).append(one)
            Instruction.model_validate({"text": one.text, **one.clause})
            assert one.verdict == verdict(one.clause, picture.defects, picture.marks)
        for couple in pairs.values():
            assert sorted(i.verdict for i in couple) == ["accept", "reject"]
            assert couple[0].kind == couple[1].kind
            kinds[couple[0].kind] = kinds.get(couple[0].kind, 0) + 1
            accepted_first += couple[0].verdict == "accept"
            total += 1
    assert set(kinds) == {"scope", "tolerance", "requirement", "knowledge"}
    assert 0.3 < accepted_first / total < 0.7, "the order of a pair must not give the verdict away"


def test_limits_and_parts_agree_with_the_truth(pictures: list[Rendered]) -> None:
    checked = 0
    for k, picture in enumerate(pictures):
        for one in matched_pairs(np.random.default_rng(k), picture, PART_NAMES):
            if one.kind == "scope" and "scope" in one.clause:
                (part,) = one.clause["scope"]
                assert part in one.text
                touched = {p for d in picture.defects for p in d.parts}
                assert (part in touched) == (one.verdict == "reject")
            if one.kind == "tolerance" and picture.defects:
                (tolerance,) = one.clause["tolerances"]
                largest = max(d.size_mm for d in picture.defects)
                assert float(re.findall(r"([\d.]+) mm", one.text)[0]) == tolerance["up_to_mm"]
                assert (largest <= tolerance["up_to_mm"]) == (one.verdict == "accept")
                assert abs(largest - tolerance["up_to_mm"]) > 0.15 * largest
            checked += 1
    assert checked > 60


def test_default_verdict_is_the_label(pictures: list[Rendered]) -> None:
    for picture in pictures:
        assert verdict({}, picture.defects, picture.marks) == ("reject" if picture.defects else "accept")


def test_the_caption_names_every_defect_with_size_and_part() -> None:
    scene = sample_tyre_scene((41, 3), "tread", "grazing")
    bad = render(scene, ("cut", "stain"))
    text = description(scene, bad)
    assert "grazing light from the" in text
    for truth in bad.defects:
        assert re.search(rf"{truth.type}.* on the {truth.part}, {truth.size_mm:.1f} mm", text, re.IGNORECASE)
    assert description(scene, render(scene)).endswith("No defect.")


def test_operator_notes_hint_equally_often_at_good_and_defective_tyres() -> None:
    scene = sample_tyre_scene((41, 3), "tread", "grazing", size=128)
    good, bad = render_pair(scene, ("cut",))
    assert bad.defects
    hints = {"good": 0, "bad": 0}
    for k in range(400):
        for name, picture in (("good", good), ("bad", bad)):
            note, truth = operator_note(np.random.default_rng([k, len(name)]), scene, picture)
            hints[name] += truth != "neutral"
            if truth == "true":
                assert any(d.type in note for d in picture.defects)
            if truth == "false":
                assert not any(d.type in note for d in picture.defects)
    assert abs(hints["good"] - hints["bad"]) < 40
