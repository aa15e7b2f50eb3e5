"""`python -m measured monitoring`: how often the watch over a line raises a false alarm, and how soon a right one.

Simulated streams (`--streams`, `--parts`), with exact (Clopper-Pearson) intervals; then real pictures: those of one
good set in random order, replayed as a line, from some part on under the stressors of `specsight.stress`, dimmed or
shifted. Writes Markdown.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measured.replayed import replayed_table
from measured.rows import ROOT
from measured.tables import table
from specsight.line.monitoring import drift, promise
from specsight.line.monitoring.evidence import Capital, follow

NAME = "monitoring"
ALPHAS = (0.1, 0.01)
TOGETHER = 20
"""Streams in memory at once."""
FEATURES = 6
CHANGE = 1000
"""Parts before a change."""
PROMISED = (0.05, 0.01)

Array = NDArray[np.float64]


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m measured monitoring", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--parts", type=int, default=5000)
    parser.add_argument("--only", choices=("simulated", "replayed"), help="one half of it")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    texts = []
    if given.only != "replayed":
        texts += [
            drift_alarms(given.streams, given.parts),
            drift_delays(max(1, given.streams // 4), given.parts),
            promise_table(given.streams, given.parts),
        ]
    if given.only != "simulated":
        texts.append(replayed_table())
    text = "\n\n".join(texts)
    (given.out / f"{NAME}.md").write_text(text)
    print(text)
    return 0


def drift_alarms(streams: int, parts: int) -> str:
    """Streams in which nothing changes: how many ever raise an alarm."""
    rows = []
    for title, phi, length, block, features in (
        ("independent", 0.0, 200, None, FEATURES),
        ("independent, single parts", 0.0, 200, 1, 1),
        ("AR(1) 0.3, single parts", 0.3, 200, 1, 1),
        ("AR(1) 0.3", 0.3, 400, None, 1),
        ("AR(1) 0.6, single parts", 0.6, 200, 1, 1),
        ("AR(1) 0.6", 0.6, 800, None, 1),
        ("AR(1) 0.9", 0.9, 4000, None, 1),
    ):
        random = np.random.default_rng(1)
        highest, blocks = [], []
        for _ in range(streams):
            values = autoregressive(random, phi, features, length + parts)
            length_of_block = block or max(drift.block_for(one[:length].tolist()) for one in values)
            blocks.append(length_of_block)
            paths = _paths(values, length, length_of_block, random)
            highest.append(max(float(path.max()) for path in paths) - math.log(features))
        found = [_share(np.array(highest) >= -math.log(alpha)) for alpha in ALPHAS]
        rows.append(
            [title, str(features), str(length), f"{np.median(blocks):.0f} (most {max(blocks)})", *found]
        )
        print(rows[-1], flush=True)
    heads = [f"alarm ever, alpha {alpha:g}" for alpha in ALPHAS]
    return (
        f"## Drift: false alarms ({streams} streams of {parts} parts)\n\n"
        f"{table(['parts', 'features', 'reference', 'parts in a block', *heads], rows)}"
    )


def drift_delays(streams: int, parts: int) -> str:
    """Parts from a shift to the alarm, six features watched at alpha 0.01 together, one of which shifts."""
    rows = []
    for length in (100, 200, 500):
        for shift in (0.5, 1.0, 2.0):
            random = np.random.default_rng(2)
            delays = []
            for _ in range(streams):
                values = random.normal(size=(1, length + parts))
                values[:, length + CHANGE :] += shift
                block = drift.block_for(values[0, :length].tolist())
                (path,) = _paths(values, length, block, random)
                delays.append(_first(path, math.log(FEATURES / 0.01), block))
            rows.append([f"{shift:g}", str(length), *_delay(delays, CHANGE)])
            print(rows[-1], flush=True)
    heads = [
        "shift, standard deviations",
        "reference",
        "found",
        "parts until then, median",
        "90 %",
        "alarm before",
    ]
    return f"## Drift: delay ({streams} streams of {parts} parts, the shift after {CHANGE})\n\n{table(heads, rows)}"


def promise_table(streams: int, parts: int) -> str:
    """False alarms at the promised rate, and delays at larger ones."""
    rows = []
    for promised in PROMISED:
        for factor, change in (
            (1.0, 0),
            (1.5, 0),
            (2.0, 0),
            (4.0, 0),
            (1.5, CHANGE),
            (2.0, CHANGE),
            (4.0, CHANGE),
        ):
            random = np.random.default_rng(3)
            delays, low = [], []
            for count in _batches(streams):
                rate = np.where(np.arange(parts) < change, promised, promised * factor)
                outcomes = (random.random((count, parts)) < rate).astype(np.float64)
                bets = promise.log_bets(outcomes, promised)
                paths, _ = follow(bets, Capital.fresh(count, bets.shape[-1]))
                delays += [_first(path, -math.log(0.01), 1) for path in paths]
                low += [float(path.max()) >= -math.log(0.1) for path in paths]
            rows.append(
                [
                    f"{promised:g}",
                    f"{factor:g}",
                    str(change),
                    *_delay(delays, change),
                    _share(np.array(low)) if factor == 1 else "",
                ]
            )
            print(rows[-1], flush=True)
    heads = [
        "promised",
        "true rate, times it",
        "from part",
        "found",
        "good parts until then, median",
        "90 %",
        "alarm before",
        "alarm ever, alpha 0.1",
    ]
    return f"## Promise ({streams} streams of {parts} good parts, alpha 0.01)\n\n{table(heads, rows)}"


def autoregressive(random: np.random.Generator, phi: float, streams: int, count: int) -> Array:
    """(streams, count) of a stationary autoregressive process of first order, of variance 1."""
    from scipy.signal import lfilter

    noise = random.normal(size=(streams, count)) * math.sqrt(1 - phi**2)
    noise[:, 0] /= math.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise), np.float64)


def _paths(values: Array, length: int, block: int, random: np.random.Generator) -> Array:
    """(S, blocks): evidence after each block of streams (S, T) whose first `length` values are their reference."""
    known, new = (drift.block_means(one, block) for one in (values[:, :length], values[:, length:]))
    ties = random.random(new.shape)
    scores = np.stack(
        [drift.scores_of(sorted(old.tolist()), *one) for old, *one in zip(known, new, ties, strict=True)]
    )
    return follow(drift.log_bets(scores), Capital.fresh(len(scores), len(drift.SHIFTS)))[0]


def _first(path: Array, limit: float, block: int) -> float:
    """Parts until a path first reaches a limit; infinite where it never does."""
    above = np.flatnonzero(path >= limit)
    return float((above[0] + 1) * block) if len(above) else math.inf


def _delay(delays: Sequence[float], change: int) -> list[str]:
    """Of parts until the alarm: how many came after the change, their median and 90 %, and how many before it."""
    all_ = np.array(delays)
    after = np.sort(all_[all_ > change] - change)
    quantiles = [after[min(len(after) - 1, math.ceil(q * len(after)) - 1)] for q in (0.5, 0.9)]
    texts = [f"{one:.0f}" if math.isfinite(one) else "never" for one in quantiles]
    return [_share(np.isfinite(all_) & (all_ > change)), *texts, _share(all_ <= change) if change else ""]


def _share(hits: NDArray[np.bool_]) -> str:
    """A share with its exact interval (95 %)."""
    from scipy.stats import binomtest

    found = binomtest(int(hits.sum()), len(hits)).proportion_ci()
    return f"{100 * hits.mean():.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _batches(streams: int) -> Iterator[int]:
    for start in range(0, streams, TOGETHER):
        yield min(TOGETHER, streams - start)
