"""Specification and instruction: YAML in and out, errors with their line, severity rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from specsight.errors import SpecsightError
from specsight.specification import (
    DefectType,
    Ignore,
    Instruction,
    Part,
    Requirement,
    Scope,
    SeverityLevel,
    Specification,
    Tolerance,
    dump_yaml,
    load_instruction,
    load_specification,
    parse_instruction,
    parse_specification,
    save_yaml,
)
from specsight.specification.clauses import clause_from_json
from specsight.specification.vocabulary import normal_form

TYRE = """
product: tyre 205/55 R16
mm_per_px: 0.25
parts:
  - name: sidewall
  - name: bead
    critical: true
defects:
  - name: cut
    phrases: [slit, incision]
    severity:
      - {level: minor, up_to_mm: 3}
      - {level: major, up_to_mm: 10}
      - {level: critical}
tolerances:
  - {defect: cut, part: sidewall, up_to_mm: 1.5, text: small cuts are fine}
requirements:
  - {feature: yellow balance dot, part: sidewall}
"""


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("product: x\npart:\n - name: a", 2, "did you mean 'parts'?"),
        ("product: x\nparts:\n - name: a\n - phrases: [b]", 4, "'name' is missing"),
        ("product: x\nparts: [", 2, "not valid YAML"),
        ("- a", 1, "expected 'key: value'"),
        ("", 1, "expected 'key: value'"),
        ("parts: []", 1, "'product' is missing"),
        (
            "product: x\ndefects:\n - name: cut\n   severity:\n   - {level: a, up_to_mm: -3}",
            5,
            "greater than 0",
        ),
        (
            "product: x\nparts: [{name: tread}]\nrequirements:\n - {feature: dot, part: tred}",
            4,
            "did you mean 'tread'?",
        ),
        ("product: x\nparts:\n - name: a\n - name: a", 4, "defined twice"),
        ("product: x\ndefects:\n - name: c\n   severity: [{level: a}, {level: b}]", 4, "only the last"),
        ("product: x\nmm_per_px: .nan", 2, "mm_per_px"),
    ],
)
def test_an_error_is_one_line_that_names_the_line(text: str, line: int, words: str) -> None:
    with pytest.raises(SpecsightError) as error:
        parse_specification(text, "tyre.yaml")
    message = str(error.value)
    assert message.startswith(f"tyre.yaml, line {line}: ")
    assert words in message
    assert "\n" not in message


def test_defects_are_found_by_name_and_by_phrase() -> None:
    tyre = parse_specification(TYRE)
    assert tyre.defect("Slit") == tyre.defect("cut") == tyre.defects[0]
    assert tyre.defect("blister") is None


@pytest.mark.parametrize(
    ("length", "part", "level"),
    [(3.0, "sidewall", "minor"), (3.1, "sidewall", "major"), (99.0, "sidewall", "critical"),
     (3.0, "bead", "major"), (99.0, "bead", "critical"), (None, "sidewall", None)],
)  # fmt: skip
def test_severity_follows_the_types_rule_and_rises_on_critical_parts(
    length: float | None, part: str, level: str | None
) -> None:
    # A limit in millimetres says nothing about a length that is not known.
    assert parse_specification(TYRE).severity_of("cut", length, 0.1, part) == level


def test_unknown_types_follow_the_products_own_rule() -> None:
    tyre = parse_specification(TYRE)
    assert [tyre.severity_of(None, 50.0, percent) for percent in (0.5, 3.0, 3.1)] == [
        "minor",
        "major",
        "critical",
    ]


@pytest.mark.parametrize("mm_per_px", [0.1, 0.05, 0.07, 0.3, 0.025])
def test_what_is_as_long_as_a_limit_is_within_it(mm_per_px: float) -> None:
    """3 pixels of 0.1 mm are 0.30000000000000004 mm, and no more severe than 0.3 mm."""
    for pixels in range(1, 200):
        limit = round(pixels * mm_per_px, 9)
        rule = [{"level": "minor", "up_to_mm": limit}, {"level": "major"}]
        plate = Specification.model_validate({"product": "plate", "severity": rule})
        assert plate.severity_of(None, pixels * mm_per_px, 1.0) == "minor", limit
        assert plate.severity_of(None, pixels * mm_per_px + 1e-6, 1.0) == "major", limit


def test_an_instruction_reads_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "today.yaml"
    path.write_text(
        "text: tread only\nscope: [tread]\ntolerances:\n - {defect: spew, up_to_mm: 3}\n", "utf-8"
    )
    instruction = load_instruction(path)
    assert instruction.scope == (Scope(parts=("tread",)),)
    assert instruction.tolerances == (Tolerance(defect="spew", up_to_mm=3),)
    with pytest.raises(SpecsightError, match=r"line 1: unknown key 'scpe': did you mean 'scope'\?"):
        parse_instruction("scpe: [tread]")
    with pytest.raises(SpecsightError, match=r"unknown key 'product': the keys here are .*scope.*tolerances"):
        parse_instruction("product: plate")


def test_a_misspelt_key_is_named_before_the_one_that_is_missing_because_of_it() -> None:
    with pytest.raises(
        SpecsightError, match=r"line 2: unknown key 'produkt': did you mean 'product'\? \(and 1 more\)"
    ):
        parse_specification("mm_per_px: 0.1\nprodukt: plate")


def test_files_that_are_no_text_are_named(tmp_path: Path) -> None:
    binary = tmp_path / "spec.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecsightError, match=r"spec\.yaml' is not UTF-8"):
        load_specification(binary)
    with pytest.raises(SpecsightError, match="cannot read"):
        load_specification(tmp_path / "absent.yaml")


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
limits = st.floats(0.01, 1e3)


@given(
    product=names,
    parts=st.lists(names, unique_by=normal_form, max_size=3),
    defects=st.dictionaries(names, st.lists(limits, unique=True, max_size=3), max_size=3),
)
def test_a_specification_written_as_yaml_reads_back_equal(
    product: str, parts: list[str], defects: dict[str, list[float]]
) -> None:
    assume(len({normal_form(name) for name in defects}) == len(defects))
    specification = Specification(
        product=product,
        parts=tuple(Part(name=n) for n in parts),
        defects=tuple(
            DefectType(
                name=name,
                severity=(
                    *(SeverityLevel(level=f"l{i}", up_to_mm=mm) for i, mm in enumerate(sorted(steps))),
                    SeverityLevel(level="last"),
                ),
            )
            for name, steps in defects.items()
        ),
        requirements=(Requirement(feature="dot", count=2),),
    )
    assert parse_specification(dump_yaml(specification)) == specification


def test_saving_writes_what_loading_reads(tmp_path: Path) -> None:
    specification = parse_specification(TYRE)
    save_yaml(specification, tmp_path / "a" / "spec.yaml")
    assert load_specification(tmp_path / "a" / "spec.yaml") == specification
    instruction = Instruction.of([Ignore(defect="Fleck")], text="größer als 3 mm")
    save_yaml(instruction, tmp_path / "today.yaml")
    assert load_instruction(tmp_path / "today.yaml") == instruction


@pytest.mark.parametrize(
    "values",
    [
        None,
        "ignore dust",
        [],
        {},
        {"kind": []},
        {"kind": "wish"},
        {"kind": "scope", "parts": []},
        {"kind": "tolerance", "defect": "dust", "up_to_mm": float("inf")},
        {"kind": "requirement", "feature": "dot", "count": 0},
        {"kind": "ignore", "defect": "dust", "more": 1},
    ],
)
def test_what_is_no_clause_is_refused(values: Any) -> None:
    with pytest.raises((KeyError, ValueError)):
        clause_from_json(values)


def test_words_that_are_nested_too_deeply_are_refused() -> None:
    with pytest.raises(SpecsightError, match=r"^instruction, line 1: .*nested too deeply"):
        parse_instruction("ignore: " + "[" * 5000 + "]" * 5000)
