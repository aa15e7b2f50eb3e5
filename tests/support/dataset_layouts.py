"""Tiny trees of every layout, exactly as methods.md section C documents them, and what a reader must find in each.

Every picture is its own random texture, so that no two are alike; sizes differ from layout to layout.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

SIZE = (24, 32)
"""(H, W) of every picture."""
Samples = dict[str, tuple[str, str, tuple[str, ...]]]
"""Sample id → (split, label, sorted defect types)."""


@dataclass(frozen=True)
class Expected:
    """What a reader is to find; `depth`: whether depth is read."""

    samples: Samples
    products: tuple[str, ...]
    layout: str
    entry: str = "."
    """Path below the root that is given to the reader."""
    depth: bool = False
    masked: bool = True
    """Whether every defect has a mask or a box."""
    areas: dict[str, list[int]] = field(default_factory=dict)
    """Sample id → pixels of each defect, sorted."""


def picture(path: Path, seed: int | None = None, size: tuple[int, int] = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(path.as_posix().encode()) if seed is None else seed
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(path)
    return path


def mask(path: Path, values: dict[int, int] | None = None, size: tuple[int, int] = SIZE) -> Path:
    """A mask with `count` pixels of each `value`, in rows of their own; {255: 20} by default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plane = np.zeros(size, np.uint8)
    for row, (value, count) in enumerate(({255: 20} if values is None else values).items()):
        plane[row + 2, :count] = value
    Image.fromarray(plane).save(path)
    return path


def mvtec_ad(root: Path) -> Expected:
    for product in ("bottle", "screw"):
        for i in range(3):
            picture(root / product / "train" / "good" / f"{i:03}.png")
        picture(root / product / "test" / "good" / "000.png")
        for kind in ("scratch", "dent"):
            picture(root / product / "test" / kind / "000.png")
            mask(root / product / "ground_truth" / kind / "000_mask.png")
        (root / product / "license.txt").write_text("CC BY-NC-SA 4.0")
    samples: Samples = {}
    for p in ("bottle", "screw"):
        samples |= {f"{p}/train/good/{i:03}": ("train", "good", ()) for i in range(3)}
        samples[f"{p}/test/good/000"] = ("test", "good", ())
        samples |= {f"{p}/test/{k}/000": ("test", "defective", (k,)) for k in ("scratch", "dent")}
    return Expected(samples, ("bottle", "screw"), "mvtec_ad", areas={"bottle/test/dent/000": [20]})


def mpdd(root: Path) -> Expected:
    base = root / "tubes"
    picture(base / "train" / "good" / "000.png")
    picture(base / "test" / "good" / "000.png")
    picture(base / "test" / "anomalous" / "000.png")
    mask(base / "ground_truth" / "anomalous" / "000_mask.png")
    return Expected(
        {
            "tubes/train/good/000": ("train", "good", ()),
            "tubes/test/good/000": ("test", "good", ()),
            "tubes/test/anomalous/000": ("test", "defective", ("anomalous",)),
        },
        ("tubes",),
        "mpdd",
    )


def btad(root: Path) -> Expected:
    base = root / "01"
    picture(base / "train" / "ok" / "0000.bmp")
    picture(base / "test" / "ok" / "0000.bmp")
    picture(base / "test" / "ko" / "0000.bmp")
    mask(base / "ground_truth" / "ko" / "0000.png")
    return Expected(
        {
            "01/train/ok/0000": ("train", "good", ()),
            "01/test/ok/0000": ("test", "good", ()),
            "01/test/ko/0000": ("test", "defective", ("ko",)),
        },
        ("01",),
        "btad",
    )


def visa_1cls(root: Path) -> Expected:
    base = root / "candle"
    picture(base / "train" / "good" / "0000.JPG")
    picture(base / "test" / "good" / "0001.JPG")
    picture(base / "test" / "bad" / "000.JPG")
    mask(base / "ground_truth" / "bad" / "000.png")
    return Expected(
        {
            "candle/train/good/0000": ("train", "good", ()),
            "candle/test/good/0001": ("test", "good", ()),
            "candle/test/bad/000": ("test", "defective", ("bad",)),
        },
        ("candle",),
        "visa_1cls",
    )


