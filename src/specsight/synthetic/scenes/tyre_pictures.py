"""Pictures of the tyre line with their truth, rendered once into files: the line is too slow to render every batch.

`PICTURES_PER_MODEL` pictures in a row show one model, an invented one or, one time in eight, one of the catalogue. One
model of the catalogue is never used here, nor seeds and invented models below `FIRST_SEED`: zero-shot numbers on tyres
are measured on the tread pattern and lettering of that model.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, UnreadableFile
from specsight.machine import usable_processors
from specsight.progress import track
from specsight.specification.synonyms import GENERAL
from specsight.storage import parse_json, read_text, write_bytes, write_json
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.features import ACCEPTABLE
from specsight.synthetic.tyres.geometry import PART_NAMES, ZONES, Zone
from specsight.synthetic.tyres.invented import FIRST_TRAINING_NUMBER, INVENTED, PICTURES_PER_MODEL, UNSEEN
from specsight.synthetic.tyres.planning import GENERATOR
from specsight.synthetic.tyres.rendering import Rendered, render
from specsight.synthetic.tyres.scene import sample_tyre_scene
from specsight.synthetic.tyres.workers import work_in_order

HELD_OUT_MODEL = UNSEEN
FIRST_SEED = FIRST_TRAINING_NUMBER
NOT_VISIBLE = 255
"""In a type map: changed, but hardly visible in RGB (a low blister under diffuse light); left out of training."""

_ZONE_SHARES: dict[Zone, float] = {"tread": 0.5, "sidewall": 0.25, "bead": 0.25}
_CATALOGUE_SHARE = 1 / 8
_GOOD_SHARE = 0.3
_SETTINGS = "pictures.json"
_DRAWING = 3
"""Raised whenever the same index gives another picture, as `GENERATOR` is by the tyre line."""


@dataclass(frozen=True)
class TyrePicture:
    """`types` (H, W) uint8: 0 good, 1 + index into `names`, or NOT_VISIBLE; `parts` (H, W) uint8 by `PART_NAMES`;
    `marks` (H, W) uint8: 0, or 1 + index into `ACCEPTABLE` of the tyre line."""

    rgb: NDArray[np.uint8]
    types: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    marks: NDArray[np.uint8]
    names: tuple[str, ...]


class TyrePictures:
    """Pictures `start` to `stop` below `folder`, of (size, size) pixels, their defects by the general `names`.

    `invented`: no model of the catalogue comes up, so that all of them can be measured on. Those missing are rendered
    when the object is made, by `workers` processes (all cores if None); what a picture shows depends on its index
    alone. SpecsightError where the folder holds pictures of another size, drawing or choice of models, or where a
    defect's type is not among the names.
    """

    def __init__(
        self,
        folder: Path,
        start: int,
        stop: int,
        size: int,
        names: tuple[str, ...],
        *,
        workers: int | None = None,
        invented: bool = False,
    ) -> None:
        self._folder, self._indices, self._names = folder, range(start, stop), names
        self._numbers = _type_numbers(names)
        _check_settings(folder, size, invented)
        missing = [index for index in self._indices if not _path(folder, index).is_file()]
        groups = [list(group) for _, group in groupby(missing, lambda index: index // PICTURES_PER_MODEL)]
        render_one = partial(_render_file, folder, size, invented)
        with closing(work_in_order(render_one, groups, workers or usable_processors())) as work:
            for _ in track(work, "rendering tyres", total=len(missing)):
                pass

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, number: int) -> TyrePicture:
        path = _path(self._folder, self._indices[number])
        stacked = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        if stacked is None:
            raise UnreadableFile(f"'{path}' is no picture: delete it, and it is rendered again")
        side = stacked.shape[1]
        rgb, truth = np.ascontiguousarray(stacked[:side, :, ::-1]), stacked[side:]
        return TyrePicture(rgb, self._numbers[truth[..., 0]], truth[..., 1], truth[..., 2], self._names)


def model_of(index: int, invented: bool = False) -> str:
    """The model that a picture shows; with `invented`, never one of the catalogue."""
    group = index // PICTURES_PER_MODEL
    rng = np.random.default_rng((FIRST_SEED, group, 1))
    if not invented and rng.random() < _CATALOGUE_SHARE:
        return str(rng.choice([name for name in MODELS if name != HELD_OUT_MODEL]))
    return f"{INVENTED}:{FIRST_TRAINING_NUMBER + group}"


def draw_picture(index: int, size: int, invented: bool = False) -> Rendered:
    """The picture of an index, (size, size) pixels: zone first, then one or two types of defects among the zone's."""
    rng = np.random.default_rng((FIRST_SEED, index))
    zone = ZONES[int(rng.choice(len(ZONES), p=[_ZONE_SHARES[z] for z in ZONES]))]
    here = [name for name, kind in KINDS.items() if zone in kind.zones]
    types = [str(name) for name in rng.choice(here, int(rng.integers(1, 3)), replace=False)]
    good = rng.random() < _GOOD_SHARE
    # Good pictures show the same windows as defective ones.
    model = model_of(index, invented)
    scene = sample_tyre_scene((FIRST_SEED, index), zone, model=model, size=size, wanted=types)
    return render(scene, () if good else types)


