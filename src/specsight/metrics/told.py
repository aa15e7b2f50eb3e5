"""What is told of a picture: its types as a set, its statements, and what another description changes.

The numbers themselves are made in `evaluation` (`named_sets`, `statement_numbers`, `changes`); here stands what each of
them is, and in which table.
"""

from __future__ import annotations

from specsight.metrics.metric import Block, Direction, Format, Group, Metric, metrics

SINGLE, SEVERAL = "single_type", "several_types"
"""Beginnings of the names of numbers over pictures with one type, and with two or more."""
CHANGED = ("image_auroc", "pixel_auroc", "type_f1")
"""Numbers of which it is said what another description changes."""


def change_name(name: str) -> str:
    """Name of what another description changes of the number `name`."""
    return f"{name}_change"


def set_names(kind: str) -> tuple[str, ...]:
    """Names of the numbers about sets of types over the pictures of one kind: `SINGLE` or `SEVERAL`."""
    return tuple(f"{kind}_{name}" for name in _SETS)


_SETS: dict[str, tuple[str, str, Format, str]] = {
    "type_f1": ("F1", "F1 of the types named in the findings, mean over types", "number", "F1"),
    "type_f1_micro": ("F1, micro", "F1 of all types together", "number", "F1 micro"),
    "type_f1_detected": ("F1, rejected", "mean F1 over those that were rejected", "number", "F1 if rejected"),
    "exact_set": ("exact set", "share given exactly their set of types", "percent", "exact set"),
    "exact_set_detected": (
        "exact set, rejected",
        "share given exactly their set of types, of those that were rejected",
        "percent",
        "exact set if rejected",
    ),
}
"""Number over the pictures of one kind → its title, meaning, format and column."""


def _register(
    name: str,
    title: str,
    description: str,
    group: Group,
    *,
    direction: Direction = "higher",
    format: Format = "number",
    column: str = "",
) -> None:
    metrics.register(name)(Metric(title, description, group, direction, format=format, column_title=column))


_register("single_type_pictures", "Pictures", "pictures with one type", Group.SINGLE_TYPES)
for _kind, _group, _words in (
    (SINGLE, Group.SINGLE_TYPES, "one type"),
    (SEVERAL, Group.SEVERAL_TYPES, "several types"),
):
    for _name, (_title, _meaning, _format, _column) in _SETS.items():
        _register(
            f"{_kind}_{_name}",
            f"Types named: {_title}",
            f"{_meaning}, over pictures with {_words} alone",
            _group,
            format=_format,
            column=f"{_words}: {_column}",
        )
_register(
    "type_f1_micro",
    "Types named: F1, micro",
    "F1 of the types named in the findings, all together",
    Group.TYPES,
)
_register(
    "grounding",
    "Grounding score",
    "mean of right verdicts, F1 of the stated types (half credit within a superclass), Jaccard index of the stated "
    "cells and 1 less hallucination",
    Group.STATEMENTS,
    column="grounding",
)
for _of in ("", "good", "defective"):
    _whose = f" of {_of} pictures" if _of else ""
    _register(
        f"{_of}_hallucination_rate".lstrip("_"),
        f"Hallucination{',' if _of else ''}{_whose}",
        f"share of what statements assert{_whose} (verdict, each type, cell and part, number) that is not true",
        Group.STATEMENTS,
        direction="lower",
        format="percent",
        column=f"hallucination{', ' + _of if _of else ''}",
    )
_register(
    "omission_rate",
    "Omission",
    "share of what is true (verdict, each type, cell and part, number) that no statement says",
    Group.STATEMENTS,
    direction="lower",
    format="percent",
    column="omission",
)
_register(
    "unsupported_rate",
    "Statements unsupported",
    "share of the statements shown with a claim that map or decision do not support",
    Group.STATEMENTS,
    direction="lower",
    format="percent",
    column="unsupported",
)
_register(
    "rejected_rewrites_rate",
    "Rewrites rejected",
    "share of a language model's rewrites that failed their checks and were not used",
    Group.STATEMENTS,
    direction="lower",
    format="percent",
    column="rewrites rejected",
)
for _name, _title in zip(CHANGED, ("Image AUROC", "Pixel AUROC", "Types named: F1"), strict=True):
    _register(
        change_name(_name),
        f"{_title}: change",
        f"{_title} less that under the words as written, on the same pictures",
        Group.CHANGES,
        column=f"{_title.replace('Types named: ', 'type ')}, change",
    )

BLOCKS = (
    *(
        Block(
            f"Types named, pictures with {words}",
            "The types of a picture's findings against its true ones: F1 as the mean over types and (micro) of all "
            "types together, and the share of pictures given exactly their set; also of the rejected pictures alone.",
            set_names(kind),
        )
        for kind, words in ((SINGLE, "one type"), (SEVERAL, "several types"))
    ),
    Block(
        "Statements",
        "What statements assert against the truth, by the rules of benchmarks' reports; and whether map and decision "
        "support them.",
        (
            *(
                "grounding",
                "hallucination_rate",
                "good_hallucination_rate",
                "defective_hallucination_rate",
                "omission_rate",
            ),
            *("unsupported_rate", "rejected_rewrites_rate"),
        ),
    ),
    Block(
        "Under another description",
        "Less the same number under the words as written; intervals are of the difference, of pictures resampled "
        "together. Types are compared by what their other words stand for.",
        tuple(map(change_name, CHANGED)),
    ),
)
"""How these numbers are tabulated."""
