"""What a person writes in YAML is what is read: no value turns into another, none stands twice, none without bounds."""

from __future__ import annotations

import pytest
import yaml

from specsight.errors import SpecsightError
from specsight.specification import (
    DefectType,
    Part,
    Specification,
    dump_yaml,
    parse_instruction,
    parse_specification,
)


def refusal(text: str) -> str:
    with pytest.raises(SpecsightError) as error:
        parse_specification(text, "s.yaml")
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "name", ["yes", "no", "on", "off", "2001-01-01", "2001-99-99", "1:30", "017", "1_000", "=", "<<"]
)
def test_what_yaml_1_1_turns_into_something_else_stays_the_name_it_is(name: str) -> None:
    specification = parse_specification(f"product: {name}\nparts: [{{name: {name}}}]")
    assert (specification.product, specification.parts[0].name) == (name, name)
    # A reader of YAML 1.1 gets the same text from what is written.
    assert yaml.safe_load(dump_yaml(specification))["product"] == name
    assert parse_specification(dump_yaml(specification)) == specification


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1:30", "expected a number, got '1:30'"),
        ("0x1F", "expected a number, got '0x1F'"),
        ("010", "expected a number, got '010'"),
        ("1_0", "expected a number, got '1_0'"),
        ("2001-01-01", "expected a number, got '2001-01-01'"),
        ("0,12", "expected a number, got '0,12'"),
        ("0.1 mm", "expected a number, got '0.1 mm'"),
        ("'0.1'", "expected a number, got '0.1'"),
        ("true", "expected a number, got True"),
        ("yes", "expected a number, got 'yes'"),
        ("[0.1]", "expected a number, got a list"),
        ("0", "greater than"),
        ("-1", "greater than"),
        (".nan", "got nan"),
        (".inf", "got inf"),
        ("1.0e+308", "less than or equal to 10000, got 1e+308"),
        ("1e-320", "greater than or equal to 0.000001"),
        ("9" * 5000, "less than or equal to 10000, got inf"),
    ],
)
def test_a_scale_is_a_number_of_millimetres_that_a_pixel_can_have(value: str, words: str) -> None:
    message = refusal(f"product: x\nmm_per_px: {value}")
    assert message.startswith("s.yaml, line 2: mm_per_px: ")
    assert words in message


def test_numbers_are_read_with_and_without_exponent() -> None:
    assert [
        parse_specification(f"product: x\nmm_per_px: {v}").mm_per_px for v in ("1e-3", "5", ".25", "+1.5")
    ] == [
        0.001,
        5,
        0.25,
        1.5,
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("product: x\nmm_per_px: 0.1\nmm_per_px: 10", 3, "'mm_per_px' stands here and in line 2: keep one"),
        ("product: x\nparts:\n- name: a\n  name: b", 4, "'name' stands here and in line 3"),
        ("product: x\nparts: &p [*p]", 2, "it holds itself"),
        ("product: !!python/object/apply:os.system [ls]", 1, "tags such as !!python/object"),
        ("product: x\nparts: [{name: a, critical: !!bool x}]", 2, "tags such as !!bool"),
        ("product: x\n1: 2", 2, "unknown key '1'"),
        ("{a: 1}: 2", 1, "a key must be a word"),
        ("product: 12", 1, "expected text, got 12: put it in quotes"),
        ("product: x\nrequirements: [{feature: a, count: true}]", 2, "expected a whole number, got True"),
        (f"product: x\nrequirements: [{{feature: a, count: {'9' * 30}}}]", 2, "a whole number"),
        ("product: x\ntolerances: [{defect: a, up_to_mm: 1e9}]", 2, "less than or equal to 1000000"),
    ],
)
def test_keys_stand_once_and_values_are_of_their_kind(text: str, line: int, words: str) -> None:
    message = refusal(text)
    assert message.startswith(f"s.yaml, line {line}: ")
    assert words in message


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "[{level: a, up_to_mm: 5}, {level: b, up_to_mm: 1}, {level: c}]",
            "'b' ends at 1 mm, a milder level at 5 mm",
        ),
        ("[{level: a, up_to_percent: 5}, {level: b, up_to_percent: 5}, {level: c}]", "limits must rise: 'b'"),
        ("[{level: a}, {level: b, up_to_mm: 1}, {level: c}]", "nothing is graver than 'a'"),
        ("[{level: a, up_to_mm: 5}]", "the last level, 'a', is without a limit"),
        ("[{level: a, up_to_mm: 5}, {level: a}]", "two levels are named 'a'"),
        ("[{level: a, up_to_percent: 101}, {level: b}]", "less than or equal to 100, got 101"),
    ],
)
def test_every_level_of_a_severity_rule_can_be_reached_in_the_products_rule_and_a_types(
    rule: str, words: str
) -> None:
    for text in (f"product: x\nseverity: {rule}", f"product: x\ndefects: [{{name: cut, severity: {rule}}}]"):
        message = refusal(text)
        assert message.startswith("s.yaml, line 2: ")
        assert words in message
    assert "give at least 1" in refusal("product: x\nseverity: []")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("[{name: Scratches}, {name: a scratch}]", "defect 'a scratch' is defined twice (as 'Scratches'"),
        (
            "[{name: cut, phrases: [slit]}, {name: slits}]",
            "'slit', a phrase of 'cut', means defect 'slits' already",
        ),
        ("[{name: cut, phrases: [gap]}, {name: split, phrases: [a gap]}]", "means 'gap' of 'cut' already"),
    ],
)
def test_a_name_means_one_defect(names: str, words: str) -> None:
    message = refusal(f"product: x\ndefects: {names}")
    assert message.startswith("s.yaml, line 2: ")
    assert words in message


