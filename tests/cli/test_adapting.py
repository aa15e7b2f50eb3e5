"""A line moves: a saved model is adapted to unlabelled pictures, says so, and gets its threshold from good parts there;
the suite `adaptation` measures what that recovers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.factory import FITTED, photograph, refused, specsight
from tests.support.labelled_panels import panels

from specsight.encoders import load_encoder
from specsight.errors import SpecsightError
from specsight.evaluation.adaptation import Shift, ShiftConfig, shifts, sides
from specsight.records import Sample
from specsight.report.adaptation_page import render_adaptation, texts
from specsight.runs.adaptation_record import SOURCE_ONLY, AdaptationRecord, recovered


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good/ with 8 parts, model/ fitted to them, moved/ with darker pictures, 2 of them scratched."""
    folder = tmp_path_factory.mktemp("line")
    photograph(folder / "good", 8)
    photograph(folder / "moved", 10, first=30, scratched=(33, 37))
    for picture in (folder / "moved").iterdir():
        Image.fromarray(np.asarray(np.asarray(Image.open(picture)) * 0.6, np.uint8)).save(picture)
    fitted = (*FITTED[:4], "--holdout", 3, "--detector", "supervised")
    specsight("fit", "--good", folder / "good", "-o", folder / "model", *fitted)
    return folder


def test_an_adapted_model_says_so_and_has_no_threshold_of_the_old_line(line: Path) -> None:
    shown = specsight("adapt", line / "model", line / "moved", "-o", line / "adapted")
    assert "adapted by coral to 10 pictures, whatever they show" in shown
    assert "no threshold" in shown
    assert "specsight set-threshold" in shown
    shown = specsight("inspect", line / "adapted", line / "moved", "-o", line / "out", "--no-maps")
    assert "model: adapted by coral to 10 unlabelled pictures of another line" in shown
    photograph(line / "known", 4, first=60)
    specsight("set-threshold", line / "adapted", "--good", line / "known")
    shown = specsight("inspect", line / "adapted", line / "moved", "-o", line / "again", "--no-maps")
    assert "accept" in shown or "reject" in shown
    assert "adapted" not in specsight(
        "inspect", line / "model", line / "moved", "-o", line / "old", "--no-maps"
    )


