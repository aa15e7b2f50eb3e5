"""Every file below the folder that was given is used or named with a reason; what is no data is not looked into."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from PIL import Image
from tests.support.dataset_layouts import BUILDERS, mask, picture

from specsight.datasets import DatasetListing, load_dataset, readers
from specsight.datasets.accounting import Account, Ignored, merged
from specsight.errors import SpecsightError
from specsight.storage import write_json


def ignored(listing: DatasetListing) -> dict[str, tuple[str, ...]]:
    return {one.reason: one.examples for one in listing.ignored}


def images(listing: DatasetListing, root: Path) -> list[str]:
    return sorted(s.image.relative_to(root).as_posix() for s in listing.samples)


def test_every_file_of_a_folder_is_used_or_named(tmp_path: Path) -> None:
    picture(tmp_path / "good" / "0.png")
    for name in ("1.exr", "1.dng", "line.mp4", "list.txt"):
        (tmp_path / "good" / name).write_bytes(b"content")
    shutil.copy(tmp_path / "good" / "0.png", tmp_path / "good" / "camera")
    shutil.copy(tmp_path / "good" / "0.png", tmp_path / "good" / "0.png.bak")
    (tmp_path / "good" / "unknown").write_bytes(b"content")
    (tmp_path / "good" / "gone.png").symlink_to("/nowhere/gone.png")
    (tmp_path / "good" / ".hidden.png").write_bytes(b"")
    listing = load_dataset(tmp_path)
    assert images(listing, tmp_path) == ["good/0.png"]
    found = ignored(listing)
    assert found["EXR"] == ("good/1.exr",)
    assert found["DNG"] == ("good/1.dng",)
    assert found["videos (MP4)"] == ("good/line.mp4",)
    assert found["pictures without an ending"] == ("good/camera",)
    assert found["pictures that end in .bak"] == ("good/0.png.bak",)
    assert found["links that lead nowhere"] == ("good/gone.png",)
    assert found["hidden"] == ("good/.hidden.png",)
    assert found["files that are no pictures"] == ("good/list.txt", "good/unknown")
    assert list(found)[-1] == "files that are no pictures"
    assert sum(one.count for one in listing.ignored) + len(listing.samples) == len(
        list((tmp_path / "good").iterdir())
    )


def test_links_in_circles_pipes_and_sockets_are_named_and_stop_nothing(tmp_path: Path) -> None:
    picture(tmp_path / "0.png")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "self.png").symlink_to("self.png")
    (tmp_path / "here").symlink_to(".")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s.png"))
        listing = load_dataset(tmp_path)
    assert images(listing, tmp_path) == ["0.png"]
    assert ignored(listing) == {
        "links that lead nowhere": ("self", "self.png"),
        "pipes": ("pipe.png",),
        "sockets": ("s.png",),
        "devices": ("zero.png",),
    }
    with pytest.raises(SpecsightError, match=r"pipe\.png' is a pipe or a device: give a file"):
        load_dataset(tmp_path / "pipe.png")


def test_a_locked_subfolder_is_named_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "0.png")
    picture(tmp_path / "locked" / "1.png")
    look = os.scandir

    def refusing(path: str | Path = ".") -> object:
        if str(path).rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", refusing)
    listing = load_dataset(tmp_path)
    assert images(listing, tmp_path) == ["0.png"]
    assert ignored(listing) == {"folders that cannot be looked into": ("locked",)}
    with pytest.raises(SpecsightError, match=r"cannot look into '.*locked' \(Permission denied\)"):
        load_dataset(tmp_path / "locked")


@pytest.mark.parametrize(
    "folder", ["@eaDir", ".thumbnails", "$RECYCLE.BIN", "#recycle", ".Trash-1000", "__MACOSX"]
)
def test_what_systems_keep_is_no_data(tmp_path: Path, folder: str) -> None:
    picture(tmp_path / "0.png")
    picture(tmp_path / folder / "deep" / "0.png")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    listing = load_dataset(tmp_path)
    assert images(listing, tmp_path) == ["0.png"]
    assert sum(one.count for one in listing.ignored) == 2


@pytest.mark.parametrize("names", [("config.yaml", "predictions.jsonl"), ("detector.json", "checksums.json")])
def test_our_own_results_are_no_data(tmp_path: Path, names: tuple[str, ...]) -> None:
    picture(tmp_path / "0.png")
    picture(tmp_path / "results" / "overlays" / "0" / "0.jpg")
    for name in names:
        (tmp_path / "results" / name).write_text("{}")
    listing = load_dataset(tmp_path)
    assert images(listing, tmp_path) == ["0.png"]
    (one,) = listing.ignored
    assert (one.reason, one.count) == ("results of Specsight", 3)
    for inside in ("results", "results/overlays", "results/overlays/0"):
        with pytest.raises(
            SpecsightError, match="holds results of Specsight: give the folder with the pictures"
        ):
            load_dataset(tmp_path / inside)


def test_a_set_beside_other_folders_is_read_and_the_rest_named(tmp_path: Path) -> None:
    """A tree of a known layout, and pictures that it says nothing of: a further set one level deeper among them."""
    BUILDERS["mvtec_ad"](tmp_path)
    picture(tmp_path / "bottle" / "extra" / "0.png")
    for name in ("train/good", "test/good", "test/dent"):
        picture(tmp_path / "more" / "cap" / name / "0.png")
    found = ignored(load_dataset(tmp_path))
    assert found["pictures that the layout does not name"] == (
        "bottle/extra/0.png",
        "more/cap/test/dent/0.png",
        "more/cap/test/good/0.png",
    )
    of_bottle = load_dataset(tmp_path, product="bottle").ignored
    assert [one.examples for one in of_bottle if one.reason == "pictures that the layout does not name"] == [
        ("extra/0.png",)
    ]


@pytest.mark.parametrize("layout", list(BUILDERS))
def test_nothing_of_a_sound_tree_is_ignored_but_other_views(tmp_path: Path, layout: str) -> None:
    """Lists, labels and empty masks of good pictures belong to the set, and so do texts about it."""
    BUILDERS[layout](tmp_path)
    for name in ("LICENSE", "license.txt", "Readme.md", "COPYING", "specification.yaml", "tyres.json"):
        (tmp_path / name).write_text("CC BY-NC-SA 4.0")
    assert set(ignored(load_dataset(tmp_path))) <= {"pictures under other lights"}
    (tmp_path / "licence_plate.docx").write_bytes(b"x")
    (tmp_path / "notice.xyz").write_bytes(b"x")
    assert ignored(load_dataset(tmp_path))["files that are no pictures"] == (
        "licence_plate.docx",
        "notice.xyz",
    )


@pytest.mark.parametrize("layout", [name for name in readers if name != "folder"])
def test_another_layout_is_refused_by_name(tmp_path: Path, layout: str) -> None:
    picture(tmp_path / "a" / "0.png")
    with pytest.raises(SpecsightError):
        load_dataset(tmp_path, layout=layout)
    BUILDERS["mvtec_ad" if layout not in ("mvtec_ad", "mpdd", "btad", "visa_1cls") else "deep_pcb"](tmp_path)
    with pytest.raises(SpecsightError):
        load_dataset(tmp_path, layout=layout)


def test_where_nothing_can_be_used_the_cause_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(b"x")
    (tmp_path / "b.exr").write_bytes(b"x")
    with pytest.raises(SpecsightError, match=r"holds no pictures.*ignored 2: 2 EXR \(a\.exr, b\.exr\)"):
        load_dataset(tmp_path)


def test_an_account_is_one_line_and_survives_the_disk(tmp_path: Path) -> None:
    account = Account(
        "learned from 94, held out 24",
        skipped=3,
        ignored=(Ignored("masks", 9, ("m/0.png",)), Ignored("HEIC", 3, ("a.heic",))),
        notes=("layout: any",),
    )
    assert account.line == "learned from 94, held out 24, skipped 3, ignored 12: 9 masks, 3 HEIC"
    write_json(tmp_path / "account.json", account.to_json())
    assert Account.from_json(json.loads((tmp_path / "account.json").read_text())) == account
    assert Account("judged 6").line == "judged 6"
    single = [
        Ignored(r, 1, ("a",))
        for r in ("links that lead nowhere", "masks", "files that are no pictures", "HEIC")
    ]
    assert [str(one) for one in single] == [
        "1 link that leads nowhere",
        "1 mask",
        "1 file that is no picture",
        "1 HEIC",
    ]


def test_what_several_places_ignore_is_added_up() -> None:
    one, two = (Ignored("masks", 1, ("a",)),), (Ignored("HEIC", 5, ("b",)), Ignored("masks", 2, ("c", "d")))
    assert merged([one, two]) == (Ignored("HEIC", 5, ("b",)), Ignored("masks", 3, ("a", "c", "d")))


def test_one_picture_alone_accounts_for_itself(tmp_path: Path) -> None:
    picture(tmp_path / "0.png")
    picture(tmp_path / "1.png")
    assert load_dataset(tmp_path / "0.png").ignored == ()


def test_masks_without_a_picture_and_thumbnails_are_named(tmp_path: Path) -> None:
    picture(tmp_path / "0.png")
    Image.open(tmp_path / "0.png").resize((8, 8)).save(picture(tmp_path / "thumbs" / "0.png"))
    mask(tmp_path / "masks" / "7.png")
    assert ignored(load_dataset(tmp_path)) == {
        "masks without a picture": ("masks/7.png",),
        "thumbnails": ("thumbs/0.png",),
    }