def test_a_phrase_may_repeat_its_own_name() -> None:
    (cut,) = parse_specification("product: x\ndefects: [{name: cut, phrases: [cuts, slit, slits]}]").defects
    assert cut == DefectType(name="cut", phrases=("cuts", "slit", "slits"))


def test_text_that_would_take_long_or_much_memory_is_refused() -> None:
    ten = ",".join(["*a"] * 10)
    laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "\n".join(
        f"{'bcdefghij'[i]}: &{'bcdefghij'[i]} [{ten.replace('a', 'abcdefghi'[i])}]" for i in range(9)
    )
    assert "more than 100,000 values" in refusal(laughs + "\nproduct: x")
    assert "nested too deeply" in refusal("product: " + "[" * 20_000 + "]" * 20_000)
    assert "nested too deeply" in refusal("{a: " * 20_000)
    parts = "".join(f"- {{name: part number {k}}}\n" for k in range(5_000))
    assert "parts: give at most 255 entries" in refusal(f"product: x\nparts:\n{parts}")


def test_limits_hold_in_python_too() -> None:
    with pytest.raises(ValueError, match="at most 255"):
        Specification(product="x", parts=tuple(Part(name=f"part {k}") for k in range(50_000)))
    with pytest.raises(ValueError, match="mm_per_px"):
        Specification(product="x", mm_per_px=1e308)


def test_an_anchor_may_give_several_types_one_rule() -> None:
    specification = parse_specification(
        "product: x\ndefects:\n- {name: cut, severity: &rule [{level: fine, up_to_mm: 5}, {level: bad}]}\n"
        "- {name: crack, severity: *rule}"
    )
    assert specification.defects[0].severity == specification.defects[1].severity
    assert parse_specification(dump_yaml(specification)) == specification


def test_the_scale_may_hold_for_one_width() -> None:
    of_any = parse_specification("product: x\nmm_per_px: 0.1")
    assert (of_any.scale(640), of_any.scale(1280)) == (0.1, 0.1)
    of_one = parse_specification("product: x\nmm_per_px: 0.1\nmm_per_px_at_width: 640")
    assert (of_one.scale(640), of_one.scale(1280)) == (0.1, 0.05)
    assert parse_specification("product: x\nmm_per_px_at_width: 640").scale(640) is None


def test_an_instruction_is_read_alike() -> None:
    with pytest.raises(SpecsightError, match="line 2: 'ignore' stands here and in line 1"):
        parse_instruction("ignore: [scratch]\nignore: [crack]")
    assert parse_instruction("ignore: [no]").ignore[0].defect == "no"


def test_what_is_no_mapping_is_told_the_keys_of_what_was_asked_for() -> None:
    with pytest.raises(
        SpecsightError, match=r"expected 'key: value' lines; the keys here are .*ignore.*scope"
    ):
        parse_instruction("Ignore scratches.")
    with pytest.raises(SpecsightError, match=r"the keys here are .*defects.*product"):
        parse_specification("- product")
