"""Specifications and instructions as YAML that a person can edit.

In: YAML text or file. Out: validated models, and back. An error names the file, the line and what was expected there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from specsight.errors import SpecsightError
from specsight.specification.clauses import Instruction, Requirement, Tolerance
from specsight.specification.model import Specification
from specsight.specification.terms import DefectType, Part, SeverityLevel
from specsight.storage import read_text, write_text

LONGEST_FILE = 1 << 18
"""Bytes of a file of words: thousands of clauses, and read in seconds."""
M = TypeVar("M", Specification, Instruction)


def load_specification(path: str | Path) -> Specification:
    """Read a specification from a YAML file. Raises SpecsightError that names the file, the line and the way out."""
    return _parse(_read(Path(path)), Specification, str(path))


def load_instruction(path: str | Path) -> Instruction:
    """Read an instruction from a YAML file. Raises SpecsightError that names the file, the line and the way out."""
    return _parse(_read(Path(path)), Instruction, str(path))


def parse_specification(text: str, source: str = "specification") -> Specification:
    """Read a specification from YAML text; `source` names the text in errors."""
    return _parse(text, Specification, source)


def parse_instruction(text: str, source: str = "instruction") -> Instruction:
    """Read an instruction from YAML text; `source` names the text in errors."""
    return _parse(text, Instruction, source)


def dump_yaml(model: Specification | Instruction) -> str:
    """YAML with the fields that were set, in the order of the class; reads back to an equal model."""
    return yaml.safe_dump(
        model.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True, width=100
    )


def save_yaml(model: Specification | Instruction, path: Path) -> None:
    """Write `dump_yaml(model)` to a file, whole or not at all."""
    write_text(path, dump_yaml(model))


def _read(path: Path) -> str:
    try:
        return read_text(path, LONGEST_FILE)
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
    except RecursionError as error:
        raise SpecsightError(
            f"{source}: lists or mappings nested too deeply: write one level per line"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise SpecsightError(f"{source}: not valid YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict):
        raise SpecsightError(f"{source}, line 1: expected 'key: value' lines such as 'product: bottle'")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise SpecsightError(_explain(error, node, model, source)) from error


def _explain(error: ValidationError, node: yaml.Node | None, model: type[BaseModel], source: str) -> str:
    """One line for one problem: where it stands and what would be right; a misspelt key before a missing one."""
    errors = error.errors()
    first = errors[0]
    if first["type"] == "missing":
        first = next((one for one in errors if one["type"] == "extra_forbidden"), first)
    loc = first["loc"]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, loc[:-1])
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"the keys here are {', '.join(known)}"
        message = f"unknown key '{loc[-1]}': {hint}"
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
