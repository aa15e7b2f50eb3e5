"""Every verb that reads pictures says in one line what became of all files; run folder, model and page say it too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.support.dataset_layouts import mask, picture

from specsight import cli
from specsight.inspector import Inspector

FITTED = ("--encoder", "filters", "--resolution", 48, "--set", "coreset_ratio=0.2")


def specsight(*words: object) -> str:
    """What a verb prints."""
    result = CliRunner().invoke(cli.cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.output


def saved_line(run: Path) -> str:
    return str(json.loads((run / "metrics.json").read_text())["protocol"]["account"])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six pictures of unknown label, one broken, masks, a format that is not read."""
    folder = tmp_path / "photos"
    for i in range(6):
        picture(folder / f"{i}.png", seed=i)
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "7.exr").write_bytes(b"x")
    for i in range(2):
        mask(folder / "masks" / f"{i + 10}.png")
    return folder


IGNORED = "ignored 3: 2 masks without a picture, 1 EXR"


def test_fit_and_inspect_account_for_every_file(photos: Path, tmp_path: Path) -> None:
    shown = specsight("fit", "--good", photos, "-o", tmp_path / "model", *FITTED)
    line = f"learned from 6 good parts, each judged unseen in one of 5 folds, skipped 1, {IGNORED}"
    assert line in shown
    assert "note: no folder or list says which parts are good: every picture is taken for good" in shown
    account = Inspector.load(tmp_path / "model").account
    assert account is not None
    assert account.line == line
    out = photos / "out"
    shown = specsight("inspect", tmp_path / "model", photos, "-o", out)
    assert "6 judged" in shown
    assert f"1 could not be read; {IGNORED}" in shown
    assert saved_line(out) == f"judged 6, skipped 1, {IGNORED}"
    assert f"judged 6, skipped 1, {IGNORED}" in (out / "report.html").read_text()
    assert f"judged 6, skipped 1, {IGNORED}" in specsight("report", out)


def test_results_inside_the_folder_of_pictures_are_never_judged_or_learned_from(
    photos: Path, tmp_path: Path
) -> None:
    specsight("fit", "--good", photos, "-o", photos / "model", *FITTED)
    for name in ("out", "out", "further"):
        shown = specsight("inspect", photos / "model", photos, "-o", photos / name)
        assert "6 judged" in shown
        assert "results of Specsight" in shown
    shown = specsight("fit", "--good", photos, "-o", tmp_path / "again", *FITTED)
    assert "learned from 6 good parts, each judged unseen in one of 5 folds" in shown


def test_evaluate_and_check_account_for_every_file_and_say_what_was_inferred(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for i in range(12):
        picture(data / "good" / f"{i:02}.png", seed=i)
    for i in range(2):
        picture(data / "dent" / f"{i}.png", seed=100 + i)
        mask(data / "labels" / "dent" / f"{i}.png")
    (data / "dent" / "clip.mov").write_bytes(b"x")
    split = "no split in the folder names: every fifth good part and all other pictures are test"
    shown = specsight("evaluate", "--data", data, "-o", tmp_path / "run", "--resamples", 0, *FITTED)
    line = "learned from 9, each judged unseen in one of 5 folds, tested 5, ignored 1: 1 video (MOV)"
    assert line in shown
    assert f"note: {split}" in shown
    assert saved_line(tmp_path / "run") == line
    page = (tmp_path / "run" / "report.html").read_text()
    assert line in page
    assert split in page
    assert "ignored 1: 1 video (MOV) (dent/clip.mov)" in specsight("check", data)


def test_a_set_of_several_products_accounts_for_all_of_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for product in ("cap", "lid"):
        for split, kind, count in (("train", "good", 6), ("test", "good", 2), ("test", "dent", 2)):
            for i in range(count):
                picture(data / product / split / kind / f"{i}.png")
        for i in range(2):
            mask(data / product / "ground_truth" / "dent" / f"{i}_mask.png")
    picture(data / "more" / "0.png")
    shown = specsight("evaluate", "--data", data, "-o", tmp_path / "run", "--resamples", 0, *FITTED)
    line = "20 pictures of 2 products, ignored 1: 1 picture that the layout does not name"
    assert line in shown
    assert line in (tmp_path / "run" / "report.html").read_text()


def test_where_all_is_skipped_the_cause_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "ok"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    result = CliRunner().invoke(
        cli.cli, ["fit", "--good", str(folder), "-o", str(tmp_path / "m"), *map(str, FITTED)]
    )
    assert "patchcore needs at least 1 good part (got 0): " in str(result.exception)
    assert "could not be read; the first: '" in str(result.exception)
