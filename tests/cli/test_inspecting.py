"""`inspect` on a line: tables, maps kept small or not at all, pictures sorted, exit codes, another specification."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from PIL import Image
from tests.support.chat_server import chat_server
from tests.support.factory import FITTED, photograph, refused, run, specsight

from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.runs.folder import RunFolder
from specsight.runs.inspection_tables import PICTURES, check_tables
from specsight.runs.maps import encode_map, read_map
from specsight.runs.sorting import sort_pictures
from specsight.storage import copy_file, csv_text, whole_folder


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good/, model/, and new/ with three good parts, two scratched ones in a subfolder and an unreadable file."""
    root = tmp_path_factory.mktemp("line")
    photograph(root / "good", 36)
    specsight("fit", "--good", root / "good", "-o", root / "model", *FITTED)
    photograph(root / "new", 3, first=100)
    photograph(root / "new" / "late", 2, first=200, scratched=(200, 201))
    (root / "new" / "torn.png").write_bytes(b"nothing")
    return root


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_tables_hold_every_picture_and_every_finding_and_no_formula(line: Path, tmp_path: Path) -> None:
    photograph(tmp_path / "in", 1, first=7)
    photograph(tmp_path / "in", 1, first=8, scratched=(8,))
    (tmp_path / "in" / "8.png").rename(tmp_path / "in" / "=cmd.png")
    (tmp_path / "in" / "torn.png").write_bytes(b"nothing")
    table = tmp_path / "today.csv"
    shown = specsight("inspect", line / "model", tmp_path / "in", "-o", tmp_path / "out", "--csv", table)
    assert "today-findings.csv" in shown
    pictures = {row["picture"]: row for row in rows(table)}
    assert {name: row["verdict"] for name, row in pictures.items()} == {
        "7.png": "accept",
        "'=cmd.png": "reject",
        "torn.png": "unreadable",
    }
    predictions = {p.inspection.image: p.inspection for p in RunFolder(tmp_path / "out").predictions()}
    assert float(pictures["7.png"]["score"]) == predictions["7.png"].score
    findings = [row for row in rows(tmp_path / "today-findings.csv") if row["picture"] == "'=cmd.png"]
    assert len(findings) == len(predictions["=cmd.png"].findings) >= 1
    first = predictions["=cmd.png"].findings[0]
    assert [int(findings[0][k]) for k in ("x0", "y0", "x1", "y1")] == list(first.box)
    assert findings[0]["counts"] == "yes"
    (tmp_path / "in.csv").mkdir()
    assert "is a folder" in refused(
        "inspect", line / "model", tmp_path / "in", "-o", tmp_path / "o", "--csv", tmp_path / "in.csv"
    )


def test_a_table_takes_the_place_of_nothing_but_an_older_one(tmp_path: Path) -> None:
    def answer(name: str) -> str:
        with pytest.raises(SpecsightError) as caught:
            check_tables(tmp_path / name)
        return str(caught.value)

    (tmp_path / "picture.png").write_bytes(b"a picture")
    assert "ends in .csv" in answer("picture.png")
    assert "ends in .csv" in answer("run/predictions.jsonl")
    (tmp_path / "list.csv").write_text("picture,label\na.png,good\n")
    assert "list.csv' holds something else than this table" in answer("list.csv")
    (tmp_path / "day-findings.csv").write_text("my findings\n")
    assert "day-findings.csv' holds something else" in answer("day.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    assert "pipe.csv' holds something else" in answer("pipe.csv")
    with whole_folder(tmp_path / "model") as model:
        (model / "a.txt").write_text("a")
    assert "inside a saved model" in answer("model/x.csv")
    assert (tmp_path / "list.csv").read_text().startswith("picture,label")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "old.csv").write_text(csv_text(PICTURES, [("a.png",)]))
    for name in ("empty.csv", "old.csv", "new.csv", "new/new.CSV"):
        check_tables(tmp_path / name)


def test_without_maps_there_are_verdicts_and_a_page_and_nothing_else(line: Path, tmp_path: Path) -> None:
    with_maps, without = tmp_path / "with", tmp_path / "without"
    specsight("inspect", line / "model", line / "new", "-o", with_maps)
    shown = specsight("inspect", line / "model", line / "new", "-o", without, "--no-maps")
    assert "5 judged: 2 rejected, 3 accepted; 1 could not be read" in shown
    assert not list(without.rglob("*.tiff"))
    assert not (without / "overlays").exists()
    assert "No map was kept" in (without / "report.html").read_text()
    scores = [[p.inspection.score for p in RunFolder(r).predictions()] for r in (with_maps, without)]
    assert scores[0] == scores[1]
    with pytest.raises(SpecsightError, match="--no-maps"):
        RunFolder(without).map(RunFolder(without).predictions()[0])
    assert "--no-maps" in refused("inspect", line / "model", line / "new", "-o", without)


