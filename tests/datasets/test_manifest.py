"""The manifest: what is written is read back, and mistakes are reported with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.dataset_layouts import BUILDERS, SIZE, mask, picture

from specsight.datasets import load_dataset, write_manifest, write_meta_json
from specsight.errors import SpecsightError, UnreadableFile
from specsight.images import anomaly_mask
from specsight.records import Defect, InstructedVerdict, Sample

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\.:"), min_size=1, max_size=12
)
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".png")
signals = st.from_regex(r"[A-Za-z0-9]ir[A-Za-z0-9_-]{0,8}", fullmatch=True)
numbers = st.floats(-1e6, 1e6)
maybe = st.none()


@st.composite
def defects(draw: st.DrawFn, root: Path) -> Defect:
    file = draw(maybe | paths)
    return Defect(
        # Tables of pandas hold these words where there is no type.
        type=draw(words.filter(lambda word: word not in ("nan", "NaN"))),
        mask=root / file if file else None,
        mask_value=draw(maybe | st.integers(1, 255)),
        mask_above=draw(st.integers(0, 254)),
        box=draw(maybe | st.tuples(*[st.integers(-5, 5000)] * 4)),
        part=draw(maybe | words),
        size_mm=draw(maybe | numbers),
        severity=draw(maybe | words),
        text=draw(maybe | words),
        saturation=draw(maybe | numbers),
        relative_saturation=draw(st.booleans()),
    )


@st.composite
def samples(draw: st.DrawFn, root: Path) -> list[Sample]:
    ids = draw(st.lists(words, unique=True, min_size=1, max_size=4))
    clause = st.dictionaries(words, words | st.integers() | numbers | st.booleans(), max_size=2)
    verdicts = st.builds(
        InstructedVerdict,
        words,
        st.sampled_from(["accept", "reject"]),
        st.sampled_from(["scope", "tolerance"]),
        words,
        clause,
    )
    images = draw(st.lists(paths, unique=True, min_size=len(ids), max_size=len(ids)))
    made = []
    for sample_id, image in zip(ids, images):
        found = draw(st.lists(defects(root), max_size=3))
        drawn = {n: draw(maybe | paths) for n in ("depth", "normals", "parts", "reference")}
        files: dict[str, Any] = {name: root / file if file else None for name, file in drawn.items()}
        made.append(
            Sample(
                id=sample_id,
                image=root / image,
                product=draw(words),
                split=draw(st.sampled_from(["train", "validation", "test", "test_private"])),
                label=draw(
                    st.sampled_from(["defective", "unknown"] if found else ["good", "defective", "unknown"])
                ),
                defects=tuple(found),
                **files,
                group=draw(maybe | words),
                mm_per_px=draw(maybe | st.floats(1e-6, 1e3)),
                circular=draw(st.booleans()),
                conditions=draw(st.dictionaries(words, words, max_size=2)),
                text=draw(st.dictionaries(words, words, max_size=2)),
                instructions=tuple(draw(st.lists(verdicts, max_size=2))),
                part_names=draw(st.dictionaries(st.integers(0, 255), words, max_size=2)),
                depth_range=draw(maybe | st.tuples(numbers, numbers)),
                depth_unit_mm=draw(st.sampled_from([1.0, 1000.0, 0.25])),
                signals={
                    name: root / file
                    for name, file in draw(st.dictionaries(signals, paths, max_size=1)).items()
                },
            )
        )
    return made


@given(data=st.data(), ending=st.sampled_from(["jsonl", "csv"]))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, ending: str
) -> None:
    root = tmp_path_factory.mktemp("m")
    written = data.draw(samples(root))
    path = write_manifest(written, root / f"list.{ending}")
    assert load_dataset(path, layout="manifest").samples == written


def test_a_name_like_a_drive_is_a_name_where_a_file_has_it(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("image,label\nI:q.png,good\n")
    with pytest.raises(SpecsightError, match="leads outside"):
        load_dataset(tmp_path / "list.csv")
    picture(tmp_path / "I:q.png")
    assert [sample.image for sample in load_dataset(tmp_path / "list.csv").samples] == [tmp_path / "I:q.png"]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize("layout", [name for name in BUILDERS if name != "folder"])
def test_every_layout_can_be_turned_into_a_manifest(tmp_path: Path, layout: str, ending: str) -> None:
    BUILDERS[layout](tmp_path)
    read = load_dataset(tmp_path).samples
    assert load_dataset(write_manifest(read, tmp_path / f"list.{ending}")).samples == read


def test_defaults_are_left_out_and_paths_are_relative(tmp_path: Path) -> None:
    sample = Sample("a", tmp_path / "x" / "a.png", "cap", split="train", label="good")
    path = write_manifest([sample], tmp_path / "manifest.jsonl")
    assert json.loads(path.read_text()) == {
        "id": "a",
        "image": "x/a.png",
        "product": "cap",
        "split": "train",
        "label": "good",
    }


def test_a_short_csv_is_enough(tmp_path: Path) -> None:
    """What a person types in a spreadsheet: no ids, labels in words of the trade, one row per defect."""
    folder = tmp_path / "caps"
    folder.mkdir()
    (folder / "manifest.csv").write_text(
        "image,label,type,mask,split,text,shift\n"
        "a.png,OK,,,train,fine,night\n"
        "b.png,,good,,,,\n"
        'c.png,NG,dent,c1.png,,"deep, long",\n'
        "c.png,NG,scratch,c2.png,,,\n"
        "d.png,,,d.png,,,\n"
        "e.png,,,,,,\n",
        encoding="utf-8-sig",
    )
    listing = load_dataset(folder)
    found = {s.id: (s.label, s.split, [d.type for d in s.defects]) for s in listing.samples}
    assert found == {
        "a": ("good", "train", []),
        "b": ("good", "test", []),
        "c": ("defective", "test", ["dent", "scratch"]),
        "d": ("defective", "test", ["anomaly"]),
        "e": ("unknown", "test", []),
    }
    first, third = listing.samples[0], listing.samples[2]
    assert first.text == {"description": "fine"}
    assert third.text == {"description": "deep, long"}
    assert first.conditions == {"shift": "night"}
    assert {s.product for s in listing.samples} == {"caps"}
    assert "columns kept as conditions: shift" in listing.notes


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ("{}", "line 2: image: field required"),
        ('{"image": "a.png", "reffrence": "b.png"}', "no field 'reffrence': did you mean 'reference'"),
        ('{"image": "a.png", "defects": [{"type": "x", "maks": "m.png"}]}', "did you mean 'mask'"),
        ('{"image": "a.png", "label": "maybe"}', "got 'maybe'"),
        ('{"image": "../a.png"}', r"'\.\./a\.png' leads outside"),
        ('{"image": "/etc/passwd"}', "leads outside"),
        ('{"image": "a.png", "mm_per_px": -1}', "mm_per_px: .*greater than"),
        ('{"image": "a.png", "mm_per_px": NaN}', "mm_per_px"),
        ('{"image": "a.png", "mm_per_px": 1e308}', "mm_per_px: .*less than"),
        (
            '{"image": "a.png", "label": "good", "defects": [{"type": "x"}]}',
            "labelled good but lists 1 defect",
        ),
        ('{"image": "a.png", "defects": [{"type": "x", "box": [1, 2]}]}', r"defects\.0\.box"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text('{"image": "ok.png"}\n' + line + "\n")
    with pytest.raises(SpecsightError, match=message) as caught:
        load_dataset(path)
    assert "manifest.jsonl' line 2" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("picture,label\na.png,good\n", "has no column 'image'"),
        ("image,labl\na.png,good\n", "column 'labl': did you mean 'label'"),
        ("image,label\na.png,good,x\n", "line 2 has 3 cells for 2 columns"),
        ("image,instructions\na.png,nonsense\n", "line 2: instructions is not JSON"),
        ("image,box,type\na.png,1 2 three 4,cut\n", "got 'three'"),
    ],
)
def test_mistakes_in_csv(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(table)
    with pytest.raises(SpecsightError, match=message):
        load_dataset(tmp_path / "list.csv", layout="manifest")


def test_other_encodings_and_repeated_ids_are_refused(tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_bytes(b'{"image": "gr\x81.png"}')
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        load_dataset(tmp_path / "no.jsonl")
    (tmp_path / "twice.jsonl").write_text('{"id": "x", "image": "a.png"}\n{"id": "x", "image": "b.png"}\n')
    with pytest.raises(SpecsightError, match="two samples with the id 'x"):
        load_dataset(tmp_path / "twice.jsonl")


def test_files_outside_the_manifests_folder_cannot_be_listed(tmp_path: Path) -> None:
    outside = Sample("a", tmp_path / "other" / "a.png", "p")
    with pytest.raises(SpecsightError, match="lies outside"):
        write_manifest([outside], tmp_path / "here" / "manifest.jsonl")
    with pytest.raises(SpecsightError, match=r"ends in \.jsonl or \.csv"):
        write_manifest([outside], tmp_path / "manifest.txt")
    assert not (tmp_path / "here").exists()


def test_meta_json_unites_what_it_cannot_tell_apart(tmp_path: Path) -> None:
    plain = mask(tmp_path / "m" / "1.png")
    shared = mask(tmp_path / "m" / "2.png", {1: 5, 2: 6})
    images = [picture(tmp_path / "p" / f"{i}.png") for i in range(4)]
    read = [
        Sample("p/0", images[0], "cap", "train", "good"),
        Sample("p/1", images[1], "cap", "test", "defective", (Defect("dent", mask=plain),)),
        Sample(
            "p/2",
            images[2],
            "cap",
            "test",
            "defective",
            (Defect("dent", mask=shared, mask_value=1), Defect("cut", box=(0, 20, 4, 22))),
        ),
        Sample("p/3", images[3], "cap", "test", "unknown"),
    ]
    write_meta_json(read, tmp_path)
    back = load_dataset(tmp_path).samples
    assert [(s.id, s.split, s.label, s.types) for s in back] == [
        ("p/0", "train", "good", ("good",)),
        ("p/1", "test", "defective", ("dent",)),
        ("p/2", "test", "defective", ("cut+dent",)),
    ]
    assert back[1].defects[0].mask == plain
    assert (anomaly_mask(back[2], SIZE) == anomaly_mask(read[2], SIZE)).all()
    assert anomaly_mask(back[2], SIZE).sum() == 5 + 8
