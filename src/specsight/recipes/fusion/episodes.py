"""Products with good parts and typed defects → episodes: deviation tokens with their truth, made once.

In: a tyre set of invented models with depth, or photographs to paint on. Out: per product one file that holds what
`Fusion` reads of its test pictures after a fit on its good ones, each as it is and under a stressor, which cells each
defect covers, and what is known of it. Of a set that was stopped, episodes that are there stay.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.datasets import load_dataset
from specsight.detectors.contract import View
from specsight.detectors.fusion.detector import Fusion
from specsight.detectors.fusion.tokens import PARTS
from specsight.detectors.text import Words
from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.images import anomaly_mask, load_picture
from specsight.progress import track
from specsight.prompts.anchors import PhraseBook
from specsight.recipes.fusion.shown import Shown, stressed
from specsight.recipes.fusion.truth import ROWS, TOUCHED
from specsight.records import Picture, Sample
from specsight.specification import DefectType, Specification, load_specification
from specsight.specification.synonyms import PHRASES
from specsight.storage import write_bytes
from specsight.synthetic.defects import synthesise
from specsight.synthetic.scenes.photographs import Photographs

MOST = 4
"""Defects of a picture."""
FEWEST_GOOD = 6
"""Good pictures of an episode, at least; at most as many as its product has."""
SIDE = 256
GOOD_PAINTED, TESTED_PAINTED = 10, 12
"""Good pictures of a photograph, and those tested."""
PAINTED_TYPES = (
    "crack", "scratch", "cut", "hole", "stain", "contamination", "foreign body", "dent", "bulge", "fray",
    "discolouration", "missing material", "fibre", "excess material",
)  # fmt: skip
THINGS = ("part", "surface")


def make_episodes(
    out: Path,
    lines: Sequence[Path],
    photographs: Photographs,
    plan: tuple[int, int],
    encoder: Encoder,
    seed: int,
) -> None:
    """Make the episodes that `out` lacks: of each tyre set in `lines` the first products, and surfaces of photographs.

    `plan`: how many products of each set, and how many photographs. They are made in turn, so that whatever is there is
    of every kind. Words are embedded once.
    """
    book = PhraseBook(encoder)
    jobs: list[list[tuple[Path, Callable[[Path], None]]]] = []
    for folder in lines:
        products: dict[str, list[Sample]] = {}
        for sample in load_dataset(folder / "manifest.jsonl").samples:
            products.setdefault(sample.product, []).append(sample)
        specification = load_specification(folder / "specification.yaml")
        jobs.append(
            [
                (
                    out / f"{product.replace(' ', '-')}.npz",
                    partial(_tyre_episode, products[product], specification, encoder, book, (seed, number)),
                )
                for number, product in enumerate(sorted(products)[: plan[0]])
            ]
        )
    jobs.append(
        [
            (
                out / f"painted-{number:04d}.npz",
                partial(_painted_episode, photographs, encoder, book, (seed, number)),
            )
            for number in range(plan[1])
        ]
    )
    inturn = [job for jobs_in_turn in zip_longest(*jobs) for job in jobs_in_turn if job is not None]
    for file, make in track(inturn, "making episodes"):
        if not file.is_file():
            make(file)


def _tyre_episode(
    own: Sequence[Sample],
    specification: Specification,
    encoder: Encoder,
    book: PhraseBook,
    seed: tuple[int, int],
    file: Path,
) -> None:
    """The episode of one product of a tyre set."""
    good = [sample for sample in own if sample.split == "train"]
    count = int(np.random.default_rng(seed).integers(min(FEWEST_GOOD, len(good)), len(good) + 1))
    detector = Fusion(encoder=encoder, resolution=SIDE).fit(good[:count], specification)
    shown = (_of_sample(sample) for sample in own if sample.split == "test")
    _write(file, detector, Words(specification, book), _twice(seed, shown))


def _painted_episode(
    photographs: Photographs, encoder: Encoder, book: PhraseBook, seed: tuple[int, int], file: Path
) -> None:
    """An episode without depth: one surface of a photograph, with defects painted on half of the tested pictures."""
    rng = np.random.default_rng((*seed, 15))
    base = photographs.crop(rng, SIDE + 48)
    names = [str(name) for name in rng.choice(PAINTED_TYPES, 8, replace=False)]
    specification = Specification(
        product=str(rng.choice(THINGS)),
        defects=tuple(DefectType(name=name, phrases=tuple(PHRASES[name][:3])) for name in names),
    )
    good = [Picture(_varied(rng, base)) for _ in range(GOOD_PAINTED)]
    shown = [_painted(rng, _varied(rng, base), names, k % 2 == 1) for k in range(TESTED_PAINTED)]
    detector = _fitted(encoder, good, specification)
    _write(file, detector, Words(specification, book), _twice(seed, shown))


def _fitted(encoder: Encoder, good: Sequence[Picture], specification: Specification) -> Fusion:
    """A detector that learned from pictures in memory."""

    @dataclass
    class InMemory(Fusion):
        def _views(self, samples: Any, specification: Any) -> Any:
            return (self._look(picture) for picture in good)

    detector = InMemory(encoder=encoder, resolution=SIDE)
    placeholders = [Sample(str(k), Path(str(k)), specification.product) for k in range(len(good))]
    detector.fit(placeholders, specification)
    return detector


def _varied(rng: np.random.Generator, base: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The surface of a photograph as a station sees it: a little moved, turned, brighter, noisier."""
    side = base.shape[0]
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.normal(0, 1.5)), 1.0)
    turn[:, 2] += rng.uniform(-10, 10, 2)
    moved = cv2.warpAffine(
        base, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    margin = (side - SIDE) // 2
    piece = moved[margin : margin + SIDE, margin : margin + SIDE].astype(np.float32)
    piece = (
        piece * np.exp(rng.normal(0, 0.06))
        + rng.normal(0, 2)
        + rng.normal(0, rng.uniform(0.5, 4), piece.shape)
    )
    return np.asarray(np.clip(piece, 0, 255), np.uint8)


def _painted(
    rng: np.random.Generator, rgb: NDArray[np.uint8], names: Sequence[str], defective: bool
) -> Shown:
    masks, defects = [], []
    where = np.ones(rgb.shape[:2], np.bool_)
    for _ in range(int(rng.integers(1, 3)) if defective else 0):
        name = str(rng.choice(names))
        try:
            painted = synthesise(rng, rgb, name, where)
        except SpecsightError:
            continue  # Nothing visible came of it on this surface: the picture simply has one defect less.
        rgb = painted.rgb
        masks.append(painted.mask)
        defects.append({"type": name, "size_mm": 0.0, "part": None, "visible": "rgb"})
    return Shown(Picture(rgb), tuple(masks), tuple(defects))


def _of_sample(sample: Sample) -> Shown:
    picture = load_picture(sample)
    visible = [one for one in sample.conditions.get("visible", "").split("; ") if one]
    masks, defects = [], []
    for defect, seen in zip(sample.defects[:MOST], visible):
        masks.append(anomaly_mask(replace(sample, defects=(defect,)), picture.size))
        defects.append(
            {"type": defect.type, "size_mm": defect.size_mm or 0.0, "part": defect.part, "visible": seen}
        )
    instructions = tuple(
        {"kind": one.kind, "clause": dict(one.clause), "verdict": one.verdict} for one in sample.instructions
    )
    return Shown(picture, tuple(masks), tuple(defects), instructions)


def _twice(seed: tuple[int, int], shown: Iterable[Shown]) -> Iterator[Shown]:
    """Each picture as it is, and under a stressor."""
    rng = np.random.default_rng((*seed, 16))
    for one in shown:
        yield one
        yield stressed(rng, one)


def _write(file: Path, detector: Fusion, words: Words, shown: Iterator[Shown]) -> None:
    """Look at pictures as a fitted detector does, and write what the head reads of them, and the truth."""
    anchors = words.anchors()
    rows: dict[str, list[NDArray[Any]]] = {name: [] for name in ROWS}
    entries = []
    for one in shown:
        view = detector.look([one.picture])[0]
        tokens = detector.deviation_tokens(view, anchors)
        covers = np.zeros((MOST, *tokens.cells.size), np.uint8)
        for k, mask in enumerate(one.masks):
            covers[k] = np.round(255 * view.frame.covered(mask, tokens.cells))
        rows["tokens"].append(tokens.values.astype(np.float16))
        rows["margins"].append(tokens.margins.astype(np.float16))
        rows["covers"].append(covers)
        rows["parts"].append(_part_shares(view, tokens.cells.size))
        rows["blind"].append(tokens.blind)
        lost = np.zeros(tokens.cells.size, np.float32)
        lost = lost if one.hidden is None else view.frame.covered(one.hidden, tokens.cells)
        rows["hidden"].append(lost > TOUCHED)
        entries.append(
            {
                "defects": list(one.defects),
                "instructions": list(one.instructions),
                "stressor": one.stressor,
            }
        )
    about = {
        "types": [name or "" for name in anchors.types],
        "parts": [name for _, name in sorted(detector.part_names_.items())],
        "cell_mm": detector.scale_ and detector.scale_ * tokens.cells.stride[1],
        "product": words.specification.product,
        "entries": entries,
    }
    arrays: dict[str, Any] = {name: np.stack(values) for name, values in rows.items()}
    vectors = (anchors.defects - anchors.good).astype(np.float32)
    held = io.BytesIO()
    np.savez_compressed(
        held, **arrays, vectors=vectors, about=np.frombuffer(json.dumps(about).encode(), np.uint8)
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, held.getvalue())


def _part_shares(view: View, size: tuple[int, int]) -> NDArray[np.uint8]:
    if PARTS not in view.features:
        return np.zeros((0, *size), np.uint8)
    return np.round(255 * view.features[PARTS]).astype(np.uint8)
