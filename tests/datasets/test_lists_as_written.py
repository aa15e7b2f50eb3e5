"""Lists as spreadsheets, Windows and other programs write them: read as meant, or refused with the line."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.support.dataset_layouts import mask, picture

from specsight.datasets import DatasetListing, load_dataset
from specsight.errors import SpecsightError

Form = Literal["NFC", "NFD"]
HEAD = ["image", "label", "type", "mask", "split", "mm_per_px"]
ROWS = [
    ["p/train/a.png", "good", "", "", "train", ""],
    ["p/test/b.png", "good", "", "", "test", ""],
    ["p/test/c.png", "", "scratch", "m/c.png", "test", ""],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for image, *_ in ROWS:
        picture(tmp_path / image)
    mask(tmp_path / "m" / "c.png")
    return tmp_path


def table(delimiter: str = ",", rows: list[list[str]] = ROWS, head: list[str] = HEAD) -> str:
    return "\r\n".join(delimiter.join(row) for row in [head, *rows]) + "\r\n"


def check(listing: DatasetListing) -> None:
    assert [(s.id, s.label, s.split, s.types) for s in listing.samples] == [
        ("p/train/a", "good", "train", ("good",)),
        ("p/test/b", "good", "test", ("good",)),
        ("p/test/c", "defective", "test", ("scratch",)),
    ]
    assert all(s.image.is_file() for s in listing.samples)
    (defect,) = listing.samples[2].defects
    assert defect.mask is not None
    assert defect.mask.is_file()


@pytest.mark.parametrize(
    "content",
    [
        table().encode(),
        table(";").encode(),
        table("\t").encode(),
        ("sep=;\r\n" + table(";")).encode("utf-8-sig"),
        table().encode("utf-8-sig"),
        table().encode("utf-16"),
        table("\t").encode("utf-16"),
        table().replace("\r\n", "\n").encode(),
        table().replace("/", "\\").encode(),
        table(head=[name.title() for name in HEAD[:-1]] + ["mm_per_px"]).encode(),
        (table() + ",,,,,\r\n,,,,,\r\n").encode(),
        (",".join(HEAD) + "\n" + "\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS)).encode(),
        table(rows=[[r[0], {"good": "0.0", "": "1.0"}[r[1]], *r[2:]] for r in ROWS]).encode(),
        table(rows=[[r[0], r[1], r[2] or "nan", r[3] or "nan", r[4], "nan"] for r in ROWS]).encode(),
        table(rows=[[*r[:4], {"train": "Training", "test": " TEST "}[r[4]], r[5]] for r in ROWS]).encode(),
    ],
)
def test_tables_of_spreadsheets(folder: Path, content: bytes) -> None:
    (folder / "manifest.csv").write_bytes(content)
    check(load_dataset(folder))
    (folder / "manifest.csv").rename(folder / "PARTS.CSV")
    check(load_dataset(folder / "PARTS.CSV"))


@pytest.mark.parametrize(
    ("delimiter", "cell", "value"),
    [(";", "0,05", 0.05), (";", "0.05", 0.05), (",", '"0,05"', 0.05), (";", "2", 2.0)],
)
def test_decimal_commas(folder: Path, delimiter: str, cell: str, value: float) -> None:
    rows = [[*row[:5], cell] for row in ROWS]
    (folder / "manifest.csv").write_text(table(delimiter, rows))
    assert {s.mm_per_px for s in load_dataset(folder).samples} == {value}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("0,5 1,5", (0.5, 1.5)), ('"0, 1"', (0.0, 1.0)), ('"0,1"', (0.0, 1.0)), ("0 1", (0.0, 1.0))],
)
def test_lists_of_numbers(folder: Path, cell: str, expected: tuple[float, float]) -> None:
    (folder / "manifest.csv").write_text(f"image;depth_range\np/train/a.png;{cell}\n")
    assert load_dataset(folder).samples[0].depth_range == expected


def test_windows_1252_is_read_and_said(folder: Path) -> None:
    picture(folder / "größe.png")
    (folder / "manifest.csv").write_bytes("image,label\ngröße.png,good\n".encode("cp1252"))
    listing = load_dataset(folder)
    assert listing.samples[0].image.is_file()
    assert any("read as Windows-1252" in note for note in listing.notes)


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_accents_composed_or_not_name_the_same_file(tmp_path: Path, disk: Form, written: Form) -> None:
    name = "prüfung/stück_é.png"
    picture(tmp_path / unicodedata.normalize(disk, name))
    mask(tmp_path / unicodedata.normalize(disk, "masken/é.png"))
    line = {"image": name, "defects": [{"type": "kratzer", "mask": "masken/é.png"}]}
    content = unicodedata.normalize(written, json.dumps(line, ensure_ascii=False))
    (tmp_path / "manifest.jsonl").write_text(content, encoding="utf-8")
    (sample,) = load_dataset(tmp_path).samples
    assert sample.image.is_file()
    assert sample.defects[0].mask is not None
    assert sample.defects[0].mask.is_file()


@pytest.mark.parametrize("pictures", ["NFC", "NFD"])
def test_masks_and_pictures_whose_accents_are_written_otherwise(tmp_path: Path, pictures: Form) -> None:
    masks: Form = "NFD" if pictures == "NFC" else "NFC"
    for i in range(3):
        picture(tmp_path / "good" / unicodedata.normalize(pictures, f"stück_{i}.png"))
        picture(tmp_path / "scratch" / unicodedata.normalize(pictures, f"stück_{i}.png"))
        mask(tmp_path / "masks" / "scratch" / unicodedata.normalize(masks, f"stück_{i}_mask.png"))
    defective = [s for s in load_dataset(tmp_path).samples if s.label == "defective"]
    assert len(defective) == 3
    assert all(s.defects[0].mask for s in defective)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.csv", b"", "has no column 'image'"),
        ("manifest.csv", b"image,label\n", "lists no picture"),
        ("manifest.jsonl", b"", "lists no picture"),
        ("manifest.jsonl", b"\n\n", "lists no picture"),
        ("meta.json", b'{"train": {"p": []}}', "lists no picture"),
        ("manifest.csv", b"image,label\na\0.png,good\n", "holds zero bytes, as no text does"),
        ("manifest.jsonl", b'{"image": "a\\u0000.png"}', "line 1: 'a\0.png' has a zero byte in it"),
        ("manifest.csv", b"image,label,label\na.png,good,bad\n", "has two columns 'label'"),
        ("manifest.jsonl", b'{"image": "a.png", "label": "good", "label": "bad"}', "line 1 is not JSON .*stands twice"),
        ("manifest.jsonl", b'{"image": "a.png", "split": "tset"}', "line 1: there is no split 'tset': did you mean"),
        ("meta.json", b'{"tset": {"p": [{"img_path": "a.png", "mask_path": "", "specie_name": "good", "anomaly": 0}]}}',
         "there is no split 'tset': did you mean 'test'"),
        ("manifest.csv", b"image,label,type\na.png,bad,cut\na.png,good,\n",
         "line 3 says label 'good' of 'a.png', and line 2 'bad'"),
        ("manifest.csv", b"image,split,type\na.png,test,cut\na.png,train,dent\n",
         "line 3 says split 'train' .* line 2 'test'"),
        ("manifest.jsonl",
         b'{"id": "1", "image": "a.png", "label": "good"}\n{"id": "2", "image": "a.png", "label": "bad"}',
         "a.png' good as '1' and defective as '2'"),
        ("manifest.jsonl", b'{"image": "C:/a.png"}', "'C:/a.png' leads outside"),
        ("manifest.jsonl", b'{"image": "..\\\\..\\\\a.png"}', "leads outside"),
        ("manifest.jsonl", b'{"image": "\\\\\\\\server\\\\a.png"}', "leads outside"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_cause(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SpecsightError, match=message):
        load_dataset(tmp_path)


def meta(folder: Path, entry: dict[str, Any], encoding: str = "utf-8") -> DatasetListing:
    good = {
        "img_path": "p/train/a.png",
        "mask_path": None,
        "cls_name": "p",
        "specie_name": "good",
        "anomaly": 0,
    }
    content = {"train": {"p": [good]}, "test": {"p": [entry]}}
    (folder / "meta.json").write_text(json.dumps(content), encoding=encoding)
    return load_dataset(folder)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "entry",
    [
        {
            "img_path": "p/test/c.png",
            "mask_path": "m/c.png",
            "cls_name": "p",
            "specie_name": "scratch",
            "anomaly": 1,
        },
        {"img_path": "p\\test\\c.png", "mask_path": "m\\c.png", "specie_name": "scratch", "anomaly": "1"},
        {"image_path": "p/test/c.png", "defects": {"scratch": "m/c.png"}, "Anomaly": 1},
    ],
)
def test_meta_json_as_others_write_it(folder: Path, entry: dict[str, Any], encoding: str) -> None:
    good, defective = meta(folder, entry, encoding).samples
    assert (good.label, good.split) == ("good", "train")
    assert defective.types == ("scratch",)
    assert defective.image == folder / "p" / "test" / "c.png"
    assert defective.defects[0].mask == folder / "m" / "c.png"
