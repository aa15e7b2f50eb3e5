"""A data set → a copy of it under stress: pictures, depth, masks and part maps as files, a manifest, and the protocol.

Test pictures are stressed and all others stay as they are, so that what is fitted on the copy was fitted on clean
parts. The manifest is written last: a folder without one holds an unfinished copy, which is begun anew.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from specsight import images
from specsight.datasets import load_dataset, write_manifest
from specsight.datasets.accounting import Account
from specsight.datasets.contained_paths import inside
from specsight.errors import SpecsightError
from specsight.progress import track
from specsight.records import NORMALS, Defect, Picture, Sample
from specsight.storage import (
    check_output,
    given_path,
    only_writer,
    parse_json,
    read_text,
    write_bytes,
    write_json,
)
from specsight.stress.applying import apply, hidden, seed_of
from specsight.stress.stressor import stressors

MANIFEST, PROTOCOL = "manifest.jsonl", "stress.json"
HIDDEN = "hidden"
"""Folder of masks of what is hidden, 255 where it is."""


@dataclass(frozen=True)
class StressedSet:
    """A stressed copy on disk."""

    manifest: Path
    stressed: int
    """Pictures under stress."""
    copied: int
    """Pictures as they were."""
    account: Account
    """What became of every file of the set."""


def write_stressed(
    data: str | Path,
    name: str,
    level: float,
    out: str | Path,
    *,
    seed: int = 0,
    layout: str = "auto",
    product: str | None = None,
    every: bool = False,
) -> StressedSet:
    """Write a copy of a data set, its test pictures under the stressor `name` at `level`, into the folder `out`.

    Parameters: `seed`: of the stress; each picture has its own random numbers by its id. `layout`, `product`: as
    `load_dataset` takes them. `every`: training and validation pictures are stressed too.

    Masks and part maps are copied whole, for they say what the part is like; what a stressor hides lies below
    `hidden/`. A picture that cannot be read or stressed is left out and named in `stress.json`. Raises SpecsightError
    for an unknown stressor or level, where no picture can be stressed, and for a folder that holds anything else.
    """
    data, out = given_path(data, "the data set"), given_path(out, "the folder of the stressed set")
    stressors[name].check(name, level)
    check_output(out)
    listing = load_dataset(data, layout, product)
    settings = {
        "source": data.name,
        "layout": listing.layout,
        "product": product,
        "stressor": name,
        "title": stressors[name].title,
        "level": level,
        "unit": stressors[name].unit,
        "seed": seed,
        "every": every,
    }
    _check_free(out, settings)
    with only_writer(out):
        write_json(out / PROTOCOL, settings)
        written, skipped, stressed = [], [], 0
        for number, sample in enumerate(track(listing.samples, f"{name} {level:g}")):
            chosen = every or sample.split.startswith("test")
            try:
                written.append(_write(out, number, sample, name, level if chosen else 0, seed))
            except SpecsightError as error:
                skipped.append({"id": sample.id, "reason": str(error)})
            else:
                stressed += chosen
        if not stressed:
            why = (
                f"; the first: {skipped[0]['reason']}"
                if skipped
                else ": it has no test pictures, add --every"
            )
            raise SpecsightError(f"no picture of '{data}' could be stressed{why}")
        used = f"{stressed} pictures stressed, {len(written) - stressed} copied as they are"
        account = Account(used, len(skipped), listing.ignored, tuple(listing.notes))
        write_json(out / PROTOCOL, {**settings, "account": account.to_json(), "skipped": skipped})
        write_manifest(written, out / MANIFEST)
    return StressedSet(out / MANIFEST, stressed, len(written) - stressed, account)


def _check_free(out: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder that holds a finished copy, or anything but an unfinished one with the same settings."""
    content = [path.name for path in out.iterdir() if not path.name.startswith(".")] if out.is_dir() else []
    if not content:
        return
    before = parse_json(read_text(out / PROTOCOL)) if PROTOCOL in content else None
    if MANIFEST in content or before != settings:
        raise SpecsightError(f"'{out}' is not empty (it holds '{sorted(content)[0]}'): choose another folder")


def _write(out: Path, number: int, sample: Sample, name: str, level: float, seed: int) -> Sample:
    """Write the files of one sample; returns it as it lies in `out`."""
    clean = images.load_picture(sample)
    own = seed_of(sample.id, seed)
    picture = apply(clean, name, level, own)
    file = f"{number:06d}"
    _png(out / "rgb" / f"{file}.png", picture.rgb[..., ::-1])
    _hidden(out, file, clean, name, level, own)
    depth = parts = None
    if picture.depth is not None:
        depth = out / "depth" / f"{file}.tiff"
        write_bytes(_made(depth), _tiff(picture.depth))
    if picture.parts is not None:
        parts = out / "parts" / f"{file}.png"
        _png(parts, picture.parts)
    beside = _signals(out, file, picture)
    conditions = {**sample.conditions, **({"stress": f"{name} {level:g}"} if level else {})}
    return replace(
        sample,
        image=out / "rgb" / f"{file}.png",
        depth=depth,
        depth_range=None,
        bits=None,
        parts=parts,
        depth_unit_mm=1.0,
        normals=beside.pop(NORMALS, None),
        signals=beside,
        # The reference is a picture without stress, through which a method would see.
        reference=None,
        defects=_defects(out, file, sample, clean.size),
        conditions=conditions,
    )


def _signals(out: Path, file: str, picture: Picture) -> dict[str, Path]:
    """Files of the further channels by name, normals among them: pictures under other lights as PNG, others as TIFF."""
    files = {}
    for name, channels in picture.signals.items():
        if images.is_light(name):
            files[name] = inside(out, f"{name}/{file}.png")
            _png(files[name], channels[..., ::-1])
        else:
            files[name] = inside(out, f"{name}/{file}.tiff")
            write_bytes(_made(files[name]), _tiff(np.asarray(channels, np.float32)))
    return files


def _hidden(out: Path, file: str, clean: Picture, name: str, level: float, seed: int) -> None:
    behind = hidden(clean.size, name, level, seed)
    if behind is not None:
        _png(out / HIDDEN / f"{file}.png", behind.astype(np.uint8) * np.uint8(255))


def _defects(out: Path, file: str, sample: Sample, size: tuple[int, int]) -> tuple[Defect, ...]:
    """The defects with masks of their own, 255 where they are; boxes, and defects without either, as they are."""
    if not sample.defects or not images.masks_known(sample):
        return sample.defects
    written = []
    for index, (defect, mask) in enumerate(
        zip(sample.defects, images.defect_masks(sample, size), strict=True)
    ):
        path = out / "masks" / f"{file}_{index}.png"
        _png(path, mask.astype(np.uint8) * np.uint8(255))
        written.append(replace(defect, mask=path, mask_value=None, mask_above=127, box=None))
    return tuple(written)


def _png(path: Path, pixels: NDArray[np.uint8]) -> None:
    write_bytes(_made(path), cv2.imencode(".png", pixels)[1].tobytes())


def _tiff(values: NDArray[np.float32]) -> bytes:
    """(H, W) or (H, W, C)."""
    file = io.BytesIO()
    kind: dict[str, Any] = {
        "photometric": "minisblack",
        "planarconfig": "contig" if values.ndim == 3 else None,
    }
    tifffile.imwrite(file, values, compression="zlib", compressionargs={"level": 1}, **kind)
    return file.getvalue()


def _made(path: Path) -> Path:
    """`path`, whose folder is there."""
    path.parent.mkdir(exist_ok=True)
    return path
