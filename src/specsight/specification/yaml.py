"""Specifications and instructions as YAML that a person can edit.

In: YAML text or file. Out: validated models, and back. An error names the file, the line and what was expected there.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from specsight.errors import SpecsightError
from specsight.specification.clauses import Instruction, Knowledge, Requirement, Tolerance
from specsight.specification.model import Specification
from specsight.specification.outlines import Ellipse, FurtherReference, Reference, Ring, Shape
from specsight.specification.terms import DefectType, Part, SeverityLevel
from specsight.specification.yaml_nodes import Refusal, read_nodes, write_nodes
from specsight.storage import read_text, write_text

LONGEST_FILE = 1 << 18
"""Bytes of a file of words: thousands of clauses, and read in seconds."""
M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", bound=Reference)


def load_specification(path: str | Path) -> Specification:
    """Read a specification from a YAML file. Raises SpecsightError that names the file, the line and the way out.

    The path of its reference picture, where that is relative, continues the folder of the file.
    """
    read = parse_model(read_words(Path(path)), Specification, str(path), _NESTED)
    folder = Path(path).absolute().parent
    first = None if read.reference is None else _located(read.reference, folder)
    further = tuple(_located(one, folder) for one in read.further_references)
    return read.model_copy(update={"reference": first, "further_references": further})


def load_instruction(path: str | Path) -> Instruction:
    """Read an instruction from a YAML file. Raises SpecsightError that names the file, the line and the way out."""
    return parse_model(read_words(Path(path)), Instruction, str(path), _NESTED)


def parse_specification(text: str, source: str = "specification") -> Specification:
    """Read a specification from YAML text; `source` names the text in errors."""
    return parse_model(text, Specification, source, _NESTED)


def parse_instruction(text: str, source: str = "instruction") -> Instruction:
    """Read an instruction from YAML text; `source` names the text in errors."""
    return parse_model(text, Instruction, source, _NESTED)


def dump_yaml(model: Specification | Instruction) -> str:
    """YAML with the fields that were set, in the order of the class; reads back to an equal model."""
    return write_nodes(model.model_dump(mode="json", exclude_defaults=True))


def save_yaml(model: Specification | Instruction, path: Path) -> None:
    """Write `dump_yaml(model)` to a file, whole or not at all."""
    write_text(path, dump_yaml(model))


def read_words(path: Path) -> str:
    """Text of a file of words: UTF-8, at most `LONGEST_FILE` bytes. Raises SpecsightError with the way out."""
    try:
        return read_text(path, LONGEST_FILE)
    except UnicodeDecodeError as error:
        raise SpecsightError(f"'{path}' is not UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror}") from error


def _located(reference: R, folder: Path) -> R:
    """A reference whose picture, where its path is relative, lies below `folder`."""
    return reference.model_copy(update={"picture": str(folder / reference.picture)})


def parse_model(
    text: str,
    model: type[M],
    source: str,
    nested: Mapping[str, type[BaseModel]],
    context: Mapping[str, Any] | None = None,
) -> M:
    """Read a model from YAML text that a person wrote.

    Parameters: `source` names the text in errors; `nested` says which model stands below which key, to suggest keys
    for a misspelt one; `context` is what its validators may ask for. Raises SpecsightError that names the line.
    """
    try:
        node, content = read_nodes(text)
    except Refusal as error:
        raise SpecsightError(f"{source}, line {error.line}: {error.problem}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecsightError(f"{source}, line {line}: not valid YAML ({error.problem})") from error
    except yaml.YAMLError as error:
        raise SpecsightError(f"{source}: not valid YAML ({str(error).splitlines()[0]})") from error
    if node is None or not isinstance(content, dict):
        keys = ", ".join(sorted(model.model_fields))
        raise SpecsightError(f"{source}, line 1: expected 'key: value' lines; the keys here are {keys}")
    try:
        return model.model_validate(content, context=context)
    except ValidationError as error:
        raise SpecsightError(_explain(error, node, model, source, nested)) from error


def _explain(
    error: ValidationError,
    node: yaml.Node,
    model: type[BaseModel],
    source: str,
    nested: Mapping[str, type[BaseModel]],
) -> str:
    """One line for one problem: where it stands and what would be right; a misspelt key before a missing one."""
    errors = error.errors()
    first = errors[0]
    if first["type"] == "missing":
        first = next((one for one in errors if one["type"] == "extra_forbidden"), first)
    loc = first["loc"]
    message = _message(first)
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, loc[:-1], nested)
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"the keys here are {', '.join(known)}"
        message = f"unknown key '{loc[-1]}': {hint}"
    elif first["type"] == "missing":
        message = f"'{loc[-1]}' is missing"
    line, nearest = _place(node, loc)
    if first["type"] == "value_error" and (quoted := re.search(r"'(.+?)'", message)):
        line = _line_of_value(nearest, quoted[1]) or line
    where = "" if first["type"] in ("extra_forbidden", "missing") else ".".join(str(p) for p in loc)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{source}, line {line}: {where + ': ' if where else ''}{message}{more}"


def _message(error: ErrorDetails) -> str:
    """What is wrong with one value, and the value."""
    kind, message = error["type"], error["msg"].removeprefix("Value error, ")
    if kind in ("value_error", "extra_forbidden", "missing"):
        return message
    value = error["input"]
    if kind in ("too_short", "too_long"):
        least, most = error["ctx"].get("min_length"), error["ctx"].get("max_length")
        return (
            f"give at most {most:,} entries" if least is None else f"give at least {least}, or leave it out"
        )
    given = (
        f"got {reprlib.repr(value)}"
        if not isinstance(value, dict | list | tuple)
        else f"got a {'mapping' if isinstance(value, dict) else 'list'}"
    )
    for ending, wanted in _WANTED.items():
        if kind.startswith(ending):
            quotes = ": put it in quotes" if wanted == "text" and not isinstance(value, dict | list) else ""
            return f"expected {wanted}, {given}{quotes}"
    return f"{message.replace('Input should be', 'must be').replace('should have', 'must have')}, {given}"


_WANTED = {
    "float_": "a number",
    "int_": "a whole number",
    "string_type": "text",
    "bool_": "true or false",
    "tuple_": "a list",
    "model_": "'key: value' lines",
}
"""How pydantic's kinds of error begin → what was expected."""


def _place(node: yaml.Node, loc: Sequence[int | str]) -> tuple[int, yaml.Node]:
    """1-based line of the deepest YAML node on the way to `loc`, and that node."""
    line = node.start_mark.line + 1
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
    return line, node


def _line_of_value(node: yaml.Node, value: str) -> int | None:
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


def _fields_at(
    model: type[BaseModel], loc: Sequence[int | str], nested: Mapping[str, type[BaseModel]]
) -> list[str]:
    """Keys that are allowed where `loc` points to, for "did you mean"."""
    inside = [nested[str(step)] for step in loc if step in nested]
    return sorted((inside or [model])[-1].model_fields)


_NESTED: Mapping[str, type[BaseModel]] = {
    "known_defects": Knowledge,
    "parts": Part,
    "severity": SeverityLevel,
    "defects": DefectType,
    "tolerances": Tolerance,
    "requirements": Requirement,
    "outline": Shape,
    "ring": Ring,
    "ellipse": Ellipse,
    "reference": Reference,
    "further_references": FurtherReference,
    "outlines": Shape,
}
"""Key of a specification or an instruction → what stands below it."""
