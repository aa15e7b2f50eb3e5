"""Small inspection sets for choices about patch memories, none of them a test set of anything that is published.

In: a seed. Out: `InspectionSet`s of 256 px pictures: synthetic tyres, procedural products and surfaces, held-out
photographs as products and as textures. Good pictures of one set vary as on a line: position, light, surface, noise.
Half of the defects are local (painted by `synthetic.defects`), half change a large area or the arrangement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.records import Sample
from specsight.synthetic import fields
from specsight.synthetic.defects import synthesise
from specsight.synthetic.scenes.materials import MATERIALS, surface
from specsight.synthetic.scenes.scene import render_scene
from specsight.synthetic.scenes.vessels import render_vessel
from specsight.synthetic.tyres import generate

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIDE, MARGIN = 256, 40
GOOD, GOOD_TESTED, LOCAL, LARGE = 40, 24, 16, 12
"""Good pictures to learn from and to test with, and defects of either kind."""
PAINTED = (
    *("crack", "scratch", "fibre", "hole", "stain", "dent", "bulge", "contamination", "foreign body"),
    *("missing material", "break", "cut"),
)
TYRES = (("touring", "bead"), ("touring", "sidewall"), ("touring", "tread"), ("sport", "sidewall"))
SURFACES = {"brushed metal": 1, "leather": 1, "cast metal": 2}
"""Materials, and seeds under which they can be seen."""
PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "shared" / "data" / "imagenet_samples"
TEXTURES = {
    "n03000247_chain_mail": (slice(70, 260), slice(70, 220)),
    "n03717622_manhole_cover": (slice(80, 220), slice(0, 384)),
}
"""Held-out photographs that no encoder of ours has learned from, and where they show a texture."""
TEXTURE_CROP = 104
OBJECTS = ("n07716906_spaghetti_squash", "n04264628_space_bar", "n02823428_beer_bottle", "n04243546_slot")


@dataclass(frozen=True)
class Tested:
    """One test picture. `masks` of its defects, empty where it is good; `kind`: good, local, large or tyre."""

    rgb: Pixels
    masks: tuple[Mask, ...]
    kind: str


@dataclass(frozen=True)
class InspectionSet:
    """Pictures (256, 256, 3) of one product."""

    name: str
    good: tuple[Pixels, ...]
    tested: tuple[Tested, ...]


def inspection_sets(seed: int, folder: Path) -> Iterator[InspectionSet]:
    """Yield all sets; tyres are written to `folder`. Photographs only where they lie beside the project."""
    for model, zone in TYRES:
        yield _tyres(model, zone, seed, folder / f"{model}-{zone}")
    yield from painted_sets(seed)


def painted_sets(seed: int) -> Iterator[InspectionSet]:
    """Yield those whose defects are painted, procedural products first."""
    for number in range(2):
        yield _painted(f"vessel {number}", _product(render_vessel, seed + number), seed + number)
        yield _painted(f"scene {number}", _product(render_scene, seed + 10 + number), seed + number)
    for material, number in SURFACES.items():
        yield _painted(f"surface {material}", _surface(material, seed + number), seed, arranged=False)
    if PHOTOGRAPHS.is_dir():
        for name, box in TEXTURES.items():
            yield _painted(f"texture {name[10:]}", _texture(name, box), seed, arranged=False)
        for name in OBJECTS:
            yield _painted(f"object {name[10:]}", _jittered(_photograph(name)), seed)


def _tyres(model: str, zone: str, seed: int, folder: Path) -> InspectionSet:
    count = 2 * (GOOD + GOOD_TESTED)
    made = generate(folder, count=count, seed=seed, model=model, zones=(zone,))
    samples = load_dataset(made.folder).samples
    good = [images.load_picture(s).rgb for s in samples if s.split == "train"][:GOOD]
    tested = [_tested(sample) for sample in samples if sample.split == "test"]
    return InspectionSet(f"tyre {model} {zone}", tuple(good), tuple(tested))


def _tested(sample: Sample) -> Tested:
    rgb = images.load_picture(sample).rgb
    if sample.label == "good":
        return Tested(rgb, (), "good")
    masks = images.defect_masks(sample, rgb.shape[:2])
    return Tested(rgb, tuple(np.asarray(mask, np.bool_) for mask in masks if mask.any()), "tyre")


Part = Callable[[np.random.Generator], Pixels]
"""A generator → one good part, (256, 256, 3)."""


def _painted(name: str, part: Part, seed: int, arranged: bool = True) -> InspectionSet:
    """A set whose defects are painted on good parts; `arranged`: every part shows the same in its place."""
    rng = np.random.default_rng(seed)
    good = tuple(part(rng) for _ in range(GOOD))
    tested = [Tested(part(rng), (), "good") for _ in range(GOOD_TESTED)]
    for number in range(LOCAL):
        tested.append(_local(rng, part, number))
    for number in range(LARGE):
        change = (_blurred, _toned, _displaced if arranged else _blurred)[number % 3]
        rgb = part(rng)
        changed = change(rng, rgb)
        mask = np.abs(changed.astype(np.int16) - rgb).max(2) >= 7
        mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
        tested.append(Tested(changed, (mask,) if mask.any() else (), "large"))
    return InspectionSet(name, good, tuple(tested))


def _local(rng: np.random.Generator, part: Part, number: int) -> Tested:
    for attempt in range(100):
        try:
            made = synthesise(rng, part(rng), PAINTED[(number + attempt) % len(PAINTED)])
        except SpecsightError:
            # As dark as the surface it lies on: the next type.
            continue
        if made.mask.mean() < 0.15:
            return Tested(made.rgb, (made.mask,), "local")
    raise SpecsightError("no visible defect could be painted on this product")


def _blurred(rng: np.random.Generator, rgb: Pixels) -> Pixels:
    """A third of the picture out of focus."""
    weight = _area(rng, 0.35)[..., None]
    return _eight_bits(
        rgb + weight * (cv2.GaussianBlur(rgb, (0, 0), rng.uniform(2, 3.5)) - rgb.astype(np.float32))
    )


def _toned(rng: np.random.Generator, rgb: Pixels) -> Pixels:
    """A third of the picture in another tone."""
    weight = _area(rng, 0.35)[..., None]
    tone = np.exp(rng.choice([-1, 1]) * rng.uniform(0.12, 0.3) + rng.normal(0, 0.06, 3))
    return _eight_bits(rgb * (1 + weight * (tone - 1)))


def _displaced(rng: np.random.Generator, rgb: Pixels) -> Pixels:
    """A good piece in another good place."""
    piece = int(rng.integers(56, 96))
    for _ in range(50):
        source, target = rng.integers(0, SIDE - piece, (2, 2))
        moved = rgb[source[0] :, source[1] :][:piece, :piece]
        place = (slice(target[0], target[0] + piece), slice(target[1], target[1] + piece))
        if np.abs(moved.astype(np.float32) - rgb[place]).mean() > 6:
            break
    changed = rgb.copy()
    changed[place] = moved
    return changed


def _area(rng: np.random.Generator, share: float) -> NDArray[np.float32]:
    """Weights in [0, 1] with a soft border, about one over `share` of the picture."""
    cloud = fields.cloud(rng, (SIDE, SIDE), 110, exact=True)
    level = np.quantile(cloud, 1 - share)
    return np.asarray(np.clip((cloud - level) / 0.15 + 0.5, 0, 1), np.float32)


def _product(render: Callable[[np.random.Generator, int], object], seed: int) -> Part:
    return _jittered(render(np.random.default_rng(seed), SIDE + 2 * MARGIN).rgb)  # type: ignore[attr-defined]


def _photograph(name: str) -> Pixels:
    """The middle square of a photograph, with a margin."""
    rgb = images.read_rgb(PHOTOGRAPHS / f"{name}.jpg")
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    square = rgb[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (SIDE + 2 * MARGIN,) * 2, interpolation=cv2.INTER_CUBIC), np.uint8)


def _jittered(product: Pixels) -> Part:
    """Parts of one product: slightly moved and turned, each with a surface of its own."""

    def part(rng: np.random.Generator) -> Pixels:
        centre = product.shape[1] / 2, product.shape[0] / 2
        turn = cv2.getRotationMatrix2D(centre, rng.normal(0, 1.2), np.exp(rng.normal(0, 0.008)))
        turn[:, 2] += rng.normal(0, 2.5, 2) - MARGIN
        placed = cv2.warpAffine(
            product, turn, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        cloud = fields.cloud(rng, (SIDE, SIDE), rng.uniform(8, 40), exact=True)
        return _exposed(rng, placed * (1 + np.float32(0.02) * cloud)[..., None])

    return part


def _surface(name: str, seed: int) -> Part:
    """Crops of a large piece of one material."""
    material = next(one for one in MATERIALS if one.name == name)
    piece = surface(np.random.default_rng(seed), (1280, 1280), material).pixels * np.float32(255)

    def part(rng: np.random.Generator) -> Pixels:
        top, left = rng.integers(0, 1280 - SIDE, 2)
        return _exposed(rng, piece[top : top + SIDE, left : left + SIDE])

    return part


def _texture(name: str, box: tuple[slice, slice]) -> Part:
    """Crops of a photograph's texture, mirrored at random."""
    region = images.read_rgb(PHOTOGRAPHS / f"{name}.jpg")[box]

    def part(rng: np.random.Generator) -> Pixels:
        top, left = (int(rng.integers(0, length - TEXTURE_CROP)) for length in region.shape[:2])
        crop = region[top : top + TEXTURE_CROP, left : left + TEXTURE_CROP][:, :: rng.choice([-1, 1])]
        return _exposed(
            rng, cv2.resize(np.ascontiguousarray(crop), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        )

    return part


def _exposed(rng: np.random.Generator, pixels: NDArray[np.generic]) -> Pixels:
    """The variation of light, colour and sensor from one picture of a line to the next."""
    rows, columns = np.linspace(-1, 1, SIDE)[:, None], np.linspace(-1, 1, SIDE)[None]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.08) * (rows * np.sin(angle) + columns * np.cos(angle))
    lit = pixels * (light * np.exp(rng.normal(0, 0.04)))[..., None] * np.exp(rng.normal(0, 0.01, 3))
    blurred = cv2.GaussianBlur(lit.astype(np.float32), (0, 0), rng.uniform(0.3, 0.7))
    return _eight_bits(blurred + rng.normal(0, rng.uniform(1, 2.5), pixels.shape))


def _eight_bits(pixels: NDArray[np.generic]) -> Pixels:
    return np.clip(np.asarray(pixels, np.float32) + np.float32(0.5), 0, 255).astype(np.uint8)
