"""Composed panels: several pictures of one product side by side in one non-square picture, for words that name a place.

In: good and defective samples of a product with masks. Out: a folder with panels, masks, one part map, a specification
whose parts are the places, and a manifest with matched pairs: a verdict depends on the place (which of the pictures)
and on the type of defect that an instruction names. Modelled on the Assembled Panel Dataset of TGAD (arXiv 2606.01992),
whose pictures and prompts are not public; numbers on such panels are "TGAD-style".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.datasets.manifest import write_manifest
from specsight.errors import SpecsightError
from specsight.evaluation.instructions.phrasing import only_sentence, scope_sentence
from specsight.evaluation.instructions.regions import regions_of
from specsight.records import Defect, InstructedVerdict, Sample, Verdict
from specsight.specification import DefectType, Part, Reference, Shape, Specification, save_yaml
from specsight.specification.vocabulary import normal_form

PRODUCT = "panel"
"""What samples of panels have as their product."""
ROWS = {1: ("",), 2: ("upper", "lower"), 3: ("upper", "middle", "lower")}
COLUMNS = {1: ("",), 2: ("left", "right"), 3: ("left", "middle", "right")}
LEAST_VISIBLE = 0.5
"""Share of a defect that must lie inside its cell."""
MOST_DEFECTIVE = 3
"""Cells of one panel that show a defect, at most."""
BACKGROUND = 24
"""Grey level between the cells."""


@dataclass(frozen=True)
class Layout:
    """How panels are composed. Raises SpecsightError for a grid of fewer than two cells or of more than 3 × 3."""

    rows: int = 2
    columns: int = 3
    cell: tuple[int, int] = (160, 160)
    """(H, W) of one picture in pixels."""
    gap: int = 8
    """Pixels between the pictures, and around them."""

    def __post_init__(self) -> None:
        if self.rows not in ROWS or self.columns not in COLUMNS or self.rows * self.columns < 2:
            raise SpecsightError(
                f"panels of {self.rows} × {self.columns} pictures: give 1 to 3 rows and 1 to 3 columns, two at least"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of a panel."""
        height, width = self.cell
        return (
            self.rows * (height + self.gap) + self.gap,
            self.columns * (width + self.gap) + self.gap,
        )

    @property
    def places(self) -> list[str]:
        """Name of each cell, row by row: "upper left", "upper middle", ..."""
        return [
            " ".join(dict.fromkeys(word for word in (row, column) if word))
            for row in ROWS[self.rows]
            for column in COLUMNS[self.columns]
        ]

    def window(self, cell: int) -> tuple[slice, slice]:
        """Rows and columns of a cell on the panel."""
        row, column = divmod(cell, self.columns)
        top = self.gap + row * (self.cell[0] + self.gap)
        left = self.gap + column * (self.cell[1] + self.gap)
        return slice(top, top + self.cell[0]), slice(left, left + self.cell[1])


@dataclass(frozen=True)
class _Tile:
    """One picture as it stands in a cell: pixels (h, w, 3), and its defect if it has one."""

    rgb: NDArray[np.uint8]
    type: str | None = None
    mask: NDArray[np.bool_] | None = None