def mvtec_ad_2(root: Path) -> Expected:
    base = root / "can"
    picture(base / "train" / "good" / "000_regular.png")
    picture(base / "validation" / "good" / "000_regular.png")
    picture(base / "test_public" / "good" / "000_overexposed.png")
    for light in ("regular", "shift_1"):
        picture(base / "test_public" / "bad" / f"000_{light}.png")
        mask(base / "test_public" / "ground_truth" / "bad" / f"000_{light}_mask.png")
    picture(base / "test_private" / "000_regular.png")
    picture(base / "test_private_mixed" / "000_mixed.png")
    return Expected(
        {
            "can/train/good/000_regular": ("train", "good", ()),
            "can/validation/good/000_regular": ("validation", "good", ()),
            "can/test_public/good/000_overexposed": ("test", "good", ()),
            "can/test_public/bad/000_regular": ("test", "defective", ("bad",)),
            "can/test_public/bad/000_shift_1": ("test", "defective", ("bad",)),
            "can/test_private/000_regular": ("test_private", "unknown", ()),
            "can/test_private_mixed/000_mixed": ("test_private_mixed", "unknown", ()),
        },
        ("can",),
        "mvtec_ad_2",
    )


def mvtec_loco(root: Path) -> Expected:
    base = root / "juice_bottle"
    for split in ("train", "validation", "test"):
        picture(base / split / "good" / "000.png")
    for kind in ("logical_anomalies", "structural_anomalies"):
        picture(base / "test" / kind / "000.png")
        mask(base / "ground_truth" / kind / "000" / "000.png", {255: 10})
    mask(base / "ground_truth" / "logical_anomalies" / "000" / "001.png", {250: 12})
    config = [
        {
            "defect_name": "wrong_fill",
            "pixel_value": 255,
            "saturation_threshold": 6,
            "relative_saturation": False,
        },
        {
            "defect_name": "no_label",
            "pixel_value": 250,
            "saturation_threshold": 0.5,
            "relative_saturation": True,
        },
    ]
    (base / "defects_config.json").write_text(json.dumps(config))
    return Expected(
        {
            **{f"juice_bottle/{s}/good/000": (s, "good", ()) for s in ("train", "validation", "test")},
            "juice_bottle/test/logical_anomalies/000": ("test", "defective", ("no_label", "wrong_fill")),
            "juice_bottle/test/structural_anomalies/000": ("test", "defective", ("wrong_fill",)),
        },
        ("juice_bottle",),
        "mvtec_loco",
        areas={"juice_bottle/test/logical_anomalies/000": [10, 12]},
    )


def mvtec_3d(root: Path) -> Expected:
    base = root / "tire"
    samples: Samples = {}
    for split, kind in (("train", "good"), ("validation", "good"), ("test", "good"), ("test", "cut")):
        folder = base / split / kind
        picture(folder / "rgb" / "000.png")
        (folder / "xyz").mkdir()
        cloud = np.random.default_rng(1).random((*SIZE, 3), dtype=np.float32) + 0.5
        cloud[0, 0] = 0
        tifffile.imwrite(folder / "xyz" / "000.tiff", cloud, photometric="rgb")
        if split == "test":
            mask(folder / "gt" / "000.png", {255: 20} if kind == "cut" else {})
        types = ("cut",) if kind == "cut" else ()
        samples[f"tire/{split}/{kind}/rgb/000"] = (split, "defective" if types else "good", types)
    (base / "calibration").mkdir()
    (base / "calibration" / "camera_parameters.json").write_text("{}")
    return Expected(samples, ("tire",), "mvtec_3d", depth=True)


