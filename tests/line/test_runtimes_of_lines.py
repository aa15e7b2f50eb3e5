"""A model that computes in whole numbers is judged, previewed and given thresholds by its own graph."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
from tests.support.factory import specsight

from specsight.inspector import Inspector
from specsight.line.feedback.candidates import threshold_candidate
from specsight.line.feedback.confirming import confirm
from specsight.line.fleet import Fleet
from specsight.line.judging import judge
from specsight.line.records import Review
from specsight.line.requests import PartRequest
from specsight.line.store import LineStore

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed"),
]


def test_a_candidate_of_an_int8_model_has_its_scores(
    plates: Path, sqlite_store: LineStore, tmp_path: Path
) -> None:
    fitted = ("--resolution", 64, "--holdout", 12, "--false-reject-rate", 0.3, "--device", "cpu")
    specsight("fit", "--good", plates / "good", "-o", tmp_path / "float", *fitted, "--no-types")
    specsight("export", tmp_path / "float", "--to", "onnx", "--int8", "-o", tmp_path / "models" / "plate")
    fleet = Fleet(tmp_path / "models", sqlite_store)
    live = fleet.live("plate")
    picture = (plates / "new" / "40.png").read_bytes()
    (part,) = sqlite_store.add([judge(live, PartRequest("a", "p", "plate", picture))])
    other = Inspector.load(tmp_path / "float", device="cpu").inspect(picture).score
    assert part.score is not None
    assert abs(part.score - other) > 1e-6 * other
    sqlite_store.review(Review(part.id, "ben", "operator", "accept"))
    confirm(sqlite_store, part.id, "good", "anna")
    made = threshold_candidate(fleet, "plate", "anna")
    shutil.copytree(fleet.place("plate", made.version.version), tmp_path / "candidate")
    again = Inspector.load(tmp_path / "candidate", device="cpu")
    assert again.held_out is not None
    assert min(abs(score - part.score) for score in again.held_out.scores) < 1e-6