def write_panels(
    good: Sequence[Sample],
    tested: Sequence[Sample],
    specification: Specification,
    folder: Path,
    layout: Layout | None = None,
    *,
    train: int = 40,
    test: int = 60,
    seed: int = 0,
) -> Path:
    """Compose panels below `folder` and return its manifest; `specification.yaml` lies beside it.

    Parameters: `good` are those that training panels are made of, each picture at most once, so that panels are
    independent: `train` are the most there are. `tested` are good and defective ones for the `test` test panels, half
    of which show 1 to `MOST_DEFECTIVE` defects in cells of their own; a picture may be part of several of them. Raises
    SpecsightError where there are too few good pictures for either split, or there is no defect of a known type.
    """
    layout, rng = layout or Layout(), np.random.default_rng(seed)
    sound = [sample for sample in tested if sample.label == "good"]
    defective = [sample for sample in tested if sample.label == "defective"]
    count = len(layout.places)
    if len(good) < count or not sound or not defective:
        raise SpecsightError(
            f"panels are composed of {count} good training pictures each, and of good and defective test pictures: "
            f"there are {len(good)}, {len(sound)} and {len(defective)}"
        )
    made = (_faulty_tile(sample, layout, specification) for sample in defective)
    faulty = [tile for tile in made if tile is not None]
    if not faulty:
        raise SpecsightError(
            "no defective picture shows one defect of a type of the specification inside a cell: give larger cells, or "
            "name the types that the pictures are labelled with"
        )
    words = panel_specification(specification, layout)
    for name in ("train", "test", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    parts = np.zeros(layout.size, np.uint8)
    for cell in range(count):
        parts[layout.window(cell)] = cell + 1
    _save(folder / "parts.png", parts)
    writer = _Writer(folder, layout, words)
    samples = []
    order = rng.permutation(len(good))
    for number in range(min(train, len(good) // count)):
        tiles = [_tile(good[k], layout) for k in order[number * count : (number + 1) * count]]
        samples.append(writer.panel("train", number, tiles))
    for number in range(test):
        tiles = [_tile(sound[k], layout) for k in rng.integers(len(sound), size=count)]
        if number % 2:
            _put_defects(rng, tiles, faulty)
        panel = writer.panel("test", number, tiles)
        samples.append(replace(panel, instructions=_pairs(rng, tiles, words)))
    save_yaml(words, folder / "specification.yaml")
    return write_manifest(samples, folder / "manifest.jsonl")


def panel_specification(specification: Specification, layout: Layout) -> Specification:
    """The words about panels: the product's defects, and its places as parts ("upper left bottle"), outlined."""
    noun = specification.product.split()[-1]
    parts = []
    for cell, place in enumerate(layout.places):
        rows, columns = layout.window(cell)
        (top, bottom), (left, right) = (rows.start, rows.stop), (columns.start, columns.stop)
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        parts.append(Part(name=f"{place} {noun}", outline=(Shape(polygon=corners),)))
    return Specification(
        product=f"panel of {len(parts)} {specification.product}s",
        appearance=specification.appearance,
        parts=tuple(parts),
        reference=Reference(picture="train/0000.png", size=layout.size[::-1]),
        defects=specification.defects,
    )


@dataclass(frozen=True)
class _Writer:
    folder: Path
    layout: Layout
    words: Specification

    def panel(self, split: str, number: int, tiles: Sequence[_Tile]) -> Sample:
        """Write one panel with its masks."""
        rgb = np.full((*self.layout.size, 3), BACKGROUND, np.uint8)
        defects = []
        for cell, tile in enumerate(tiles):
            rgb[self.layout.window(cell)] = tile.rgb
            if tile.type is not None and tile.mask is not None:
                mask = np.zeros(self.layout.size, np.uint8)
                mask[self.layout.window(cell)] = 255 * tile.mask
                file = self.folder / "masks" / f"{number:04d}_{cell}.png"
                _save(file, mask)
                defects.append(Defect(tile.type, file, part=self.words.parts[cell].name))
        image = self.folder / split / f"{number:04d}.png"
        _save(image, rgb)
        return Sample(
            id=f"{split}/{number:04d}",
            image=image,
            product=PRODUCT,
            split=split,
            label="defective" if defects else "good",
            defects=tuple(defects),
            group=f"{split}/{number:04d}",
            parts=self.folder / "parts.png",
            part_names={k: part.name for k, part in enumerate(self.words.parts, 1)},
        )


def _save(file: Path, pixels: NDArray[np.uint8]) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(file)


def _tile(sample: Sample, layout: Layout) -> _Tile:
    return _Tile(_fitted(images.read_rgb(sample.image), layout, cv2.INTER_AREA))


def _faulty_tile(sample: Sample, layout: Layout, specification: Specification) -> _Tile | None:
    """A picture with its defect; None where its type is unknown, or too little of it lies inside the cell."""
    rgb = images.read_rgb(sample.image)
    regions = regions_of(sample, (rgb.shape[0], rgb.shape[1])) or []
    types = {normal_form(region.type) for region in regions}
    type_ = specification.defect(regions[0].type) if len(types) == 1 else None
    if type_ is None:
        return None
    whole = np.any([region.mask for region in regions], axis=0).astype(np.uint8)
    mask = _fitted(255 * whole, layout, cv2.INTER_AREA) > 127
    height, width = rgb.shape[:2]
    scale = max(layout.cell[0] / height, layout.cell[1] / width)
    if mask.sum() < LEAST_VISIBLE * whole.sum() * scale**2:
        return None
    return _Tile(_fitted(rgb, layout, cv2.INTER_AREA), type_.name, np.asarray(mask))


def _fitted(pixels: NDArray[np.uint8], layout: Layout, interpolation: int) -> NDArray[np.uint8]:
    """The middle of a picture, as large as a cell: it is scaled until it covers the cell, and never distorted."""
    height, width = layout.cell
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    size = max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale))
    scaled = cv2.resize(pixels, size, interpolation=interpolation)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width], np.uint8)


def _put_defects(rng: np.random.Generator, tiles: list[_Tile], faulty: Sequence[_Tile]) -> None:
    """Put defects into cells; at least one cell stays as it is."""
    count = int(rng.integers(1, min(MOST_DEFECTIVE, len(tiles) - 1) + 1))
    for cell in rng.permutation(len(tiles))[:count]:
        tiles[cell] = faulty[int(rng.integers(len(faulty)))]


def _pairs(
    rng: np.random.Generator, tiles: Sequence[_Tile], words: Specification
) -> tuple[InstructedVerdict, ...]:
    """Three pairs: another place, another type at the same place, another place for the same type."""
    homes = [cell for cell, tile in enumerate(tiles) if tile.type is not None]
    if not homes:
        return ()
    cell = homes[int(rng.integers(len(homes)))]
    here = next(one for one in words.defects if one.name == tiles[cell].type)
    clean = [k for k in range(len(tiles)) if k not in homes]
    away = clean[int(rng.integers(len(clean)))]
    # A type that another cell shows tells more than one that no cell does.
    others = [one for one in words.defects if one.name != here.name]
    shown = [one for one in others if any(tile.type == one.name for tile in tiles)]
    couples: list[tuple[str, _Said, _Said]] = [("scope", (cell, None), (away, None))]
    if others:
        other = (shown or others)[int(rng.integers(len(shown or others)))]
        couples.append(("knowledge", (cell, here), (cell, other)))
    couples.append(("scope", (cell, here), (away, here)))
    instructed = []
    for n, (kind, strict, mild) in enumerate(couples):
        both: list[tuple[_Said, Verdict]] = [(strict, "reject"), (mild, "accept")]
        for k in rng.permutation(2):
            said, verdict = both[k]
            text, clause = _worded(rng, said, words)
            instructed.append(InstructedVerdict(text, verdict, kind, f"p{n}", clause))
    return tuple(instructed)


_Said = tuple[int, DefectType | None]
"""A cell, and the type that alone counts there (None: all)."""


def _worded(rng: np.random.Generator, said: _Said, words: Specification) -> tuple[str, dict[str, Any]]:
    cell, type_ = said
    part = words.parts[cell].name
    text, clause = scope_sentence(rng, part), {"scope": [part]}
    if type_ is None:
        return text, clause
    return f"{text} {only_sentence(rng, type_)}", {**clause, "only": [type_.name]}
