"""Numbers of seeds → `metrics.json` and `per_type.csv`; numbers of products → their unweighted mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specsight.evaluation.measure import Measured
from specsight.evaluation.numbers import Number
from specsight.metrics import mean_sd
from specsight.metrics import metrics as catalogue
from specsight.storage import csv_text


def over_seeds(measured: Mapping[int, Measured]) -> dict[str, Any]:
    """Every metric as mean over seeds with its deviation, each seed's value and the mean of the seeds' intervals."""
    seeds = list(measured.values())
    names = list(dict.fromkeys(name for one in seeds for name in one.values))
    summary: dict[str, Any] = {
        name: _metric(name, [one.values[name] for one in seeds if name in one.values]) for name in names
    }
    types = list(dict.fromkeys(type_ for one in seeds for type_ in one.per_type))
    if types:
        summary["per_type"] = {
            t: _row([one.per_type[t] for one in seeds if t in one.per_type]) for t in types
        }
        summary["macro"] = {
            which: _row([one.macro[which] for one in seeds]) for which in ("without_good", "with_good")
        }
    located = {str(seed): one.located for seed, one in measured.items() if one.located}
    if located:
        summary["located_pictures"] = located
    notes = list(dict.fromkeys(note for one in seeds for note in one.notes))
    if notes:
        summary["notes"] = notes
    confusion = next((one.confusion for one in seeds if one.confusion), None)
    return summary | ({"confusion": confusion} if confusion else {})


def over_products(products: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every metric as unweighted mean over products: each counts once, however many pictures it has.

    Beside it the deviation over products, and over seeds that of each seed's mean over products, where all have it.
    """
    names = dict.fromkeys(n for one in products.values() for n, m in one.items() if _is_metric(m))
    means: dict[str, Any] = {}
    for name in names:
        metrics = [one[name] for one in products.values() if one.get(name, {}).get("value") is not None]
        variants = [metric.get("variant", "") for metric in metrics]
        mean = mean_sd([metric["value"] for metric in metrics])
        by_seed = _means_by_seed([metric.get("seeds", []) for metric in metrics])
        means[name] = {
            "value": _finite(mean.mean),
            "low": None,
            "high": None,
            "sd": _finite(mean_sd(by_seed).sd),
            "n_seeds": len(by_seed),
            "seeds": by_seed,
            "sd_over_products": _finite(mean.sd),
            "n_products": mean.n,
        }
        means[name] |= _variant(means[name], variants)
    return means


def cost_over_products(products: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Seconds by stage as mean over products, and the highest peak of memory."""
    spent: dict[str, list[Any]] = {}
    for one in products.values():
        for stage, value in one.get("seconds", {}).items():
            spent.setdefault(stage, []).append(value)
    seconds = {stage: _mean_seconds(values) for stage, values in spent.items()}
    peaks = [one["peak_mb"] for one in products.values() if one.get("peak_mb") is not None]
    return {"seconds": seconds, "peak_mb": max(peaks, default=None)}


def per_type_csv(table: Mapping[str, Mapping[str, Any]]) -> str:
    """The table by type as CSV, one row per type; an undefined entry is empty."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    return csv_text(
        ["type", *columns], [[type_, *(row.get(c) for c in columns)] for type_, row in table.items()]
    )


def _metric(name: str, numbers: Sequence[Number]) -> dict[str, Any]:
    values = mean_sd([number.value for number in numbers])
    metric: dict[str, Any] = {
        "value": _finite(values.mean),
        "low": _finite(mean_sd([n.low for n in numbers]).mean),
        "high": _finite(mean_sd([n.high for n in numbers]).mean),
        "sd": _finite(values.sd),
        "n_seeds": values.n,
        "seeds": [_finite(number.value) for number in numbers],
    }
    if name in catalogue and catalogue[name].oracle:
        metric["oracle"] = True
    reason = next((n.reason for n in numbers if n.reason), "")
    return metric | _variant(metric, [n.variant for n in numbers if math.isfinite(n.value)], reason)


def _variant(metric: Mapping[str, Any], variants: Sequence[str], reason: str = "") -> dict[str, Any]:
    """The variant that all values share; values of different variants have no mean, and that is the reason."""
    different = sorted(set(variants))
    if len(different) > 1:
        undefined = [name for name in ("value", "low", "high", "sd", "sd_over_products") if name in metric]
        return {
            **dict.fromkeys(undefined),
            "reason": f"measured in different ways, which have no mean: {'; '.join(different)}",
        }
    named = {"variant": different[0]} if different and different[0] else {}
    return named | ({"reason": reason} if reason and metric["value"] is None else {})


def _row(rows: Sequence[Mapping[str, float]]) -> dict[str, float | int | None]:
    """Mean over seeds of each column; counts stay integers."""
    mean = {column: mean_sd([float(row[column]) for row in rows if column in row]).mean for column in rows[0]}
    return {c: int(v) if c in ("support", "regions") else _finite(v) for c, v in mean.items()}


def _means_by_seed(lists: Sequence[Sequence[float | None]]) -> list[float]:
    """Mean over products of each seed; none where a product lacks a number."""
    if not lists or len({len(values) for values in lists}) > 1:
        return []
    columns = list(zip(*lists))
    if any(value is None for column in columns for value in column):
        return []
    return [float(np.mean(column)) for column in columns]


def _mean_seconds(values: Sequence[Any]) -> Any:
    if isinstance(values[0], Mapping):
        return {key: float(np.mean([value[key] for value in values])) for key in values[0]}
    return float(np.mean(values))


def _is_metric(value: Any) -> bool:
    return isinstance(value, Mapping) and "value" in value


def _finite(value: float) -> float | None:
    """JSON has no NaN: undefined is null."""
    return value if math.isfinite(value) else None
