"""The four models of the catalogue, and the two symmetries that treads have."""

from __future__ import annotations

from specsight.synthetic.tyres.geometry import Groove, Lateral, TyreModel


def point_reflected(*laterals: Lateral) -> tuple[Lateral, ...]:
    """The laterals and their point reflections: most treads look the same after half a turn."""
    reflected = (
        Lateral(-a.start, -a.end, 1 - a.u, a.width, a.depth, -a.slope, -a.bend, a.zigzag) for a in laterals
    )
    return (*laterals, *reflected)


def mirrored(*laterals: Lateral) -> tuple[Lateral, ...]:
    """The laterals and their mirror images: a directional tread."""
    images = (Lateral(-a.start, -a.end, a.u, a.width, a.depth, a.slope, a.bend, a.zigzag) for a in laterals)
    return (*laterals, *images)


MODELS: dict[str, TyreModel] = {
    m.name: m
    for m in (
        TyreModel(
            name="touring",
            brand="VELTARA",
            line="TOURING 2",
            size="205/55 R16 91V",
            circumference_mm=1985.0,
            pitches=66,
            grooves=(Groove(-57, 8), Groove(-19, 10), Groove(19, 10), Groove(57, 8)),
            laterals=point_reflected(
                Lateral(66, 108, 0.2, 3.6, 6.5, slope=0.35, bend=0.15),
                Lateral(61, 96, 0.72, 0.7, 4.5, slope=0.3, bend=0.1),
                Lateral(24, 40, 0.1, 2.4, 6.0, slope=0.55),
                Lateral(24, 53, 0.6, 0.7, 5.0, slope=0.9),
                Lateral(41, 53, 0.55, 1.6, 4.0, slope=0.4),
                Lateral(-14, -3, 0.3, 0.7, 4.5, slope=-0.35),
            ),
            brand_font="bold-oblique",
            text_font="bold",
            brand_style="solid",
            stripes=((-38.0, "yellow"), (-33.0, "blue"), (36.0, "red")),
            pitch_order=7,
        ),
        TyreModel(
            name="sport",
            brand="KESTRYL",
            line="APEX R",
            size="225/45 R17 94W",
            circumference_mm=1993.0,
            pitches=60,
            grooves=(Groove(-48, 11), Groove(-6, 13), Groove(34, 11)),
            laterals=(
                Lateral(42, 108, 0.1, 3.2, 6.0, slope=0.5, bend=0.35),
                Lateral(-108, -58, 0.4, 4.0, 6.5, slope=-0.4, bend=-0.1),
                Lateral(-42, -20, 0.2, 2.2, 5.0, slope=0.9),
                Lateral(4, 20, 0.7, 1.8, 4.5, slope=0.7),
            ),
            brand_font="bold",
            text_font="plain",
            brand_style="outline",
            stripes=((-24.0, "green"), (18.0, "white")),
            pitch_order=5,
        ),
        TyreModel(
            name="winter",
            brand="BOREVIK",
            line="ICEGRIP M+S",
            size="195/65 R15 91T",
            circumference_mm=1994.0,
            pitches=62,
            grooves=(Groove(-60, 7, 8.5), Groove(0, 8, 8.5, zigzag=3.0), Groove(60, 7, 8.5)),
            laterals=mirrored(
                Lateral(5, 108, 0.1, 5.0, 8.0, slope=0.9, bend=-0.25),
                Lateral(10, 55, 0.36, 0.7, 6.0, slope=0.5, zigzag=0.05),
                Lateral(10, 55, 0.62, 0.7, 6.0, slope=0.5, zigzag=0.05),
                Lateral(65, 100, 0.9, 0.7, 6.0, slope=0.15, zigzag=0.05),
                Lateral(65, 100, 1.15, 0.7, 6.0, slope=0.15, zigzag=0.05),
                Lateral(65, 100, 0.65, 0.7, 6.0, slope=0.15, zigzag=0.05),
            ),
            brand_font="serif",
            text_font="bold",
            brand_style="hatched",
            stripes=((-30.0, "white"), (30.0, "yellow")),
            pitch_order=6,
        ),
        TyreModel(
            name="cargo",
            brand="HAULTREK",
            line="CARGO",
            size="215/65 R16C 109/107R",
            circumference_mm=2144.0,
            pitches=56,
            grooves=(
                Groove(-44, 10, 9, zigzag=4.0),
                Groove(0, 9, 9, zigzag=3.0),
                Groove(44, 10, 9, zigzag=4.0),
            ),
            laterals=point_reflected(
                Lateral(54, 108, 0.25, 5.5, 7.0, slope=0.1),
                Lateral(54, 96, 0.75, 0.8, 5.0, slope=0.05),
                Lateral(8, 38, 0.5, 0.8, 5.0, slope=0.3, zigzag=0.04),
            ),
            brand_font="plain",
            text_font="mono",
            brand_style="solid",
            stripes=((-22.0, "red"), (22.0, "red")),
            pitch_order=5,
        ),
    )
}
