"""What `metrics.json` and `curves.json` look like, as types: a damaged or edited file is one line, not a traceback.

Entries that this version does not know are let pass; those that report and screen read are of these types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import NotRequired, TypedDict

from specsight.record_json import Count, Finite, Text, check


class MetricJson(TypedDict):
    """One number: a mean over seeds or products with its interval; null where it is undefined."""

    value: Finite | None
    low: NotRequired[Finite | None]
    high: NotRequired[Finite | None]
    sd: NotRequired[Finite | None]
    n_seeds: NotRequired[Count]
    seeds: NotRequired[list[Finite | None]]
    sd_over_products: NotRequired[Finite | None]
    n_products: NotRequired[Count]
    oracle: NotRequired[bool]
    reason: NotRequired[Text]
    variant: NotRequired[Text]


class StageJson(TypedDict):
    """Seconds of one stage over all pictures."""

    median: Finite
    total: Finite


class ConfusionJson(TypedDict):
    """True types, answers, and how often which was given for which."""

    rows: list[Text]
    columns: list[Text]
    counts: list[list[Count]]


class ProtocolJson(TypedDict, total=False):
    """See `runs.protocol.Protocol`."""

    line: Text
    intervals: Text
    seeds: list[int]
    synthetic: bool
    transductive: bool
    fingerprint: Text
    details: dict[Text, Text | Finite]
    instruction: Text
    not_applied: list[Text]
    in_part: list[Text]
    further_rejects: Text
    title: Text
    account: Text
    notes: list[Text]


class IgnoredJson(TypedDict):
    """See `datasets.accounting.Ignored`."""

    reason: Text
    count: Count
    examples: list[Text]


class AccountJson(TypedDict):
    """See `datasets.accounting.Account`."""

    used: Text
    skipped: Count
    ignored: list[IgnoredJson]
    notes: list[Text]


class RewritesJson(TypedDict):
    """See `costs.rewrites`."""

    asked: Count
    rejected: Count
    no_answer: Count


class NumbersJson(TypedDict, total=False):
    """The entries of `metrics.json` that are no single number."""

    per_type: dict[Text, dict[Text, MetricJson | Finite | None]]
    macro: dict[Text, dict[Text, Finite | None]]
    confusion: ConfusionJson
    products: dict[Text, dict[Text, Any]]
    protocol: ProtocolJson
    account: AccountJson
    seconds: dict[Text, StageJson | Finite | None]
    peak_mb: Finite | None
    rewrites: RewritesJson
    notes: list[Text]
    located_pictures: dict[Text, dict[Text, bool]]


class CurveJson(TypedDict, total=False):
    """Points of the curves of one seed; null where a curve is undefined."""

    roc: dict[Text, list[Finite]] | None
    pro: dict[Text, list[Finite]] | None


class CurvesJson(TypedDict, total=False):
    """`curves.json`."""

    seeds: dict[Text, CurveJson]


def check_numbers(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """`content` of `metrics.json`, unchanged. Raises ValueError that names the first value of another type."""
    check(NumbersJson, content)
    for name, value in content.items():
        if isinstance(value, Mapping) and "value" in value:
            _named(name, value)
    products: Mapping[str, Mapping[str, Any]] = content.get("products", {})
    for name, numbers in products.items():
        if not isinstance(numbers.get("folder"), str):
            raise ValueError(f"products.{name}.folder: no text")
        for metric, value in numbers.items():
            if isinstance(value, Mapping) and "value" in value:
                _named(f"products.{name}.{metric}", value)
    return content


def check_curves(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """`content` of `curves.json`, unchanged. Raises ValueError that names the first value of another type."""
    check(CurvesJson, content)
    seeds: Mapping[str, Mapping[str, Any]] = content.get("seeds", {})
    for seed, curves in seeds.items():
        for name, axes in (("roc", {"fpr", "tpr"}), ("pro", {"fpr", "pro"})):
            curve = curves.get(name)
            if curve is not None and (axes - set(curve) or len({len(curve[axis]) for axis in axes}) > 1):
                raise ValueError(f"seeds.{seed}.{name}: needs {' and '.join(sorted(axes))} of one length")
    return content


def _named(name: str, value: Mapping[str, Any]) -> None:
    try:
        check(MetricJson, value)
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from error
