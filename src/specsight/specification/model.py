"""A product in words (`Specification`) and what to inspect this time (`Instruction`), as YAML a person can edit.

In: YAML text or file. Out: validated models. An error names the file, the line and what was expected there.
Knows no model: it says what words mean for sizes, parts and types; pixels are other rooms' business.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from specsight.errors import SpecsightError
from specsight.storage import write_text

Name = Annotated[str, Field(min_length=1, max_length=200)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Part(_Model):
    """A named zone of the product. Defects on a critical part are one severity level graver."""

    name: Name
    phrases: tuple[Name, ...] = ()
    description: str = ""
    critical: bool = False


class SeverityLevel(_Model):
    """One step of a severity rule: it applies up to its limit; the last step has none."""

    level: Name
    up_to_mm: Positive | None = None
    up_to_percent: Positive | None = None
    """Area of the finding as a share of the picture, in percent: for products without a known scale."""

    @model_validator(mode="after")
    def _one_limit(self) -> SeverityLevel:
        if self.up_to_mm is not None and self.up_to_percent is not None:
            raise ValueError("give up_to_mm or up_to_percent, not both")
        return self


DEFAULT_SEVERITY = (
    SeverityLevel(level="minor", up_to_percent=0.5),
    SeverityLevel(level="major", up_to_percent=3.0),
    SeverityLevel(level="critical"),
)


class DefectType(_Model):
    """A known kind of defect: its name, the phrases people use for it, and when it is how grave."""

    name: Name
    phrases: tuple[Name, ...] = ()
    superclass: Name | None = None
    severity: tuple[SeverityLevel, ...] = ()

    @model_validator(mode="after")
    def _levels_rise(self) -> DefectType:
        for unit in ("up_to_mm", "up_to_percent"):
            limits = [getattr(s, unit) for s in self.severity if getattr(s, unit) is not None]
            if limits != sorted(set(limits)):
                raise ValueError(f"severity limits ({unit}) must rise from level to level")
        if any(s.up_to_mm is None and s.up_to_percent is None for s in self.severity[:-1]):
            raise ValueError("only the last severity level may be without a limit")
        return self


class Tolerance(_Model):
    """A defect that is acceptable up to a limit (longest extent), everywhere or on one part."""

    defect: Name
    up_to_mm: Positive | None = None
    part: Name | None = None
    text: str = ""


class Requirement(_Model):
    """Something that must be there: its absence is an anomaly although nothing looks wrong."""

    feature: Name
    part: Name | None = None
    count: Annotated[int, Field(ge=1)] = 1
    text: str = ""


class Specification(_Model):
    """A product in words. Everything but `product` may be left out."""

    product: Name
    appearance: str = ""
    mm_per_px: Positive | None = None
    parts: tuple[Part, ...] = ()
    defects: tuple[DefectType, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    severity: tuple[SeverityLevel, ...] = DEFAULT_SEVERITY
    """The rule for findings of unknown type and for types without a rule of their own."""

    @model_validator(mode="after")
    def _names_fit(self) -> Specification:
        for what, names in (
            ("part", [p.name for p in self.parts]),
            ("defect", [d.name for d in self.defects]),
        ):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{what} '{twice[0]}' is defined twice")
        parts, defects = {p.name for p in self.parts}, {d.name for d in self.defects}
        for part in [*(t.part for t in self.tolerances), *(r.part for r in self.requirements)]:
            _known("part", part, parts)
        for tolerance in self.tolerances:
            _known("defect", tolerance.defect, defects)
        return self

    def defect(self, name: str) -> DefectType | None:
        """The defect type called `name`, by its name or one of its phrases (case is ignored)."""
        wanted = name.casefold()
        for defect in self.defects:
            if wanted in (defect.name.casefold(), *(p.casefold() for p in defect.phrases)):
                return defect
        return None

    def severity_of(
        self, type: str | None, length_mm: float | None, area_percent: float, part: str | None = None
    ) -> str:
        """The severity level of a finding, by the rule of its type (or the product's own rule).

        `length_mm` is the longest extent, None where the scale is unknown: levels in millimetres then cannot be
        judged and the graver neighbour is taken. On a critical part the level rises by one.
        """
        known = self.defect(type) if type else None
        rule = known.severity if known and known.severity else self.severity
        index = next(
            (i for i, step in enumerate(rule) if _within(step, length_mm, area_percent)), len(rule) - 1
        )
        if any(p.critical for p in self.parts if p.name == part):
            index = min(index + 1, len(rule) - 1)
        return rule[index].level


class Instruction(_Model):
    """What to inspect this time. Empty fields change nothing."""

    text: str = ""
    scope: tuple[Name, ...] = ()
    """Parts to inspect; empty means all of them."""
    only: tuple[Name, ...] = ()
    """Defect types that count; empty means all of them."""
    ignore: tuple[Name, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    known_defects: tuple[DefectType, ...] = ()


M = TypeVar("M", Specification, Instruction)


def load_specification(path: Path) -> Specification:
    """Read a specification from a YAML file."""
    return _parse(_read(path), Specification, str(path))


def load_instruction(path: Path) -> Instruction:
    """Read an instruction from a YAML file."""
    return _parse(_read(path), Instruction, str(path))


def parse_specification(text: str, source: str = "specification") -> Specification:
    """Read a specification from YAML text; `source` names it in errors."""
    return _parse(text, Specification, source)


def parse_instruction(text: str, source: str = "instruction") -> Instruction:
    """Read an instruction from YAML text; `source` names it in errors."""
    return _parse(text, Instruction, source)


def dump_yaml(model: Specification | Instruction) -> str:
    """YAML with the fields that were set, in the order of the class; reads back to an equal model."""
    return yaml.safe_dump(
        model.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True, width=100
    )


def save_yaml(model: Specification | Instruction, path: Path) -> None:
    """Write `dump_yaml(model)` to a file, whole or not at all."""
    write_text(path, dump_yaml(model))


def _within(step: SeverityLevel, length_mm: float | None, area_percent: float) -> bool:
    if step.up_to_mm is not None:
        return length_mm is not None and length_mm <= step.up_to_mm
    return step.up_to_percent is None or area_percent <= step.up_to_percent


def _known(what: str, name: str | None, names: set[str]) -> None:
    if name is not None and names and name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(sorted(names))}"
        raise ValueError(f"unknown {what} '{name}': {hint}")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SpecsightError(f"'{path}' is not UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror}") from error


def _parse(text: str, model: type[M], source: str) -> M:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecsightError(f"{source}, line {line}: not valid YAML ({error.problem})") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SpecsightError(f"{source}: not valid YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict):
        raise SpecsightError(f"{source}, line 1: expected 'key: value' lines such as 'product: bottle'")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise SpecsightError(_explain(error, node, model, source)) from error


def _explain(error: ValidationError, node: yaml.Node | None, model: type[BaseModel], source: str) -> str:
    """One line for the first problem: where it stands and what would be right."""
    first = error.errors()[0]
    loc = first["loc"]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(loc[-1]), _fields_at(model, loc[:-1]), n=1)
        message = f"unknown key '{loc[-1]}'" + (f": did you mean '{close[0]}'?" if close else "")
    elif first["type"] == "missing":
        message = f"'{loc[-1]}' is missing"
    line = _line_of(node, loc)
    if first["type"] == "value_error" and (quoted := re.search(r"'(.+?)'", message)):
        line = _line_of_value(node, quoted[1]) or line
    where = "" if first["type"] in ("extra_forbidden", "missing") else ".".join(str(p) for p in loc)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{source}, line {line}: {where + ': ' if where else ''}{message}{more}"


def _line_of(node: yaml.Node | None, loc: Sequence[int | str]) -> int:
    """1-based line of the deepest YAML node on the way to `loc`."""
    line = node.start_mark.line + 1 if node else 1
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _line_of_value(node: yaml.Node | None, value: str) -> int | None:
    """1-based line of the last scalar equal to `value`: where a clash between two places becomes visible."""
    lines = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, yaml.ScalarNode) and current.value == value:
            lines.append(current.start_mark.line + 1)
        elif isinstance(current, yaml.MappingNode):
            waiting += [child for pair in current.value for child in pair]
        elif isinstance(current, yaml.SequenceNode):
            waiting += current.value
    return max(lines, default=None)


def _fields_at(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """Keys that are allowed where `loc` points to, for "did you mean"."""
    nested: dict[str, type[BaseModel]] = {
        "parts": Part,
        "severity": SeverityLevel,
        "defects": DefectType,
        "known_defects": DefectType,
        "tolerances": Tolerance,
        "requirements": Requirement,
    }
    inside = [nested[str(step)] for step in loc if step in nested]
    return sorted((inside or [model])[-1].model_fields)