def test_what_cannot_be_adapted_is_told(line: Path, tmp_path: Path) -> None:
    assert "was given none: use coral or adabn" in refused(
        "adapt", line / "model", line / "moved", "-o", tmp_path / "out", "--method", "dann"
    )
    specsight("fit", "--good", line / "good", "-o", tmp_path / "memory", *FITTED)
    assert "patchcore cannot be adapted" in refused(
        "adapt", tmp_path / "memory", line / "moved", "-o", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


def line_of_panels(folder: Path) -> list[Sample]:
    """Panels for training and testing under two lights, of which "low" is darker."""
    samples = []
    for light, factor in (("day", 1.0), ("low", 0.5)):
        for number, sample in enumerate(panels(folder / light, count=8, product="panel")):
            pixels = np.asarray(Image.open(sample.image), np.float32) * factor
            Image.fromarray(pixels.astype(np.uint8)).save(sample.image)
            split = "train" if sample.label == "good" and number % 2 else "test"
            named = replace(sample, id=f"{light}/{sample.id}", split=split, conditions={"light": light})
            samples.append(named)
    return samples


def test_no_judged_part_is_learned_from_and_the_target_gives_no_label(tmp_path: Path) -> None:
    (shift,) = shifts(line_of_panels(tmp_path), "light=low")
    drawn = sides(shift, ShiftConfig(load_encoder("filters"), 64, defects=2), seed=0)
    judged = {s.image for s in drawn.tested}
    learned = {s.image for s in (*drawn.good, *drawn.defects, *drawn.target_good, *drawn.target_seen)}
    assert judged
    assert not judged & learned
    assert {s.conditions["light"] for s in (*drawn.good, *drawn.defects)} == {"day"}
    assert {s.conditions["light"] for s in (*drawn.target_seen, *drawn.tested)} == {"low"}
    assert sorted(t for s in drawn.defects for t in s.types) == ["burn", "burn", "stain", "stain"]


def test_lines_that_are_not_there_are_told(tmp_path: Path) -> None:
    samples = line_of_panels(tmp_path)
    with pytest.raises(SpecsightError, match="no picture says its 'lihgt': did you mean 'light'"):
        shifts(samples, "lihgt")
    with pytest.raises(SpecsightError, match="no picture has light 'lw': did you mean 'low'"):
        shifts(samples, "light=lw")
    alone = [s for s in samples if s.conditions["light"] == "low"]
    with pytest.raises(SpecsightError, match="there is no other line to leave out"):
        shifts(alone, "light")
    good = [s for s in alone if s.label == "good"]
    with pytest.raises(SpecsightError, match="good and defective pictures are needed"):
        sides(Shift("low", samples, good), ShiftConfig(load_encoder("filters"), 64), seed=0)


def test_shares_of_the_gap_and_no_gap() -> None:
    numbers = [{SOURCE_ONLY: 0.6 + d, "coral": 0.75 + d, "oracle": 0.8 + d} for d in (0.0, 0.1)]
    (_, coral, _) = recovered(numbers)
    assert coral.share == pytest.approx(0.75)
    assert coral.gain_half_width == pytest.approx(0, abs=1e-9)
    assert coral.half_width == pytest.approx(12.706 * 0.05, rel=1e-3), (
        "Student's t with one degree of freedom"
    )
    (_, same, _) = recovered([{SOURCE_ONLY: 0.9, "coral": 0.93, "oracle": 0.9}])
    assert texts(same) == ("coral", "0.930", "–", "+0.030", "–", "no gap")


def test_a_record_comes_back_and_its_page_shows_every_shift(tmp_path: Path) -> None:
    record = AdaptationRecord({"Data": "tyres", "Left out": "light", "Resolution": "256 px"}, True, {})
    for shift, worse in (("light low", 0.2), ("light <b>", 0.1)):
        for seed in (1, 0):
            rows = {SOURCE_ONLY: 0.9 - worse, "coral": 0.9 - worse / 2 + seed / 100, "oracle": 0.9}
            record = record.having(shift, seed, rows)
    record.write(tmp_path)
    assert AdaptationRecord.read(tmp_path) == record
    assert list(record.image_auroc["light low"]) == [0, 1]
    assert record.has("light low", 1)
    assert not record.has("light low", 2)
    page = render_adaptation(tmp_path).read_text("utf-8")
    for shown in (
        "resolution: 256 px",
        "seeds 0, 1",
        "are synthetic",
        "Share of the gap recovered",
        "light &lt;b&gt;",
    ):
        assert shown in page
    assert "light <b>" not in page
    assert page.count('<svg class="chart"') == 2
    assert (tmp_path / "adaptation.md").read_text().count("| coral |") == 3
    (tmp_path / "adaptation.json").write_text("{}")
    with pytest.raises(SpecsightError, match="is damaged"):
        AdaptationRecord.read(tmp_path)


@pytest.mark.long
def test_the_suite_from_the_command_line(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    with manifest.open("w") as file:
        for sample in line_of_panels(tmp_path / "set"):
            defects = [
                {"type": d.type, "mask": str(d.mask.relative_to(tmp_path))} for d in sample.defects if d.mask
            ]
            entry: dict[str, object] = {
                "id": sample.id,
                "image": str(sample.image.relative_to(tmp_path)),
                "product": "panel",
            }
            entry |= {"split": sample.split, "label": sample.label, "conditions": dict(sample.conditions)}
            file.write(json.dumps(entry | ({"defects": defects} if defects else {})) + "\n")
    words: tuple[object, ...] = (
        "evaluate",
        "--suite",
        "adaptation",
        "--data",
        manifest,
        "--encoder",
        "filters",
        "--resolution",
        64,
    )
    words = (
        *words,
        "--defects",
        2,
        "--set",
        "steps=20",
        "--set",
        "coreset_limit=128",
        "-o",
        tmp_path / "out",
    )
    shown = specsight(*words, "--leave-out", "light=low")
    for row in (
        SOURCE_ONLY,
        "coral",
        "mmd",
        "dann",
        "tent",
        "oracle",
        "normal-only, good parts of the target",
    ):
        assert f"| {row} |" in shown
    content = json.loads((tmp_path / "out" / "adaptation.json").read_text())
    assert content["protocol"]["Learned from"].startswith("2 labelled defects")
    assert content["protocol"]["Resolution"] == "64 px"
    assert (tmp_path / "out" / "report.html").is_file()
    assert not (tmp_path / "out" / "features").exists()
    assert specsight(*words, "--leave-out", "light=low") == shown
    assert "report:" in specsight("report", tmp_path / "out")
    assert "holds another measurement" in refused(*words, "--leave-out", "light")
    assert "needs another line" in refused(*words[:-1], tmp_path / "other")
