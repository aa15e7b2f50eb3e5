"""Invented treads: grooves around the tyre and laterals and sipes of one pitch, drawn at random.

A tread is point-reflected (as most are), directional, or asymmetric. Elements of one rib run parallel at even
distances, as far as a mould's segments allow, so that blocks remain between them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np

from specsight.synthetic.tyres.catalogue import mirrored, point_reflected
from specsight.synthetic.tyres.geometry import Groove, Lateral

Symmetry = Literal["point-reflected", "directional", "asymmetric"]
SYMMETRIES: tuple[Symmetry, ...] = ("point-reflected", "directional", "asymmetric")

_RIM_MM = 108.0
"""Where laterals of the shoulder end: beyond the tread's rim."""
_OUTERMOST_MM = {2: (20.0, 46.0), 3: (38.0, 62.0), 4: (48.0, 66.0), 5: (55.0, 68.0)}
"""Groove count → how far from the middle line the outermost grooves lie."""
_GROOVE_WIDTH_MM = {2: (7.0, 16.0), 3: (6.0, 14.0), 4: (6.0, 11.5), 5: (5.0, 8.5)}
_ZIGZAG_MM = (1.8, 5.0)

Rib = tuple[float, float]
"""Where a rib begins and ends, mm across, the end nearer to the middle line first."""


def draw_tread(
    rng: np.random.Generator, symmetry: Symmetry, pitch_mm: float
) -> tuple[tuple[Groove, ...], tuple[Lateral, ...]]:
    """2 to 5 grooves, and 2 to 8 laterals and sipes of a pitch of `pitch_mm`, with their images where it has any."""
    grooves = _grooves(rng, symmetric=symmetry != "asymmetric")
    ribs = _ribs(grooves, both_sides=symmetry == "asymmetric")
    counts = _share_out(rng, int(rng.integers(2, 9)), ribs)
    if symmetry == "directional" and rng.random() < 0.5:
        laterals = _along_one_curve(rng, ribs, counts, pitch_mm)
    else:
        laterals = _rib_by_rib(rng, ribs, counts, pitch_mm, one_way=symmetry == "directional")
    if symmetry == "point-reflected":
        laterals = point_reflected(*laterals)
    elif symmetry == "directional":
        laterals = mirrored(*laterals)
    return grooves, laterals


def _grooves(rng: np.random.Generator, symmetric: bool) -> tuple[Groove, ...]:
    count = int(rng.integers(2, 6))
    outer = rng.uniform(*_OUTERMOST_MM[count])
    positions = np.linspace(-outer, outer, count)
    positions[1:-1] *= rng.uniform(0.85, 1.1)
    widths = rng.uniform(*_GROOVE_WIDTH_MM[count]) * rng.uniform(0.8, 1.25, count)
    zigzag = np.where(_zigzagging(rng, count), rng.uniform(*_ZIGZAG_MM), 0.0)
    depth = float(rng.uniform(7.0, 9.0))
    if symmetric:
        widths = (widths + widths[::-1]) / 2
    else:
        positions = positions + rng.normal(0, 3.0, count) + rng.normal(0, 4.0)
    return tuple(
        Groove(round(float(y), 1), round(float(w), 1), round(depth, 1), round(float(z), 1))
        for y, w, z in zip(positions, widths, zigzag)
    )


def _zigzagging(rng: np.random.Generator, count: int) -> np.ndarray:
    """Which grooves zigzag: none of them, all, the inner ones or the outermost."""
    outermost = np.isin(np.arange(count), (0, count - 1))
    choices = (np.zeros(count, bool), np.ones(count, bool), ~outermost, outermost)
    return choices[int(rng.choice(4, p=(0.55, 0.2, 0.125, 0.125)))]


def _ribs(grooves: tuple[Groove, ...], both_sides: bool) -> list[Rib]:
    """The ribs between the grooves, shoulders last; of a tread with images only those of one half."""
    reach = [(g.y - g.width / 2 - g.zigzag, g.y + g.width / 2 + g.zigzag) for g in grooves]
    inner = [(a[1], b[0]) for a, b in pairwise(reach)]
    if both_sides:
        outward = [rib if abs(rib[0]) < abs(rib[1]) else (rib[1], rib[0]) for rib in inner]
        return [*outward, (reach[0][0], -_RIM_MM), (reach[-1][1], _RIM_MM)]
    # A middle rib belongs to both halves: each carves its own side of the middle line.
    halves = [(max(low, 1.5), high) for low, high in inner if high > 1.5]
    return [*halves, (reach[-1][1], _RIM_MM)]


def _share_out(rng: np.random.Generator, total: int, ribs: list[Rib]) -> list[int]:
    """How many elements each rib carries: shoulders first, the rest by width."""
    shoulders = [k for k, rib in enumerate(ribs) if abs(rib[1]) == _RIM_MM]
    counts = [0] * len(ribs)
    for k in shoulders:
        counts[k] += 1
    weight = np.asarray([min(abs(b - a), 40.0) for a, b in ribs])
    for k in rng.choice(len(ribs), max(0, total - len(shoulders)), p=weight / weight.sum()):
        counts[int(k)] += 1
    return counts