def visa(root: Path) -> Expected:
    rows = ["object,split,label,image,mask"]
    for i in range(2):
        picture(root / "pcb1" / "Data" / "Images" / "Normal" / f"{i:04}.JPG")
        rows.append(f"pcb1,{'train' if i else 'test'},normal,pcb1/Data/Images/Normal/{i:04}.JPG,")
    for i, values in enumerate(({1: 9}, {2: 7, 3: 11})):
        picture(root / "pcb1" / "Data" / "Images" / "Anomaly" / f"{i:03}.JPG")
        mask(root / "pcb1" / "Data" / "Masks" / "Anomaly" / f"{i:03}.png", values)
        rows.append(
            f"pcb1,test,anomaly,pcb1/Data/Images/Anomaly/{i:03}.JPG,pcb1/Data/Masks/Anomaly/{i:03}.png"
        )
    (root / "split_csv").mkdir()
    (root / "split_csv" / "1cls.csv").write_text("\n".join(rows) + "\n")
    (root / "pcb1" / "image_anno.csv").write_text(
        "image,label,mask\npcb1/Data/Images/Anomaly/000.JPG,bent,pcb1/Data/Masks/Anomaly/000.png\n"
        'pcb1/Data/Images/Anomaly/001.JPG,"melt,scratch",pcb1/Data/Masks/Anomaly/001.png\n'
    )
    return Expected(
        {
            "pcb1/Data/Images/Normal/0000": ("test", "good", ()),
            "pcb1/Data/Images/Normal/0001": ("train", "good", ()),
            "pcb1/Data/Images/Anomaly/000": ("test", "defective", ("bent",)),
            "pcb1/Data/Images/Anomaly/001": ("test", "defective", ("melt", "scratch")),
        },
        ("pcb1",),
        "visa",
        areas={"pcb1/Data/Images/Anomaly/001": [7, 11]},
    )


def real_iad(root: Path) -> Expected:
    base = root / "realiad_1024" / "audiojack"
    entries: dict[str, list[dict[str, str | None]]] = {"train": [], "test": []}
    samples: Samples = {}
    for split, part, code in (("train", "0001", "OK"), ("test", "0002", "OK"), ("test", "0003", "HS")):
        for view in (1, 2):
            folder = "OK/S" + part if code == "OK" else f"NG/{code}/S{part}"
            stem = (
                f"{folder}/audiojack_{part}_{'OK' if code == 'OK' else 'NG_' + code}_C{view}_20231021120000"
            )
            picture(base / f"{stem}.jpg")
            if code != "OK":
                mask(base / f"{stem}_mask.png")
            entries[split].append(
                {
                    "category": "audiojack",
                    "anomaly_class": code,
                    "image_path": f"{stem}.jpg",
                    "mask_path": None if code == "OK" else f"{stem}_mask.png",
                }
            )
            types = () if code == "OK" else ("scratch",)
            samples[f"audiojack/{stem}"] = (split, "defective" if types else "good", types)
    (root / "realiad_jsons").mkdir()
    content = {"meta": {"prefix": "audiojack/", "normal_class": "OK"}, **entries}
    (root / "realiad_jsons" / "audiojack.json").write_text(json.dumps(content))
    return Expected(samples, ("audiojack",), "real_iad")


