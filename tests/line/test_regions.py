"""Where a person says that a defect lies: what is taken, what it covers, what is learned from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specsight.errors import SpecsightError
from specsight.line.auditing.checking import verify
from specsight.line.feedback.confirming import confirm, reviewed
from specsight.line.feedback.pictures import UNPLACED, write_defects
from specsight.line.fleet import Fleet
from specsight.line.judging import judge
from specsight.line.records import Review
from specsight.line.regions import mask_of, region_of
from specsight.line.requests import PartRequest
from specsight.line.store import LineStore

BOX = [[0.25, 0.5], [0.5, 0.5], [0.5, 0.75], [0.25, 0.75]]


def test_a_region_covers_what_was_drawn_at_any_size() -> None:
    for rows, columns in ((64, 64), (100, 200)):
        mask = mask_of([BOX], (rows, columns))
        expected = np.zeros((rows, columns), bool)
        expected[rows // 2 : 3 * rows // 4, columns // 4 : columns // 2] = True
        assert (mask == expected).all()
    tiny = [[[0.99, 0.99], [0.9901, 0.99], [0.9901, 0.9901]]]
    assert np.argwhere(mask_of(tiny, (10, 10))).tolist() == [[9, 9]]
    assert mask_of([BOX, *tiny], (10, 10))[9, 9]
    assert mask_of([BOX, BOX[::-1]], (64, 64)).sum() == mask_of([BOX], (64, 64)).sum()
    eight = [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert mask_of(region_of([eight]), (64, 64)).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        [[[0, 0], [1, 1]]],
        [[[0, 0], [1, 1], [2, 0]]],
        [[[0, 0], [0.5, 0.5], [float("nan"), 0]]],
        [[[0, 0], [0, 0.5], [0, 1]]],
        [[[0, 0], [0.5, 0.5], [1, 1]]],
        [[[0, 0], ["1", 1], [1, 0]]],
        [[[0, 0], [True, 1], [1, 0]]],
        [[[10**400, 0.1], [0.5, 0.1], [0.5, 0.5]]],
        [BOX] * 51,
    ],
)
def test_what_is_no_region_is_refused(given: object) -> None:
    with pytest.raises(SpecsightError):
        region_of(given)


def test_a_missed_defect_that_was_drawn_is_learned_from(
    plates: Path, store: LineStore, tmp_path: Path
) -> None:
    live = Fleet(plates / "models", store).live("plate")
    content = (plates / "new" / "40.png").read_bytes()
    (part,) = store.add([judge(live, PartRequest("a", "p40", "plate", content))])
    assert (part.verdict, part.findings) == ("accept", 0)
    store.review(Review(part.id, "anna", "operator", "reject", "", "scratch"))
    confirm(store, part.id, "defect", "ada", "scratch")
    missed = write_defects(store, reviewed(store, "plate"), tmp_path / "before", "plate")
    assert missed.left_out == {UNPLACED: 1}
    region = region_of(json.loads(json.dumps([BOX])))
    store.review(Review(part.id, "anna", "operator", "reject", "", "scratch", region))
    (said,) = reviewed(store, "plate")
    assert said.review.region == [BOX]
    written = write_defects(store, [said], tmp_path / "after", "plate")
    mask = written.samples[0].defects[0].mask
    assert mask is not None
    drawn = np.asarray(Image.open(mask)) > 0
    assert (drawn == mask_of([BOX], drawn.shape)).all()
    assert verify(store, "a").whole
