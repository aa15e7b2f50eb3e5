"""A product in words and what to inspect this time, as typed models that a person can edit as YAML."""

from specsight.specification.clauses import (
    Clause,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Requirement,
    Scope,
    Tolerance,
    Unread,
    as_knowledge,
)
from specsight.specification.contradictions import contradictions
from specsight.specification.model import Specification
from specsight.specification.outlines import Ellipse, FurtherReference, Outline, Reference, Ring, Shape
from specsight.specification.terms import DefectType, Part, SeverityLevel
from specsight.specification.yaml import (
    dump_yaml,
    load_instruction,
    load_specification,
    parse_instruction,
    parse_specification,
    save_yaml,
)

__all__ = [
    "Clause",
    "DefectType",
    "Ellipse",
    "FurtherReference",
    "Ignore",
    "Instruction",
    "Knowledge",
    "Only",
    "Outline",
    "Part",
    "Reference",
    "Requirement",
    "Ring",
    "Scope",
    "SeverityLevel",
    "Shape",
    "Specification",
    "Tolerance",
    "Unread",
    "as_knowledge",
    "contradictions",
    "dump_yaml",
    "load_instruction",
    "load_specification",
    "parse_instruction",
    "parse_specification",
    "save_yaml",
]
