"""What every reader owes, whatever its layout; run over the whole registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.dataset_layouts import BUILDERS, SIZE, Expected, picture

from specsight.datasets import DatasetListing, detect_layout, load_dataset, readers
from specsight.datasets.check import check_dataset
from specsight.errors import SpecsightError
from specsight.images import anomaly_mask, defect_masks, load_picture, masks_known


@pytest.fixture(params=list(BUILDERS))
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Expected]:
    expected = BUILDERS[request.param](tmp_path)
    return tmp_path / expected.entry, expected


@pytest.fixture
def listing(tree: tuple[Path, Expected]) -> DatasetListing:
    return load_dataset(tree[0])


def test_every_registered_reader_has_a_tree() -> None:
    assert set(BUILDERS) == set(readers)
    assert all(readers[name].name == name and readers[name].title for name in readers)


def test_layout_is_detected_and_named_in_the_notes(tree: tuple[Path, Expected]) -> None:
    path, expected = tree
    assert detect_layout(path) == expected.layout
    listing = load_dataset(path)
    assert listing.layout == expected.layout
    assert listing.notes[0] == f"layout: {readers[expected.layout].title}"


def test_samples_are_those_on_disk(tree: tuple[Path, Expected], listing: DatasetListing) -> None:
    found = {s.id: (s.split, s.label, tuple(sorted(d.type for d in s.defects))) for s in listing.samples}
    assert found == tree[1].samples
    assert len(found) == len(listing.samples), "ids are unique"
    assert {s.product for s in listing.samples} == set(tree[1].products)


def test_files_exist_and_fit_together(tree: tuple[Path, Expected], listing: DatasetListing) -> None:
    for sample in listing.samples:
        seen = load_picture(sample)
        assert seen.size == SIZE
        assert (seen.depth is not None) == tree[1].depth
        if masks_known(sample):
            assert anomaly_mask(sample, SIZE).any() == (sample.label == "defective")


def test_good_parts_have_no_defects_and_bad_ones_keep_theirs_apart(
    tree: tuple[Path, Expected], listing: DatasetListing
) -> None:
    by_id = {s.id: s for s in listing.samples}
    assert all(masks_known(s) for s in listing.samples if s.label != "unknown") == tree[1].masked
    for sample_id, areas in tree[1].areas.items():
        assert sorted(int(m.sum()) for m in defect_masks(by_id[sample_id], SIZE)) == areas


def test_one_product_reads_the_same_as_the_whole(
    tree: tuple[Path, Expected], listing: DatasetListing
) -> None:
    for product in tree[1].products:
        alone = load_dataset(tree[0], product=product)
        assert alone.samples == [s for s in listing.samples if s.product == product]
    assert load_dataset(tree[0], product=list(tree[1].products)).samples == listing.samples
    with pytest.raises(SpecsightError, match="there is no product 'nosuch'"):
        load_dataset(tree[0], product="nosuch")


def test_a_product_folder_gives_the_same_ids_as_its_root(tree: tuple[Path, Expected]) -> None:
    path, expected = tree
    product = path / expected.products[0]
    without = ("real_iad", "magnetic_tile", "meta_json", "manifest", "folder")
    if expected.layout in without or not product.is_dir():
        pytest.skip("this layout has no folder per product")
    of_product = [s for s in load_dataset(path).samples if s.product == expected.products[0]]
    assert load_dataset(product).samples == of_product


def test_naming_the_layout_equals_detecting_it(tree: tuple[Path, Expected], listing: DatasetListing) -> None:
    assert load_dataset(tree[0], layout=tree[1].layout).samples == listing.samples


def test_the_check_finds_nothing_in_a_sound_tree(
    tree: tuple[Path, Expected], listing: DatasetListing
) -> None:
    report = check_dataset(listing)
    assert [p.kind for p in report.problems] == ([] if tree[1].masked else ["mask missing"])
    assert sum(report.pictures.values()) == len(listing.samples)
    assert report.smallest == report.largest == SIZE


def test_a_misspelt_layout_gets_a_suggestion(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(SpecsightError, match="did you mean 'mvtec_loco'"):
        load_dataset(tmp_path, layout="mvtec_locco")


def test_two_layouts_at_one_place_are_not_guessed_between(tmp_path: Path) -> None:
    BUILDERS["mvtec_ad"](tmp_path)
    BUILDERS["meta_json"](tmp_path)
    with pytest.raises(SpecsightError, match="meta_json and like mvtec_ad: say which with --layout"):
        load_dataset(tmp_path)
    assert len(load_dataset(tmp_path, layout="meta_json").samples) == 2


def test_a_manifest_decides_over_any_tree(tmp_path: Path) -> None:
    BUILDERS["mvtec_ad"](tmp_path)
    (tmp_path / "manifest.csv").write_text("image,label\nbottle/train/good/000.png,good\n")
    assert [s.id for s in load_dataset(tmp_path).samples] == ["bottle/train/good/000"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("notes.txt", "hello", "is not a picture or a list"), ("empty", None, "holds no pictures")],
)
def test_nothing_to_read_is_said(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    path = tmp_path / name
    path.mkdir() if content is None else path.write_text(content)
    with pytest.raises(SpecsightError, match=message):
        load_dataset(path)
    with pytest.raises(SpecsightError, match="there is no"):
        load_dataset(tmp_path / "missing")
