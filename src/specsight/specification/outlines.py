"""Where a part lies on the reference picture: polygons, rings and ellipses, in pixels.

In: the fields of a YAML mapping. Out: frozen, validated models; `specsight.parts` draws them. Coordinates are [x, y]
from the picture's upper left corner, so that the middle of its first pixel is [0.5, 0.5].
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from specsight.specification.fields import Model, Name

FARTHEST = 1e6
"""Pixels from the corner: outlines may reach beyond the picture, and are cut off at its edge."""
MOST_POINTS = 5000


def _pair(what: str) -> BeforeValidator:
    """What raises ValueError for anything but two numbers, `what` they are."""

    def check(given: Any) -> Any:
        numbers = isinstance(given, list | tuple) and all(type(v) in (int, float) for v in given)
        if not numbers or len(given) != 2 or not all(abs(v) <= FARTHEST for v in given):
            raise ValueError(f"expected {what}, two numbers in pixels of the reference picture")
        return tuple(given)

    return BeforeValidator(check)


Point = Annotated[tuple[float, float], _pair("[x, y]")]
Radius = Annotated[float, Field(strict=True, gt=0, le=FARTHEST)]
Side = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Ring(Model):
    """The area between two circles around one centre; a disc where `inner` is 0. Raises ValueError for none."""

    centre: Point
    outer: Radius
    inner: Annotated[float, Field(strict=True, ge=0, le=FARTHEST)] = 0.0

    @model_validator(mode="after")
    def _has_area(self) -> Ring:
        if self.inner >= self.outer:
            raise ValueError(f"inner ({self.inner:g}) must be smaller than outer ({self.outer:g})")
        return self


class Ellipse(Model):
    """An ellipse; `radii` along its own axes, the first of which is turned clockwise by `angle` degrees from x."""

    centre: Point
    radii: Annotated[tuple[Radius, Radius], _pair("[radius, radius]")]
    angle: Annotated[float, Field(strict=True, ge=-360, le=360)] = 0.0


class Shape(Model):
    """One shape of an outline: a polygon (closed by itself; inside is what an odd number of its lines surround), a
    ring or an ellipse.

    Raises ValueError unless exactly one of them is given.
    """

    polygon: Annotated[tuple[Point, ...], Field(min_length=3, max_length=MOST_POINTS)] | None = None
    ring: Ring | None = None
    ellipse: Ellipse | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Shape:
        if sum(shape is not None for shape in (self.polygon, self.ring, self.ellipse)) != 1:
            raise ValueError("a shape is one of polygon, ring and ellipse: begin each with '- '")
        return self


Outline = Annotated[tuple[Shape, ...], Field(max_length=1000)]
"""What several shapes cover is one part."""


class Reference(Model):
    """The picture of one good part that outlines were drawn on."""

    picture: Name
    """Its file. In a YAML file, a path that is not absolute is relative to the folder of that file."""
    size: Annotated[tuple[Side, Side], _pair("[width, height]")]
    """Width and height in pixels that outlines are given in."""


class FurtherReference(Reference):
    """Another picture of a good part, with its own outlines: for products that one picture does not show whole."""

    outlines: Annotated[dict[Name, Outline], Field(min_length=1, max_length=255)]
    """Part → where it lies on this picture."""