def _rib_by_rib(
    rng: np.random.Generator, ribs: list[Rib], counts: list[int], pitch_mm: float, one_way: bool
) -> tuple[Lateral, ...]:
    """Every rib with an angle and a bend of its own."""
    laterals: list[Lateral] = []
    for rib, count in zip(ribs, counts):
        shoulder = abs(rib[1]) == _RIM_MM
        angle = math.radians(rng.uniform(0, 25) if shoulder else rng.uniform(0, 50))
        sign = 1.0 if one_way else float(rng.choice((-1.0, 1.0)))
        slope = sign * math.tan(angle) * abs(rib[1] - rib[0]) / pitch_mm
        bend = float(rng.uniform(-0.2, 0.3)) * (abs(rib[1] - rib[0]) / 40) if rng.random() < 0.5 else 0.0
        path = Lateral(rib[0], rib[1], float(rng.random()), 0.0, 0.0, slope, sign * bend)
        laterals += _on_path(rng, path, rib, count, shoulder=shoulder)
    return tuple(laterals)


def _along_one_curve(
    rng: np.random.Generator, ribs: list[Rib], counts: list[int], pitch_mm: float
) -> tuple[Lateral, ...]:
    """One lateral sweeps from the middle to the rim across every groove; the other elements run beside it."""
    start = float(rng.uniform(3, 12))
    length = _RIM_MM - start
    slope = math.tan(math.radians(rng.uniform(12, 40))) * length / pitch_mm
    path = Lateral(
        start, _RIM_MM, float(rng.random()), 0.0, 0.0, slope, float(rng.uniform(-0.35, 0.2)) * slope
    )
    depth = float(rng.uniform(6.0, 8.0))
    laterals = [replace(path, width=round(float(rng.uniform(3.0, 5.5)), 1), depth=round(depth, 1))]
    for rib, count in zip(ribs, counts):
        beside = part_of(path, rib)
        # The sweep itself is one of the shoulder's elements and takes its place in the row of every rib.
        own = count - 1 if abs(rib[1]) == _RIM_MM else min(count, 3)
        row = [replace(beside, u=beside.u + (k + 1) / (own + 1)) for k in range(own)]
        laterals += [_element(rng, line, rib, slot=False) for line in row]
    return tuple(laterals)


def part_of(path: Lateral, rib: Rib) -> Lateral:
    """The piece of a lateral's path that lies on a rib, as a path of its own; its line goes on beyond the ends."""
    length = path.end - path.start
    share, first = (rib[1] - rib[0]) / length, (rib[0] - path.start) / length
    return replace(
        path,
        start=rib[0],
        end=rib[1],
        u=path.u + path.slope * first + path.bend * first * first,
        slope=share * (path.slope + 2 * path.bend * first),
        bend=path.bend * share * share,
    )


def _on_path(rng: np.random.Generator, path: Lateral, rib: Rib, count: int, shoulder: bool) -> list[Lateral]:
    """`count` elements along a path, at nearly even distances around the pitch."""
    elements = []
    for k in range(count):
        line = replace(path, u=path.u + (k + float(rng.uniform(-0.12, 0.12))) / count)
        elements.append(_element(rng, line, rib, slot=(shoulder and k == 0) or rng.random() < 0.35))
    return elements


def _element(rng: np.random.Generator, path: Lateral, rib: Rib, slot: bool) -> Lateral:
    """A slot or a sipe along a path: over the whole rib, or from one of its edges over a part of it."""
    first, last = _extent(rng)
    if abs(rib[1]) == _RIM_MM:
        last = 1.0 if slot else min(last, 0.8)
    line = part_of(path, (rib[0] + first * (rib[1] - rib[0]), rib[0] + last * (rib[1] - rib[0])))
    if slot:
        wide = (2.4, 5.5) if abs(rib[1]) == _RIM_MM else (1.5, 3.4)
        width, depth, zigzag = rng.uniform(*wide), rng.uniform(4.0, 7.0), 0.0
    else:
        width, depth = rng.uniform(0.6, 0.9), rng.uniform(4.0, 6.0)
        zigzag = rng.uniform(0.03, 0.06) if rng.random() < 0.3 else 0.0
    numbers = (line.start, line.end, line.u % 1.0, width, depth, line.slope, line.bend, zigzag)
    return Lateral(*(round(float(n), 3) for n in numbers))


def _extent(rng: np.random.Generator) -> tuple[float, float]:
    """Shares of the rib between which an element runs; a little beyond its edges where it opens into the grooves."""
    choice = rng.random()
    if choice < 0.5:
        return -0.04, 1.04
    if choice < 0.7:
        return -0.04, float(rng.uniform(0.4, 0.75))
    if choice < 0.9:
        return float(rng.uniform(0.25, 0.6)), 1.04
    return float(rng.uniform(0.08, 0.2)), float(rng.uniform(0.75, 0.92))
