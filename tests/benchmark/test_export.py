"""Every export is read by its own reader: pycocotools, mlcroissant, the layouts of MMAD, LLaVA and image folders."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

pytest.importorskip("pycocotools")
pytest.importorskip("mlcroissant")

from tests.support.small_benchmark import HEIGHT, WIDTH, write_small_benchmark

from specsight.benchmark.card import Facts, datasheet, derived_terms, write_card
from specsight.benchmark.export import export_benchmark, exporters
from specsight.benchmark.files import Benchmark
from specsight.errors import SpecsightError
from specsight.ontology import load_ontology, save_ontology

TODAY = datetime.date(2026, 11, 28)


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    benchmark = write_small_benchmark(tmp_path)
    write_card(benchmark, TODAY)
    return benchmark


@pytest.mark.parametrize("name", list(exporters))
def test_every_form_counts_what_it_writes_and_ships_no_pictures(
    benchmark: Benchmark, tmp_path: Path, name: str
) -> None:
    exported = export_benchmark(benchmark, name, tmp_path / "out")
    items = sum(1 for _ in benchmark.items())
    pictures = sum(1 for _ in benchmark.samples())
    left_out = sum(exported.left_out.values())
    assert exported.count == pictures if name == "coco" else exported.count + left_out == items
    names = {path.name for path in (tmp_path / "out").rglob("*.png")}
    assert not names & {"good.png", "scratch.png", "boxed.png"}
    with pytest.raises(SpecsightError):
        export_benchmark(benchmark, name, tmp_path / "out")


@pytest.mark.parametrize("name", list(exporters))
def test_an_export_is_the_same_each_time(benchmark: Benchmark, tmp_path: Path, name: str) -> None:
    for out in ("one", "two"):
        export_benchmark(benchmark, name, tmp_path / out)
    files = sorted(
        path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()
    )
    assert files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_coco_reads_its_masks_again(benchmark: Benchmark, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    export_benchmark(benchmark, "coco", tmp_path / "out")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "out" / "annotations.json"))
        captions = COCO(str(tmp_path / "out" / "captions.json"))
    assert {c["name"] for c in coco.loadCats(coco.getCatIds())} == {"scratch", "dent"}
    annotations = coco.loadAnns(coco.getAnnIds())
    assert [int(coco.annToMask(one).sum()) for one in annotations] == [80, 80, 48]
    for one in annotations:
        rows, columns = np.nonzero(coco.annToMask(one))
        x, y, width, height = one["bbox"]
        assert (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1) == (x, y, width, height)
    assert [one["caption"] for one in captions.loadAnns(captions.getAnnIds())] == ["A cap with two defects."]


def test_mmad_holds_questions_by_picture_and_masks_beside_them(benchmark: Benchmark, tmp_path: Path) -> None:
    exported = export_benchmark(benchmark, "mmad", tmp_path / "out")
    content = json.loads((tmp_path / "out" / "mmad.json").read_text())
    assert set(content) == {"good.png", "scratch.png"}
    entry = content["scratch.png"]
    assert entry["random_templates"] == ["good.png"]
    assert entry["conversation"] == [
        {
            "Question": "Is anything <b>wrong</b>?",
            "Options": {"A": "Yes.", "B": "No."},
            "Answer": "A",
            "type": "Anomaly Detection",
            "annotation": True,
        }
    ]
    mask = cv2.imread(str(tmp_path / "out" / entry["mask_path"]), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    assert mask.shape == (HEIGHT, WIDTH)
    assert sorted(np.unique(mask)) == [0, 255]
    assert int((mask > 0).sum()) == 128
    assert dict(exported.left_out) == {
        "form 'choices'": 1,
        "task 'part_scope' has no row in MMAD": 1,
        "form 'text'": 1,
    }
    rows = list(csv.DictReader((tmp_path / "out" / "metadata.csv").open()))
    assert [row["answer"] for row in rows] == ["B", "A"]
    assert rows[0]["options"] == "A: Yes.\nB: No."


def test_mmad_knows_the_types_that_occur(benchmark: Benchmark, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "products:\n- names: [cap]\n  types:\n"
        "  - {raw: [dent], type: dent, looks: The cap is pressed in., causes: [a fall], consequence: It leaks., "
        "action: Reject it.}\n"
    )
    save_ontology(load_ontology(extend=[own]), benchmark.folder / "ontology.yaml", "caps")
    export_benchmark(benchmark, "mmad", tmp_path / "out")
    content = json.loads((tmp_path / "out" / "domain_knowledge.json").read_text())
    assert set(content) == {"caps"}
    assert set(content["caps"]["cap"]) == {"good", "scratch", "dent"}, "a stain never occurs"
    assert content["caps"]["cap"]["good"] == " Good\n Description: The cap is grey."
    assert content["caps"]["cap"]["dent"] == (
        " Dent\n Description: The cap is pressed in. It is caused by a fall. It leaks. Reject it."
    )
    scratch = load_ontology().types["scratch"]
    assert content["caps"]["cap"]["scratch"] == (
        f" Scratch\n Description: {scratch.looks} It is caused by {scratch.causes[0]}, {scratch.causes[1]} or "
        f"{scratch.causes[2]}. {scratch.consequence} {scratch.action}"
    )


def test_llava_answers_end_in_a_token_per_named_type(benchmark: Benchmark, tmp_path: Path) -> None:
    export_benchmark(benchmark, "llava", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "train.json").read_text()) == []
    test = {one["id"]: one for one in json.loads((tmp_path / "out" / "test.json").read_text())}
    first = test["scratch/anomaly/0"]
    assert first["image"] == ["good.png", "scratch.png"]
    human, model = (turn["value"] for turn in first["conversations"])
    assert human == "<image>\n<image>\nIs anything <b>wrong</b>?\nA. Yes.\nB. No."
    assert model == "A. Yes. [SEG_DEFECT] [SEG_DEFECT] [SEG_NORMAL]"
    assert test["scratch/type/0"]["conversations"][1]["value"].startswith("A. scratch; C. dent")
    scoped = test["scratch/part_scope/0"]["conversations"][0]["value"]
    assert scoped.splitlines()[1] == "Inspect the rim only."


def test_an_image_folder_has_the_same_columns_in_every_row(benchmark: Benchmark, tmp_path: Path) -> None:
    export_benchmark(benchmark, "hf", tmp_path / "out", pictures=True)
    rows = [json.loads(line) for line in (tmp_path / "out" / "test.jsonl").read_text().splitlines()]
    assert len(rows) == 5
    assert len({tuple((name, type(value)) for name, value in row.items()) for row in rows}) == 1
    assert all((tmp_path / "out" / row["file_name"]).is_file() for row in rows)
    assert (tmp_path / "out" / "README.md").read_text().startswith("---\n")


def test_label_studio_gets_outlines_in_percent(benchmark: Benchmark, tmp_path: Path) -> None:
    export_benchmark(benchmark, "labelstudio", tmp_path / "out")
    boxed, _, scratch = json.loads((tmp_path / "out" / "tasks.json").read_text())
    (box,) = boxed["predictions"][0]["result"]
    assert (box["type"], box["value"]["width"]) == ("rectanglelabels", pytest.approx(100 * 20 / WIDTH))
    results = scratch["predictions"][0]["result"]
    assert [one["value"]["polygonlabels"] for one in results] == [["scratch"], ["dent"]]
    points = np.array(results[0]["value"]["points"])
    assert points.min(0) == pytest.approx([0, 100 * 8 / HEIGHT])
    assert points.max(0) == pytest.approx([100 * 19 / WIDTH, 100 * 11 / HEIGHT])
    labels = ElementTree.parse(tmp_path / "out" / "config.xml").getroot().iter("Label")
    assert {label.get("value") for label in labels} == {"scratch", "dent"}


def test_the_card_validates_and_reads_the_items(benchmark: Benchmark, tmp_path: Path) -> None:
    import mlcroissant as mlc

    export_benchmark(benchmark, "croissant", tmp_path / "out")
    dataset = mlc.Dataset(jsonld=str(tmp_path / "out" / "card.json"))
    assert json.loads((tmp_path / "out" / "card.json").read_text())["conformsTo"].endswith("croissant/1.1")
    rows = list(dataset.records("items"))
    assert [row["items/answer"].decode() for row in rows] == [item.answer for item in benchmark.items()]


def test_derived_text_inherits_what_pictures_demand() -> None:
    assert derived_terms("CC BY-NC-SA 4.0 (a set)").endswith("non-commercial use only and shared alike")
    assert derived_terms("MIT") == "MIT"


def test_the_datasheet_shows_foreign_text_as_text(benchmark: Benchmark) -> None:
    text = datasheet(benchmark, Facts(benchmark), TODAY)
    assert r"Caps \<small\>" in text
    assert "non-commercial use only" in text
    assert "| cap | 3 | 1 | 2 |" in text
