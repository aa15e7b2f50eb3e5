"""What records look like as JSON, as types: a line that a person edited, or a crash damaged, is told from a sound one.

In: values as `json` reads them. Out: the same values, or one line that says which of them is of another type.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, InstanceOf, TypeAdapter, ValidationError
from typing_extensions import NotRequired, TypedDict

Text = InstanceOf[str]
"""Any text, names of files that are no Unicode among them."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class FindingJson(TypedDict):
    """See `records.Finding`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    box: Annotated[list[int], Field(min_length=4, max_length=4)]
    centroid: Annotated[list[Finite], Field(min_length=2, max_length=2)]
    area_px: Count
    length_px: Finite
    peak: Finite
    place: Text
    type: NotRequired[Text | None]
    type_score: NotRequired[Finite | None]
    also: NotRequired[list[Text]]
    part: NotRequired[Text | None]
    peak_part: NotRequired[Text | None]
    area_mm2: NotRequired[Finite | None]
    length_mm: NotRequired[Finite | None]
    severity: NotRequired[Text | None]
    seen_in: NotRequired[list[Text]]
    height_mm: NotRequired[Finite | None]


class ExcusedJson(TypedDict):
    """A finding, by its number, that does not count, and the clause that says so."""

    finding: Count
    clause: dict[Text, Any]


class NotAppliedJson(TypedDict):
    """See `records.NotApplied`."""

    clause: dict[Text, Any]
    reason: Text


class PresenceJson(TypedDict):
    """See `records.Presence`; only what could be said is written."""

    clause: dict[Text, Any]
    count: Count
    found: Text
    boxes: list[Annotated[list[int], Field(min_length=4, max_length=4)]]


class DecisionJson(TypedDict):
    """See `records.Decision`."""

    score: Finite
    unlike: NotRequired[Finite | None]
    by_map: NotRequired[bool]
    promise: NotRequired[Text]
    further_rejects: NotRequired[Text]
    deciding: dict[Text, Any] | None
    observed: list[ExcusedJson]
    not_applied: list[NotAppliedJson]
    in_part: NotRequired[list[NotAppliedJson]]
    required: NotRequired[list[PresenceJson]]


class CheckJson(TypedDict):
    """See `records.Check`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    slot: Text
    said: NotRequired[Text]
    outcome: Literal["supported", "unsupported", "contradicted"]
    evidence: NotRequired[Text]
    finding: NotRequired[Count]


class StatementJson(TypedDict):
    """See `records.Statement`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    text: Text
    kind: Text
    findings: NotRequired[list[Count]]
    clause: NotRequired[Text]
    checks: NotRequired[list[CheckJson]]


class KnownJson(TypedDict):
    """See `records.Known`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    superclass: NotRequired[Text]
    causes: NotRequired[list[Text]]
    consequence: NotRequired[Text]
    action: NotRequired[Text]


class RewriteJson(TypedDict):
    """See `records.Rewrite`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    model: Text
    text: NotRequired[Text]
    accepted: bool
    checks: NotRequired[list[CheckJson]]


class ExplanationJson(TypedDict):
    """See `records.Explanation`."""

    statements: list[StatementJson]
    knowledge: dict[Text, KnownJson]
    rewrite: NotRequired[RewriteJson]


class InspectionJson(TypedDict):
    """See `records.Inspection`; version 0.1 wrote no `decision`."""

    id: Text
    image: Text
    product: Text
    score: Finite
    threshold: Finite | None
    verdict: Literal["accept", "reject"] | None
    findings: list[FindingJson]
    statement: Text
    seconds: dict[Text, Finite]
    map_threshold: NotRequired[Finite | None]
    decision: NotRequired[DecisionJson]
    notes: NotRequired[list[Text]]
    lost: NotRequired[list[Text]]
    operator_note: NotRequired[Text]
    explanation: NotRequired[ExplanationJson]


def check(kind: Any, values: Any) -> Mapping[str, Any]:
    """`values`, unchanged, where they are of `kind`, a `TypedDict`; keys that it does not name are let pass.

    Nothing is converted: "1" is no number, and neither is true. Raises ValueError, in one line, for the first value
    that is of another type.
    """
    try:
        _adapter(kind).validate_python(values, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from error
    sound: Mapping[str, Any] = values
    return sound


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
