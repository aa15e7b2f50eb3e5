"""One sample on disk: its files, and its line of the manifest."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from specsight.synthetic.tyres.geometry import PART_NAMES
from specsight.synthetic.tyres.instructions import matched_pairs
from specsight.synthetic.tyres.product import severity, specification
from specsight.synthetic.tyres.rendering import Rendered
from specsight.synthetic.tyres.scene import TyreScene
from specsight.synthetic.tyres.words import conditions, defect_text, description, operator_note

FOLDERS = ("rgb", "depth", "normals", "parts", "masks")


def files_of(record: dict[str, Any]) -> list[str]:
    """Every file that a line of the manifest names."""
    keys = ("image", "depth", "normals", "parts")
    return [*(record[k] for k in keys), *(d["mask"] for d in record.get("defects", ()))]


def write_sample(
    out: Path, number: int, scene: TyreScene, picture: Rendered, *, split: str, group: str
) -> dict[str, Any]:
    """Write the files of one sample and return its line of the manifest."""
    name = f"{number:06d}"
    rng = np.random.default_rng([*scene.seed, 99, len(picture.defects)])
    note, note_truth = operator_note(rng, scene, picture)
    files = {
        "image": f"rgb/{name}.png",
        "depth": f"depth/{name}.tiff",
        "normals": f"normals/{name}.png",
        "parts": f"parts/{name}.png",
    }
    _write_png(out / files["image"], picture.rgb[..., ::-1])
    (out / files["depth"]).write_bytes(_tiff(picture.depth))
    _write_png(out / files["normals"], np.round(127.5 + 127.5 * picture.normals).astype(np.uint8)[..., ::-1])
    _write_png(out / files["parts"], picture.parts)
    defects = []
    for k, truth in enumerate(picture.defects):
        mask = f"masks/{name}_{k}.png"
        _write_png(out / mask, truth.mask.astype(np.uint8) * np.uint8(255))
        defects.append(
            {
                "type": truth.type,
                "mask": mask,
                "part": truth.part,
                "size_mm": round(truth.size_mm, 2),
                "severity": severity(truth.type, truth.size_mm, truth.part),
                "text": defect_text(truth),
            }
        )
    values = np.unique(picture.parts).tolist()
    record: dict[str, Any] = {
        "id": f"tyre_{name}",
        "image": files["image"],
        # Each zone has a camera station of its own: one detector learns one zone.
        "product": f"{scene.model.product} {scene.zone}" + (" strip" if scene.window.circular else ""),
        "split": split,
        "label": "defective" if defects else "good",
        **({"defects": defects} if defects else {}),
        **{k: files[k] for k in ("depth", "normals", "parts")},
        "part_names": {str(v): n for v, n in PART_NAMES.items() if v in values},
        "group": group,
        "mm_per_px": scene.window.mm_per_px,
        **({"circular": True} if scene.window.circular else {}),
        "conditions": conditions(scene, picture, note_truth),
        "text": {
            "description": description(scene, picture),
            "operator_note": note,
            "specification": specification(scene.model)["appearance"],
        },
    }
    instructions = [asdict(i) for i in matched_pairs(rng, picture, PART_NAMES)]
    return {**record, **({"instructions": instructions} if instructions else {})}


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def _tiff(depth: NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, depth, compression="zlib", compressionargs={"level": 1})
    return file.getvalue()