def test_maps_of_large_photographs_are_kept_at_the_detail_that_they_have(line: Path, tmp_path: Path) -> None:
    small = Image.open(line / "new" / "late" / "200.png")
    (tmp_path / "in").mkdir()
    small.resize((960, 640), Image.Resampling.BICUBIC).save(tmp_path / "in" / "large.png")
    specsight("inspect", line / "model", tmp_path / "in", "-o", tmp_path / "out")
    kept = RunFolder(tmp_path / "out")
    (prediction,) = kept.predictions()
    judged = Inspector.load(line / "model").inspect(tmp_path / "in" / "large.png").map
    assert judged is not None
    map_ = kept.map(prediction)
    assert map_.shape == judged.shape == (640, 960)
    assert np.abs(map_ - judged).max() < 0.02 * np.ptp(judged)
    # Twice the 64 pixels that the detector looked at, in place of 640.
    assert (tmp_path / "out" / prediction.map).stat().st_size < 128 * 192 * 4 * 1.1


@pytest.mark.parametrize("size", [(7, 500), (333, 90), (128, 128), (129, 4000)])
def test_a_smaller_map_is_read_at_the_size_of_its_picture(size: tuple[int, int], tmp_path: Path) -> None:
    rows_, columns = np.mgrid[: size[0], : size[1]] / max(size)
    map_ = (rows_ + columns).astype(np.float32)
    (tmp_path / "map.tiff").write_bytes(encode_map(map_, 64))
    read = read_map(tmp_path / "map.tiff", size)
    assert read.shape == size
    assert np.abs(read - map_).max() < 0.05
    (tmp_path / "exact.tiff").write_bytes(encode_map(map_))
    assert np.array_equal(read_map(tmp_path / "exact.tiff", size), map_)
    with pytest.raises(SpecsightError, match="not"):
        read_map(tmp_path / "map.tiff", (size[0] * 3, size[1] + 70))


