"""Outlines of parts ↔ part maps: shapes are drawn into a map of any size, and a map's regions become polygons.

A pixel belongs to a shape if its middle does. OpenCV and Pillow fill every pixel that a line touches, half a pixel too
much on each side; here a shape has the area that its numbers say.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.specification import Ellipse, Outline, Reference, Ring, Shape, Specification

Points = NDArray[np.float64]
"""(n, 2) x and y."""


def outlined(specification: Specification) -> list[tuple[Reference, dict[str, Outline]]]:
    """The pictures on which a specification outlines parts, each with its outlines by part; the reference first."""
    if specification.reference is None:
        return []
    first = {part.name: part.outline for part in specification.parts if part.outline}
    further = [(one, one.outlines) for one in specification.further_references]
    return [(specification.reference, first), *further]


def part_map(
    specification: Specification, size: tuple[int, int] | None = None, number: int = 0
) -> NDArray[np.uint8]:
    """The parts that a specification outlines on one of its pictures (`number` among `outlined`), (H, W).

    k for the k-th part (from 1), 0 where no part is; later parts lie on top. `size` is that of the map, (rows,
    columns); outlines are scaled to it from the size that they were drawn at. None: that size. Raises SpecsightError
    where nothing is outlined, and for an outline that covers no pixel.
    """
    pictures = outlined(specification)
    if not pictures:
        raise SpecsightError(
            f"the specification of '{specification.product}' outlines no part: draw some with 'specsight parts'"
        )
    reference, outlines = pictures[number]
    width, height = reference.size
    size = size or (height, width)
    values = np.zeros(size, np.uint8)
    for value, part in enumerate(specification.parts, 1):
        if outline := outlines.get(part.name):
            covered = drawn(outline, size, (size[0] / height, size[1] / width))
            if not covered.any():
                raise SpecsightError(
                    f"the outline of part '{part.name}' covers no pixel of '{reference.picture}' "
                    f"({width} x {height}): draw it inside the picture"
                )
            values[covered] = value
    return values


def part_names(specification: Specification) -> dict[int, str]:
    """Value in a part map → name, of the parts that are outlined."""
    named = {name for _, outlines in outlined(specification) for name in outlines}
    return {value: part.name for value, part in enumerate(specification.parts, 1) if part.name in named}


def drawn(
    shapes: Sequence[Shape], size: tuple[int, int], scale: tuple[float, float] = (1.0, 1.0)
) -> NDArray[np.bool_]:
    """What any of the shapes covers of a picture of `size` (rows, columns), (H, W); `scale` (down, across) turns their
    pixels into those of the picture."""
    covered = np.zeros(size, np.bool_)
    # Middles of the pixels, in the pixels of the outline.
    y = np.asarray((np.arange(size[0]) + 0.5) / scale[0], np.float64)[:, None]
    x = np.asarray((np.arange(size[1]) + 0.5) / scale[1], np.float64)[None, :]
    for shape in shapes:
        if shape.polygon is not None:
            covered |= _polygon(np.array(shape.polygon) * scale[::-1], size)
        elif shape.ring is not None:
            covered |= _ring(shape.ring, y, x)
        elif shape.ellipse is not None:
            covered |= _ellipse(shape.ellipse, y, x)
    return covered


def outlines_of(mask: NDArray[np.bool_], tolerance: float = 0.0, smallest: int = 1) -> tuple[Shape, ...]:
    """Polygons around the regions of a mask (H, W), each cut open to its holes.

    Parameters: `tolerance` in pixels by which lines may leave the border to need fewer points; regions and holes of
    fewer than `smallest` pixels are left out. With neither, `drawn` gives the mask again.
    """
    # Lines run along the edges of pixels, which are those of the mask where it has four times as many pixels.
    doubled = np.pad(mask.astype(np.uint8), 1).repeat(2, 0).repeat(2, 1)
    contours, tree = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if tree is None:
        return ()
    rings = [_border(contour, tolerance) for contour in contours]
    shapes = []
    for index, (_, _, hole, parent) in enumerate(tree[0]):
        if parent >= 0 or _area(rings[index]) < smallest:
            continue
        outline = rings[index]
        while hole >= 0:
            if _area(rings[hole]) >= smallest:
                outline = _cut_open(outline, rings[hole])
            hole = tree[0][hole][0]
        shapes.append(Shape(polygon=tuple((float(x), float(y)) for x, y in outline)))
    return tuple(shapes)


def _polygon(points: Points, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Even-odd rule: a pixel is inside if a line to its left crosses the border an odd number of times."""
    crossings = np.zeros((size[0], size[1] + 1), np.int32)
    for (x, y), (x2, y2) in zip(points, np.roll(points, -1, 0), strict=True):
        if y == y2:
            continue
        (top, left), (bottom, right) = sorted([(y, x), (y2, x2)])
        rows = np.arange(max(int(np.ceil(top - 0.5)), 0), min(int(np.ceil(bottom - 0.5)), size[0]))
        at = left + (rows + 0.5 - top) * (right - left) / (bottom - top)
        columns = np.clip(np.ceil(at - 0.5), 0, size[1]).astype(int)
        np.add.at(crossings, (rows, columns), 1)
    return np.asarray(np.cumsum(crossings, 1)[:, :-1] % 2 == 1)


def _ring(ring: Ring, y: Points, x: Points) -> NDArray[np.bool_]:
    squared = (x - ring.centre[0]) ** 2 + (y - ring.centre[1]) ** 2
    return np.asarray((squared < ring.outer**2) & (squared >= ring.inner**2))


def _ellipse(ellipse: Ellipse, y: Points, x: Points) -> NDArray[np.bool_]:
    turn = np.deg2rad(ellipse.angle)
    x, y = x - ellipse.centre[0], y - ellipse.centre[1]
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    return np.asarray((along / ellipse.radii[0]) ** 2 + (across / ellipse.radii[1]) ** 2 < 1)


def _border(contour: NDArray[np.int32], tolerance: float) -> Points:
    """The border of a region or hole along the edges of pixels, from a contour through the pixels of the doubled mask:
    of the two that a pixel became, the first lies at its first edge, the second at its last."""
    edges = (contour[:, 0] + 1) // 2 - 1
    if tolerance > 0:
        edges = cv2.approxPolyDP(edges.astype(np.int32), tolerance, closed=True)[:, 0]
    repeated = np.all(edges == np.roll(edges, 1, 0), 1)
    return np.asarray(edges[~repeated], np.float64)


def _area(border: Points) -> float:
    return float(cv2.contourArea(border.astype(np.float32))) if len(border) > 2 else 0.0


def _cut_open(outline: Points, hole: Points) -> Points:
    """An outline with a hole: a way from it to the hole, around it and back the same way, which encloses nothing."""
    distances = np.linalg.norm(outline[:, None] - hole[None], axis=2)
    i, j = np.unravel_index(int(distances.argmin()), distances.shape)
    around = np.concatenate([hole[j:], hole[: j + 1]])
    return np.concatenate([outline[: i + 1], around, outline[i:]])
