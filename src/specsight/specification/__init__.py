"""A product in words and what to inspect this time, as typed models that a person can edit as YAML."""

from specsight.specification.model import (
    DefectType,
    Instruction,
    Part,
    Requirement,
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

__all__ = [
    "DefectType",
    "Instruction",
    "Part",
    "Requirement",
    "SeverityLevel",
    "Specification",
    "Tolerance",
    "dump_yaml",
    "load_instruction",
    "load_specification",
    "parse_instruction",
    "parse_specification",
    "save_yaml",
]