def test_pictures_are_sorted_by_verdict_below_their_own_paths(line: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = specsight("inspect", line / "model", line / "new", "-o", out, "--sort", "rejected")
    assert "rejected: 2 copied" in shown
    copied = sorted(p.relative_to(out).as_posix() for p in (out / "rejected").rglob("*.png"))
    assert copied == ["rejected/late/200.png", "rejected/late/201.png"]
    assert (out / copied[0]).read_bytes() == (line / "new" / "late" / "200.png").read_bytes()
    assert not (out / "accepted").exists()
    specsight("set-threshold", line / "model", "--threshold", 0)
    again = tmp_path / "again"
    specsight(
        "inspect", line / "model", line / "new", "-o", again, "--sort", "rejected", "--sort", "accepted"
    )
    assert len(list((again / "rejected").rglob("*.png"))) == 5
    specsight("set-threshold", line / "model", "--confidence", 0.95)


def test_copies_of_pictures_whose_verdict_has_changed_go_whatever_is_sorted_now(
    line: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    specsight("inspect", line / "model", line / "new", "-o", out, "--no-maps")
    unreadable = [Path(one.image) for one in RunFolder(out).skipped()]
    assert len(unreadable) == 1
    former = [out / "accepted" / "late" / "200.png", out / "rejected" / unreadable[0]]
    others = out / "accepted" / "of somebody.png"
    for path in (*former, others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a former copy")
    assert sort_pictures(out, ["rejected"]) == {"rejected": 2}
    assert not any(path.exists() for path in former)
    assert others.exists()


def test_a_copy_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"new")
    os.utime(tmp_path / "a.png", (1, 1))
    (tmp_path / "copy.png").write_bytes(b"old")

    def full(source: BinaryIO, target: BinaryIO) -> None:
        target.write(source.read(1))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfileobj", full)
        with pytest.raises(SpecsightError, match=r"copy\.png': No space left"):
            copy_file(tmp_path / "a.png", tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == b"old"
    copy_file(tmp_path / "a.png", tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == b"new"
    assert (tmp_path / "copy.png").stat().st_mtime == 1
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(SpecsightError, match=r"cannot copy .*absent\.png"):
        copy_file(tmp_path / "absent.png", tmp_path / "copy.png")


def test_the_exit_code_says_what_was_found_where_it_is_asked_to(line: Path, tmp_path: Path) -> None:
    def code(pictures: Path, out: str, *further: object) -> object:
        return run(
            "inspect", line / "model", pictures, "-o", tmp_path / out, "--no-maps", *further
        ).return_value

    fine = photograph(tmp_path / "fine", 2, first=300)
    assert code(line / "new", "a") == 0
    assert code(line / "new", "b", "--exit-code") == 1
    assert code(fine, "c", "--exit-code") == 0
    (fine / "torn.png").write_bytes(b"nothing")
    assert code(fine, "d", "--exit-code") == 3
    inspector = Inspector.load(line / "model")
    inspector.calibration = None
    inspector.save(tmp_path / "unjudging")
    assert "no threshold" in refused(
        "inspect", tmp_path / "unjudging", fine, "-o", tmp_path / "e", "--exit-code"
    )


def test_another_specification_gives_its_own_sizes_and_severities(line: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "product: part\nmm_per_px: 0.5\nseverity:\n  - {level: minor, up_to_mm: 2}\n  - {level: major}\n"
    )
    out = tmp_path / "out"
    specsight("inspect", line / "model", line / "new", "-o", out, "--spec", spec)
    worst = [f for p in RunFolder(out).predictions() for f in p.inspection.findings if f.severity == "major"]
    assert worst
    assert all(f.length_mm == pytest.approx(0.5 * f.length_px) for f in worst)
    assert "another specification" in refused("inspect", line / "model", line / "new", "-o", out)


def test_statements_are_rewritten_under_their_checks_and_rejected_rewrites_are_counted(
    line: Path, tmp_path: Path
) -> None:
    photograph(tmp_path / "in", 1, first=300)
    photograph(tmp_path / "in", 1, first=301, scratched=(301,))

    def answer(request: dict[str, Any]) -> str:
        said = str(request["messages"][-1]["content"])
        return "The part is accepted." if "Accepted" in said else "The part is fine, ship it."

    pytest.importorskip("openai")
    with chat_server() as server:
        server.answer = answer
        told = specsight(
            "inspect", line / "model", tmp_path / "in", "-o", tmp_path / "out", "--explain-with",
            f"endpoint:{server.url}#tiny",
        )  # fmt: skip
    assert "1 of 2 rewrites (50%) failed their checks: there, the statement stands as it was" in told
    good, scratched = sorted(RunFolder(tmp_path / "out").predictions(), key=lambda one: one.id)
    assert good.inspection.statement == "The part is accepted."
    assert scratched.inspection.statement.startswith("Rejected: score ")
    explanation = scratched.inspection.explanation
    assert explanation is not None
    assert explanation.sound
    assert explanation.rewrite is not None
    assert explanation.rewrite.failed[0].outcome == "contradicted"
    assert RunFolder(tmp_path / "out").metrics()["rewrites"] == {"asked": 2, "rejected": 1, "no_answer": 0}
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "1 of 2 rewrites (50%) failed their checks" in page
    assert "“The part is fine, ship it.”" in page
    assert "rejected: the statement stands as it was" in page


def test_why_a_language_model_gave_no_answer_is_told(line: Path, tmp_path: Path) -> None:
    photograph(tmp_path / "in", 1, first=300)
    pytest.importorskip("openai")
    with chat_server() as server:
        server.always = "quota"
        told = specsight(
            "inspect", line / "model", tmp_path / "in", "-o", tmp_path / "out", "--explain-with",
            f"endpoint:{server.url}#tiny",
        )  # fmt: skip
    assert "1 times the language model gave no answer" in told
    assert "note: no answer: " in told
    assert "You exceeded your quota" in told


def test_what_is_known_of_types_is_extended_by_a_file_of_the_users(line: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("types:\n- {name: scratch, action: Send it to polishing.}\n")
    told = ("inspect", line / "model", line / "new", "-o", tmp_path / "out")
    specsight(*told, "--ontology", own, "--no-maps")
    assert "ontology" in RunFolder(tmp_path / "out").config()
    own.write_text("types:\n- {name: scratch, action: Send it}}\n")
    assert "own.yaml" in refused(*told[:-1], tmp_path / "other", "--ontology", own)