def eyecandies(root: Path) -> Expected:
    base = root / "GummyBear"
    samples: Samples = {}
    for split, name, number in (
        ("train", "train", "000"),
        ("validation", "val", "000"),
        ("test", "test_public", "00"),
        ("test", "test_public", "01"),
    ):
        data = base / name / "data"
        bad = number == "01"
        for light in range(6):
            picture(data / f"{number}_image_{light}.png")
        depth = np.full(SIZE, 65535 // 5, np.uint16)
        Image.fromarray(depth).save(data / f"{number}_depth.png")
        (data / f"{number}_info_depth.yaml").write_text(
            "normalization:\n  min: 1.0\n  max: 2.0\nnormal: {}\n"
        )
        up = np.full((*SIZE, 3), (128, 128, 255), np.uint8)  # random pixels are unit vectors by chance alone
        Image.fromarray(up).save(data / f"{number}_normals.png")
        counts = {"bumps": 8, "colors": 0, "dents": 5, "normals": 0}
        for kind, count in counts.items():
            mask(data / f"{number}_{kind}_mask.png", {255: count} if bad and count else {})
        mask(data / f"{number}_mask.png", {255: 8} if bad else {})
        types = ("bumps", "dents") if bad else ()
        samples[f"GummyBear/{name}/data/{number}"] = (split, "defective" if bad else "good", types)
    return Expected(
        samples,
        ("GummyBear",),
        "eyecandies",
        depth=True,
        areas={"GummyBear/test_public/data/01": [5, 8]},
    )


def magnetic_tile(root: Path) -> Expected:
    """Six good tiles in two exposures each, of which two are test, and two tiles with a defect."""
    samples: Samples = {}
    kinds = {**dict.fromkeys(range(1, 7), "Free"), 7: "Crack", 8: "Blowhole"}
    for tile, kind in kinds.items():
        for exposure in (1, 3):
            name = f"exp{exposure}_num_{1000 * tile + exposure}"
            picture(root / f"MT_{kind}" / "Imgs" / f"{name}.jpg")
            good = kind == "Free"
            mask(root / f"MT_{kind}" / "Imgs" / f"{name}.png", {} if good else {255: 15, 60: 4})
            samples[f"magnetic_tile/MT_{kind}/Imgs/{name}"] = (
                "train" if good and tile not in (1, 6) else "test",
                "good" if good else "defective",
                () if good else (kind.lower(),),
            )
    areas = {"magnetic_tile/MT_Crack/Imgs/exp1_num_7001": [15]}
    return Expected(samples, ("magnetic_tile",), "magnetic_tile", areas=areas)


def deep_pcb(root: Path) -> Expected:
    samples: Samples = {}
    base = root / "group00041"
    for i in range(2):
        for role in ("temp", "test"):
            picture(base / "00041" / f"0004100{i}_{role}.jpg")
        boxes = base / "00041_not" / f"0004100{i}.txt"
        boxes.parent.mkdir(exist_ok=True)
        boxes.write_text("2 3 6 8 1\n10 10 14 13 4\n")
        samples[f"group00041/00041/0004100{i}_temp"] = ("train" if i else "test", "good", ())
        samples[f"group00041/00041/0004100{i}_test"] = ("test", "defective", ("open", "spur"))
    return Expected(samples, ("group00041",), "deep_pcb", areas={"group00041/00041/00041000_test": [12, 20]})


def meta_json(root: Path) -> Expected:
    picture(root / "cap" / "a" / "0.png")
    picture(root / "cap" / "b" / "1.png")
    mask(root / "cap" / "m" / "1.png")
    shared = {"cls_name": "cap"}
    good = {**shared, "img_path": "cap/a/0.png", "mask_path": "", "specie_name": "good", "anomaly": 0}
    bad = {
        **shared,
        "img_path": "cap/b/1.png",
        "mask_path": "cap/m/1.png",
        "specie_name": "dent",
        "anomaly": 1,
    }
    (root / "meta.json").write_text(json.dumps({"train": {"cap": [good]}, "test": {"cap": [bad]}}))
    return Expected(
        {"cap/a/0": ("train", "good", ()), "cap/b/1": ("test", "defective", ("dent",))}, ("cap",), "meta_json"
    )


def manifest(root: Path) -> Expected:
    picture(root / "images" / "0.png")
    picture(root / "images" / "1.png")
    mask(root / "masks" / "1.png", {1: 5, 2: 6})
    lines = [
        {"image": "images/0.png", "product": "cap", "split": "train", "label": "good"},
        {
            "image": "images/1.png",
            "product": "cap",
            "defects": [
                {"type": "dent", "mask": "masks/1.png", "mask_value": 1},
                {"type": "scratch", "mask": "masks/1.png", "mask_value": 2},
                {"type": "hole", "box": [4, 10, 8, 12]},
            ],
        },
    ]
    (root / "manifest.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    return Expected(
        {"images/0": ("train", "good", ()), "images/1": ("test", "defective", ("dent", "hole", "scratch"))},
        ("cap",),
        "manifest",
        areas={"images/1": [5, 6, 8]},
    )


def folder(root: Path) -> Expected:
    base = root / "photos"
    for i in range(6):
        picture(base / "good" / f"{i}.png")
    picture(base / "scratch" / "0.png")
    picture(base / "dent" / "0.jpg")
    mask(base / "masks" / "scratch" / "0.png")
    return Expected(
        {
            **{f"good/{i}": ("test" if i in (0, 5) else "train", "good", ()) for i in range(6)},
            "scratch/0": ("test", "defective", ("scratch",)),
            "dent/0": ("test", "defective", ("dent",)),
        },
        ("photos",),
        "folder",
        entry="photos",
        masked=False,
    )


BUILDERS: dict[str, Callable[[Path], Expected]] = {
    b.__name__: b
    for b in (
        mvtec_ad,
        mpdd,
        btad,
        visa_1cls,
        mvtec_ad_2,
        mvtec_loco,
        mvtec_3d,
        visa,
        real_iad,
        eyecandies,
        magnetic_tile,
        deep_pcb,
        meta_json,
        manifest,
        folder,
    )
}