def part_thing(value: int) -> str:
    """The object of `sentences.THINGS` that a part of the tyre is."""
    name = PART_NAMES.get(value, "")
    return {"bead ring": "bead"}.get(name, name)


def _path(folder: Path, index: int) -> Path:
    return folder / f"{index:05d}.png"


def _render_file(folder: Path, size: int, invented: bool, index: int) -> None:
    """One file: RGB above, below it in its channels the numbers of defects (1 + index into `KINDS`), of
    parts, and of acceptable marks (1 + index into `ACCEPTABLE`)."""
    picture = draw_picture(index, size, invented)
    types = np.zeros(picture.parts.shape, np.uint8)
    for defect in picture.defects:
        in_rgb = "rgb" in defect.visible
        types[defect.mask] = 1 + list(KINDS).index(defect.type) if in_rgb else NOT_VISIBLE
    marks = np.zeros_like(types)
    for mark in picture.marks:
        if mark.kind in ACCEPTABLE:
            marks[mark.pixels[:, 0], mark.pixels[:, 1]] = 1 + ACCEPTABLE.index(mark.kind)
    truth = np.stack([types, picture.parts, marks], 2)
    stacked = np.concatenate([picture.rgb[..., ::-1], truth])
    write_bytes(_path(folder, index), cv2.imencode(".png", np.ascontiguousarray(stacked))[1].tobytes())


def _type_numbers(names: Sequence[str]) -> NDArray[np.uint8]:
    """(256,): the number of a defect in the files → its number in type maps."""
    numbers = np.zeros(256, np.uint8)
    numbers[NOT_VISIBLE] = NOT_VISIBLE
    for k, kind in enumerate(KINDS):
        general = GENERAL.spelling(kind)
        if general not in names:
            raise SpecsightError(
                f"tyre defect '{kind}' is a '{general}', which is not among the types: {', '.join(names)}"
            )
        numbers[1 + k] = 1 + names.index(general)
    return numbers


def _check_settings(folder: Path, size: int, invented: bool) -> None:
    """Write what decides the pictures of a new folder; refuse a folder of pictures that were made otherwise."""
    wanted = {"drawing": _DRAWING, "generator": GENERATOR, "size": size, "defects": list(KINDS)}
    if invented:
        wanted["models"] = INVENTED
    marker = folder / _SETTINGS
    try:
        found = parse_json(read_text(marker)) if marker.is_file() else None
    except ValueError:
        found = "damaged"
    if found is None and not any(folder.glob("*.png")):
        write_json(marker, wanted)
    elif found != wanted:
        raise SpecsightError(
            f"'{folder}' holds tyre pictures of another size, drawing or choice of models: delete the folder, and they "
            "are rendered anew"
        )
