"""What single layouts say beyond the common contract: groups, lights, saturation, references, odd and broken trees."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.dataset_layouts import BUILDERS, SIZE, Expected, mask, picture

from specsight.datasets import load_dataset
from specsight.datasets.visa_types import type_name
from specsight.errors import SpecsightError
from specsight.images import anomaly_mask, load_picture, masks_known
from specsight.records import Sample


def by_id(root: Path, **options: str) -> dict[str, Sample]:
    return {s.id: s for s in load_dataset(root, **options).samples}


def test_ad_2_lights_are_conditions_and_a_number_is_one_object(tmp_path: Path) -> None:
    BUILDERS["mvtec_ad_2"](tmp_path)
    found = by_id(tmp_path)
    regular, shifted = (found[f"can/test_public/bad/000_{light}"] for light in ("regular", "shift_1"))
    assert (regular.conditions, shifted.conditions) == ({"light": "regular"}, {"light": "shift_1"})
    assert regular.group == shifted.group
    numbered = [s.group for s in found.values() if s.image.stem.startswith("000")]
    assert len(set(numbered)) == len(numbered) - 1, "the same number in another split is another object"


def test_loco_regions_carry_their_saturation(tmp_path: Path) -> None:
    BUILDERS["mvtec_loco"](tmp_path)
    sample = by_id(tmp_path)["juice_bottle/test/logical_anomalies/000"]
    assert [(d.type, d.saturation, d.relative_saturation) for d in sample.defects] == [
        ("wrong_fill", 6.0, False),
        ("no_label", 0.5, True),
    ]
    assert sample.conditions == {"anomaly": "logical"}


@pytest.mark.parametrize("content", ["not json", '{"a": 1}', '[{"defect_name": "x"}]', "[" * 100_000])
def test_a_broken_loco_configuration_is_named(tmp_path: Path, content: str) -> None:
    BUILDERS["mvtec_loco"](tmp_path)
    (tmp_path / "juice_bottle" / "defects_config.json").write_text(content)
    with pytest.raises(SpecsightError, match=r"defects_config\.json' is not a list"):
        load_dataset(tmp_path)


def test_real_iad_views_of_one_part_share_its_group(tmp_path: Path) -> None:
    BUILDERS["real_iad"](tmp_path)
    samples = load_dataset(tmp_path).samples
    assert {s.group for s in samples} == {
        "audiojack/audiojack_0001_OK",
        "audiojack/audiojack_0002_OK",
        "audiojack/audiojack_0003_NG_HS",
    }
    assert {s.conditions["view"] for s in samples} == {"C1", "C2"}


def test_real_iad_variants_and_nested_downloads(tmp_path: Path) -> None:
    expected = BUILDERS["real_iad"](tmp_path)
    inner = tmp_path / "realiad_jsons_sv" / "realiad_jsons_sv"
    inner.mkdir(parents=True)
    content = json.loads((tmp_path / "realiad_jsons" / "audiojack.json").read_text())
    top_view = {
        k: v if k == "meta" else [e for e in v if "_C1_" in e["image_path"]] for k, v in content.items()
    }
    (inner / "audiojack.json").write_text(json.dumps(top_view))
    assert len(load_dataset(tmp_path).samples) == len(expected.samples)
    assert len(load_dataset(tmp_path / "realiad_jsons_sv").samples) == 3
    assert len(load_dataset(inner / "audiojack.json").samples) == 3


@pytest.mark.parametrize("content", ["not json", "[" * 100_000, '{"meta": {}, "meta": {}}'])
def test_a_broken_real_iad_list_is_named(tmp_path: Path, content: str) -> None:
    BUILDERS["real_iad"](tmp_path)
    (tmp_path / "realiad_jsons" / "audiojack.json").write_text(content)
    with pytest.raises(SpecsightError, match=r"audiojack\.json' is not a Real-IAD list"):
        load_dataset(tmp_path)


def test_real_iad_paths_cannot_leave_its_folder(tmp_path: Path) -> None:
    BUILDERS["real_iad"](tmp_path)
    path = tmp_path / "realiad_jsons" / "audiojack.json"
    path.write_text(path.read_text().replace("OK/S0001", "../../secret"))
    with pytest.raises(SpecsightError, match="leads outside"):
        load_dataset(tmp_path)


def test_3d_depth_is_z_with_zero_points_unknown(tmp_path: Path) -> None:
    BUILDERS["mvtec_3d"](tmp_path)
    depth = load_picture(by_id(tmp_path)["tire/test/cut/rgb/000"]).depth
    assert depth is not None
    assert np.isnan(depth[0, 0])
    assert np.isfinite(depth).sum() == depth.size - 1


def test_eyecandies_depth_is_read_in_mm_and_single_lights_are_signals(tmp_path: Path) -> None:
    BUILDERS["eyecandies"](tmp_path)
    sample = by_id(tmp_path)["GummyBear/train/data/000"]
    assert sample.image.name == "000_image_4.png"
    assert sample.normals is not None
    assert sorted(sample.signals) == [f"light_{light}" for light in (0, 1, 2, 3, 5)]
    seen = load_picture(sample)
    assert seen.depth is not None
    np.testing.assert_allclose(seen.depth, 1200, atol=0.1)
    assert seen.signals["light_3"].dtype == np.uint8
    (tmp_path / "GummyBear" / "train" / "data" / "000_info_depth.yaml").write_text("normalization: 3\n")
    with pytest.raises(SpecsightError, match=r"info_depth\.yaml' does not give normalization"):
        load_dataset(tmp_path)


def test_eyecandies_without_masks_is_unlabelled_in_the_private_split(tmp_path: Path) -> None:
    BUILDERS["eyecandies"](tmp_path)
    data = tmp_path / "GummyBear" / "test_private" / "data"
    picture(data / "00_image_4.png")
    sample = by_id(tmp_path)["GummyBear/test_private/data/00"]
    assert (sample.label, sample.split) == ("unknown", "test_private")


def test_deep_pcb_boards_refer_to_their_template(tmp_path: Path) -> None:
    BUILDERS["deep_pcb"](tmp_path)
    found = by_id(tmp_path)
    for i in range(2):
        template, board = (found[f"group00041/00041/0004100{i}_{role}"] for role in ("temp", "test"))
        assert board.reference == template.image
        assert template.reference is None
    (tmp_path / "group00041" / "00041_not" / "00041001.txt").write_text("1 2 3 4 9\n")
    with pytest.raises(SpecsightError, match=r"00041001\.txt' line 1"):
        load_dataset(tmp_path)


def test_deep_pcb_inside_the_repositorys_folder(tmp_path: Path) -> None:
    BUILDERS["deep_pcb"](tmp_path / "PCBData")
    assert len(load_dataset(tmp_path).samples) == 4


def test_visa_values_have_their_published_names() -> None:
    assert type_name("candle", 1) == "chunk of wax missing"
    assert type_name("pcb4", 7) == "dirt"
    assert type_name("pcb4", 8) is None
    assert type_name("pcb4", 0) is None
    assert type_name("mug", 1) is None


def test_visa_of_unknown_objects_takes_names_from_the_labels(tmp_path: Path) -> None:
    base = tmp_path / "mug"
    for i in range(11):
        picture(base / "Data" / "Images" / "Normal" / f"{i:04}.JPG")
    values: tuple[dict[int, int], ...] = ({4: 9}, {1: 5, 2: 6}, {})
    for i, content in enumerate(values):
        picture(base / "Data" / "Images" / "Anomaly" / f"{i:03}.JPG")
        mask(base / "Data" / "Masks" / "Anomaly" / f"{i:03}.png", content)
    picture(base / "Data" / "Images" / "Anomaly" / "003.JPG")
    mask(base / "Data" / "Masks" / "Anomaly" / "099.png")
    rows = ["Chip", '"chip,crack"', '"chip,crack"', "crack"]
    lines = [f"mug/Data/Images/Anomaly/{i:03}.JPG,{label}," for i, label in enumerate(rows)]
    (base / "image_anno.csv").write_text("image,label,mask\n" + "\n".join(lines) + "\n")
    listing = load_dataset(tmp_path)
    types = {s.image.stem: [d.type for d in s.defects] for s in listing.samples if s.label == "defective"}
    assert types == {
        "000": ["chip"],
        "001": ["defect_1", "defect_2"],
        "002": ["chip", "crack"],
        "003": ["crack"],
    }
    assert [s.image.stem for s in listing.samples if s.label == "good" and s.split == "test"] == [
        "0000",
        "0010",
    ]
    assert [m.name for m in listing.unused_masks] == ["099.png"]
    assert any("without a mask: '003.JPG'" in note for note in listing.notes)


def test_visa_takes_any_of_its_split_lists(tmp_path: Path) -> None:
    BUILDERS["visa"](tmp_path)
    lines = (tmp_path / "split_csv" / "1cls.csv").read_text().splitlines()
    few = tmp_path / "split_csv" / "2cls_fewshot.csv"
    few.write_text("\n".join([lines[0], lines[2], lines[4].replace(",test,", ",train,")]) + "\n")
    assert {s.id[-4:]: s.split for s in load_dataset(few).samples} == {"0001": "train", "/001": "train"}
    with pytest.raises(SpecsightError, match="there is no product 'candle' here"):
        load_dataset(tmp_path / "pcb1", product="candle")
    few.write_text(lines[0] + "\npcb1,test,anomaly,../../x.JPG,\n")
    with pytest.raises(SpecsightError, match="leads outside"):
        load_dataset(few)


def test_btad_masks_may_end_otherwise_than_their_picture(tmp_path: Path) -> None:
    BUILDERS["btad"](tmp_path)
    sample = by_id(tmp_path)["01/test/ko/0000"]
    mask_file = sample.defects[0].mask
    assert mask_file is not None
    assert (sample.image.suffix, mask_file.suffix) == (".bmp", ".png")


def test_a_product_that_shares_its_name_with_mpdd_is_not_lost(tmp_path: Path) -> None:
    BUILDERS["mvtec_ad"](tmp_path)
    BUILDERS["mpdd"](tmp_path)
    listing = load_dataset(tmp_path)
    assert listing.layout == "mvtec_ad"
    assert {s.product for s in listing.samples} == {"bottle", "screw", "tubes"}


def test_a_picture_without_mask_and_a_mask_without_picture_are_noted(tmp_path: Path) -> None:
    BUILDERS["mvtec_ad"](tmp_path)
    truth = tmp_path / "bottle" / "ground_truth" / "dent"
    (truth / "000_mask.png").rename(truth / "007_mask.png")
    listing = load_dataset(tmp_path)
    sample = next(s for s in listing.samples if s.id == "bottle/test/dent/000")
    assert (sample.label, sample.types, masks_known(sample)) == ("defective", ("dent",), False)
    assert listing.unused_masks == [truth / "007_mask.png"]
    assert "bottle: 1 defective picture(s) without a mask: '000.png'" in listing.notes


def test_the_same_stem_with_two_endings_gives_two_ids(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "a.jpg")
    assert set(by_id(tmp_path)) == {"a.png", "a.jpg"}


def build(root: Path, *names: str) -> Path:
    for name in names:
        picture(root / name)
    return root


def test_folders_of_good_parts_only(tmp_path: Path) -> None:
    for root in (
        build(tmp_path / "x" / "ok", "0.png", "1.png"),
        build(tmp_path / "y", "Good/0.png", "Good/1.png"),
    ):
        assert {(s.label, s.split) for s in load_dataset(root).samples} == {("good", "train")}


def test_flat_pictures_are_of_unknown_label(tmp_path: Path) -> None:
    listing = load_dataset(
        build(tmp_path / "new", "0.png", "monday/1.png", "monday/._1.png", ".hidden/2.png")
    )
    assert {s.id: (s.label, s.split) for s in listing.samples} == {
        "0": ("unknown", "test"),
        "monday/1": ("unknown", "test"),
    }
    assert any("no good parts" in note for note in listing.notes)


def test_a_folder_of_defective_parts_only_says_so(tmp_path: Path) -> None:
    listing = load_dataset(build(tmp_path / "p", "defective/0.png", "bad/1.png"))
    assert {(s.label, s.types) for s in listing.samples} == {
        ("defective", ("bad",)),
        ("defective", ("defective",)),
    }
    assert any("learning needs pictures of good parts" in note for note in listing.notes)


def test_folders_with_splits_and_products(tmp_path: Path) -> None:
    root = build(
        tmp_path / "line",
        "cap/train/good/0.png",
        "cap/test/good/0.png",
        "cap/test/dent/0.png",
        "lid/test/good/0.png",
        "lid/test/cut/0.png",
    )
    listing = load_dataset(root, layout="folder")
    assert {s.id: (s.product, s.split, s.types) for s in listing.samples} == {
        "cap/train/good/0": ("cap", "train", ("good",)),
        "cap/test/good/0": ("cap", "test", ("good",)),
        "cap/test/dent/0": ("cap", "test", ("dent",)),
        "lid/test/good/0": ("lid", "test", ("good",)),
        "lid/test/cut/0": ("lid", "test", ("cut",)),
    }
    assert [s.product for s in load_dataset(root, layout="folder", product="lid").samples] == ["lid", "lid"]


def test_masks_of_a_folder_go_to_the_pictures_of_their_type(tmp_path: Path) -> None:
    root = build(tmp_path / "p", "good/0.png", "dent/0.png", "cut/0.png", "cut/1.png", "cut/2.png")
    dent = mask(root / "ground_truth" / "dent" / "0_mask.png")
    beside = mask(root / "cut" / "1_mask.png")
    lone = mask(root / "masks" / "2.png")
    stray = mask(root / "masks" / "9.png")
    listing = load_dataset(root)
    masks = {s.id: s.defects[0].mask for s in listing.samples if s.defects}
    assert masks == {"dent/0": dent, "cut/0": None, "cut/1": beside, "cut/2": lone}
    assert listing.unused_masks == [stray]
    assert listing.good_masks == {}


def test_links_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    root = build(tmp_path / "p", "good/0.png", "cut/0.png")
    (root / "cut" / "again").symlink_to(root, target_is_directory=True)
    assert set(by_id(root)) == {"good/0", "cut/0"}


def test_one_picture_is_a_data_set_of_one(tmp_path: Path) -> None:
    path = picture(tmp_path / "cap.png")
    assert [(s.id, s.image, s.label) for s in load_dataset(path).samples] == [("cap", path, "unknown")]


def test_names_from_anywhere(tmp_path: Path) -> None:
    names = ("good/Grün 緑.png", "Kratzer_größer_als_5 mm/" + "ü" * 100 + ".png")
    listing = load_dataset(build(tmp_path / "Прокладка", *names))
    assert {t for s in listing.samples for t in s.types} == {"good", "Kratzer_größer_als_5 mm"}
    assert all(load_picture(s).size == SIZE for s in listing.samples)


def test_relative_paths_and_dots_name_the_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BUILDERS["mvtec_ad"](tmp_path)
    monkeypatch.chdir(tmp_path / "bottle" / "test")
    all_ids = {s.id for s in load_dataset(tmp_path, product="bottle").samples}
    assert {s.id for s in load_dataset("..").samples} == all_ids
    monkeypatch.chdir(tmp_path / "bottle")
    assert {s.id for s in load_dataset(".").samples} == all_ids


def test_detection_looks_at_few_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of detection does not grow with what lies inside the products."""
    from specsight.datasets import detect_layout, files

    opened: list[Path] = []
    entries = files._entries
    monkeypatch.setattr(files, "_entries", lambda path: opened.append(path) or entries(path))

    def looks(root: Path) -> int:
        opened.clear()
        assert detect_layout(root) == "mvtec_ad"
        return len(opened)

    BUILDERS["mvtec_ad"](tmp_path)
    few = looks(tmp_path)
    for product in ("bottle", "screw"):
        for i in range(20):
            picture(tmp_path / product / "test" / f"kind{i}" / "0.png")
    assert looks(tmp_path) == few


def test_every_listing_survives_a_change_of_root(tmp_path: Path) -> None:
    """Ids come from the tree, not from where it lies."""
    first: Expected = BUILDERS["mvtec_ad"](tmp_path / "a" / "set")
    second = BUILDERS["mvtec_ad"](tmp_path / "b" / "elsewhere")
    assert first == second
    moved = [replace(s, image=Path(), defects=()) for s in load_dataset(tmp_path / "a" / "set").samples]
    assert moved == [
        replace(s, image=Path(), defects=()) for s in load_dataset(tmp_path / "b" / "elsewhere").samples
    ]
    assert all(anomaly_mask(s, SIZE).any() for s in load_dataset(tmp_path / "a" / "set").samples if s.defects)
