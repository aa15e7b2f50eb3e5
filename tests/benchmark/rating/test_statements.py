"""Statements of inspections are rated with their map beside the picture, on scales of their own, without their runs."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tests.support.synthetic_run import NASTY, make_run

from specsight.benchmark.rating.folder import RatingFolder
from specsight.benchmark.rating.inspections import plan_statements
from specsight.benchmark.rating.planning import RatingConfig
from specsight.benchmark.rating.scales import SCALES, STATEMENT_SCALES
from specsight.benchmark.rating.sheets import read_sheet, write_sheet
from specsight.benchmark.rating.store import Rated, RatingStore, Saving
from specsight.benchmark.rating.summary import summarise
from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.report.rated import rated_sheets

CONFIG = RatingConfig(("r1", "r2", "r3"), statements=8)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs over the same drawn pictures; the second says something else of one."""
    made = []
    for name, count in (("alpha-model", 6), ("beta-model", 5)):
        folder = make_run(tmp_path / name, good=3, defective=count - 3, names=("p/0",))
        made.append(folder.rename(tmp_path / name / name))
    return made


@pytest.fixture
def store(runs: list[Path], tmp_path: Path) -> RatingStore:
    return RatingStore(plan_statements(runs, tmp_path / "rating", CONFIG, rated_sheets))


def test_every_run_is_rated_on_the_same_pictures_and_nothing_tells_which_it_is(
    store: RatingStore, tmp_path: Path
) -> None:
    folder = store.folder
    assert (folder.rating.kind, folder.rating.left_out) == ("statements", 1)
    once = {(one.item, one.model) for one in folder.of("r1") if not one.again}
    assert len(once) == 8
    assert len({item for item, _ in once}) == 4
    write_sheet(store, "r1", tmp_path / "r1.csv")
    for text in ((tmp_path / "r1.csv").read_text(), (folder.path / "guide.md").read_text()):
        assert "-model" not in text
    assert "by the picture alone" in (folder.path / "guide.md").read_text()


def test_the_kit_needs_neither_runs_nor_pictures_and_its_sheets_show_the_map(
    store: RatingStore, runs: list[Path]
) -> None:
    for run in runs:
        shutil.rmtree(run.parent)
    folder = RatingFolder(store.folder.path)
    for one in folder.of("r2"):
        (name,) = folder.asked(one).images
        sheet = cv2.imread(str(folder.path / name))
        assert sheet is not None
        assert sheet.shape[1] > 2.5 * sheet.shape[0]  # original, map, findings
        third = sheet.shape[1] // 3
        assert not np.array_equal(sheet[:, :third], sheet[:, third : 2 * third])


def test_ratings_come_back_on_the_scales_of_statements(store: RatingStore, tmp_path: Path) -> None:
    places = [one.place for one in store.folder.of("r1")]
    whole = dict.fromkeys(STATEMENT_SCALES, 4)
    for rater in CONFIG.raters:
        store.save(rater, [Saving(place, Rated(whole)) for place in places])
    found = summarise(store)
    assert {one.scale for one in found.means} == {"truth", "support", "clarity", "usefulness"}
    assert {(one.model, one.mean, one.items) for one in found.means} == {
        ("alpha-model", 4.0, 4),
        ("beta-model", 4.0, 4),
    }
    assert set(found.alphas) == set(STATEMENT_SCALES)
    with pytest.raises(SpecsightError, match="true of the picture"):
        store.save("r1", [Saving(1, Rated(dict.fromkeys(SCALES, 3)))])
    write_sheet(store, "r1", tmp_path / "r1.csv")
    assert read_sheet(store, "r1", tmp_path / "r1.csv") == 0


def test_runs_that_cannot_be_rated_say_why(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="one name"):
        plan_statements([runs[0], runs[0]], tmp_path / "x", CONFIG, rated_sheets)
    with pytest.raises(SpecsightError, match="not a run folder"):
        plan_statements([runs[0], tmp_path], tmp_path / "x", CONFIG, rated_sheets)
    lines = (runs[1] / "predictions.jsonl").read_text().splitlines()
    unmapped = [json.dumps({**json.loads(line), "map": ""}) for line in lines]
    (runs[1] / "predictions.jsonl").write_text("\n".join(unmapped) + "\n")
    with pytest.raises(SpecsightError, match="keeps no maps"):
        plan_statements(runs, tmp_path / "x", CONFIG, rated_sheets)


def test_the_command_makes_the_kit_and_its_page_shows_statement_and_map(
    runs: list[Path], tmp_path: Path
) -> None:
    pytest.importorskip("fastapi")
    from specsight.service.access import Access
    from specsight.service.local import LocalServer
    from specsight.service.rating.application import application

    evil = [
        json.dumps({**json.loads(one), "statement": NASTY})
        for one in (runs[0] / "predictions.jsonl").read_text().splitlines()
    ]
    (runs[0] / "predictions.jsonl").write_text("\n".join(evil) + "\n")
    out = tmp_path / "kit"
    arguments = ["benchmark", "rate", str(runs[0]), "-o", str(out), "--rater", "r1", "--rater", "r2"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    assert "6 statements of 1 model for 2 raters" in result.output
    server = LocalServer(application(RatingStore(RatingFolder(out))), Access({"r1": "rater", "r2": "rater"}))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        cookie = f"specsight-{server.port}={server.addresses['r1'].rpartition('/')[2]}"

        def ask(path: str) -> tuple[int, bytes]:
            connection.request("GET", path, headers={"Cookie": cookie})
            answer = connection.getresponse()
            return answer.status, answer.read()

        status, page = ask("/statement/1")
        assert status == 200
        assert b"Supported by the map" in page
        assert b"<script>alert" not in page
        assert b"alpha" not in page
        status, picture = ask("/statement/1/picture/0")
        assert (status, picture[:4]) == (200, b"RIFF")
        assert ask("/statement/1/picture/1")[0] == 404
        assert ask("/statement/1/marks/0")[0] == 404
        assert b"by the picture alone" in ask("/")[1]
    finally:
        server.close()
        thread.join(15)
