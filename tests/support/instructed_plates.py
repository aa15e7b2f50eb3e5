"""A small set of two-part plates whose test pictures bring matched pairs: a manifest, pictures, masks, part maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from specsight.specification import DefectType, Part, Specification, Tolerance, save_yaml

SIDE = 64
LEFT, RIGHT = "left half", "right half"


def make_plates(root: Path, *, train: int = 24, test: int = 4, products: int = 1) -> Path:
    """`train` good plates and, for each half, `test` with a dark spot on it, of each product; returns the folder.

    Every defective plate brings a scope pair (its half, the other), and a tolerance pair that only a type can
    decide; good ones bring none.
    """
    folder = root / "plates"
    folder.mkdir(parents=True)
    parts = np.where(np.arange(SIDE) < SIDE // 2, 1, 2).astype(np.uint8)
    cv2.imwrite(str(folder / "parts.png"), np.tile(parts, (SIDE, 1)))
    lines = []
    for number in range(products):
        rng = np.random.default_rng(number)
        product = f"plate {number}" if products > 1 else "plate"
        for split, count in (("train", train), ("test", test)):
            lines += [_line(folder, rng, product, f"{split}-{i}", split) for i in range(count)]
        for i in range(test):
            lines += [_line(folder, rng, product, f"{half}-{i}", "test", half) for half in (LEFT, RIGHT)]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    save_yaml(
        Specification(
            product="plate",
            mm_per_px=0.5,
            parts=(Part(name=LEFT), Part(name=RIGHT)),
            defects=(DefectType(name="dark spot"), DefectType(name="crack")),
            tolerances=(Tolerance(defect="dark spot", up_to_mm=0.5),),
        ),
        folder / "specification.yaml",
    )
    return folder


def _line(
    folder: Path, rng: np.random.Generator, product: str, name: str, split: str, half: str = ""
) -> dict[str, Any]:
    id_ = f"{product} {name}".replace(" ", "-")
    grey = rng.normal(150, 4, (SIDE, SIDE))
    line: dict[str, Any] = {
        "id": id_,
        "image": f"{id_}.png",
        "product": product,
        "split": split,
        "label": "defective" if half else "good",
        "parts": "parts.png",
        "part_names": {"1": LEFT, "2": RIGHT},
        "group": id_,
    }
    if half:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        x = int(rng.integers(10, 20)) + (SIDE // 2 if half == RIGHT else 0)
        cv2.circle(mask, (x, int(rng.integers(16, 48))), 5, 255, -1)
        grey = np.where(mask > 0, 20, grey)
        cv2.imwrite(str(folder / f"{id_}-mask.png"), mask)
        line["defects"] = [{"type": "dark spot", "mask": f"{id_}-mask.png", "part": half, "size_mm": 5.0}]
        line["instructions"] = _pairs(half)
    cv2.imwrite(
        str(folder / f"{id_}.png"), np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, 2)
    )
    return line


def _pairs(half: str) -> list[dict[str, Any]]:
    other = LEFT if half == RIGHT else RIGHT
    scopes = [
        {
            "text": f"Inspect the {part} only.",
            "verdict": verdict,
            "kind": "scope",
            "pair": "p0",
            "clause": {"scope": [part]},
        }
        for part, verdict in ((half, "reject"), (other, "accept"))
    ]
    limits = [
        {
            "text": f"Dark spots up to {limit} mm are acceptable.",
            "verdict": verdict,
            "kind": "tolerance",
            "pair": "p1",
            "clause": {"tolerances": [{"defect": "dark spot", "up_to_mm": limit}]},
        }
        for limit, verdict in ((2, "reject"), (9, "accept"))
    ]
    return [*scopes, *limits]
