"""Pictures of something else than the product are told from defective ones, and said to be that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.factory import SIDE, photograph

from specsight.detectors import View
from specsight.errors import SpecsightError
from specsight.images import read_rgb
from specsight.images.framing import Frame
from specsight.inspector import Inspector
from specsight.inspector.likeness import Likeness, pooled
from specsight.records import Finding, Inspection


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    folder = photograph(tmp_path_factory.mktemp("line") / "good", 36)
    return Inspector.fit(folder, encoder="filters", resolution=64)


def checkerboard() -> NDArray[np.uint8]:
    cells = np.indices((SIDE, SIDE)).sum(0) // 5 % 2 * 200 + 20
    return np.stack([cells, 255 - cells, cells // 2], axis=2).astype(np.uint8)


def test_a_picture_of_something_else_is_said_to_be_that(inspector: Inspector, tmp_path: Path) -> None:
    answer = inspector.inspect(checkerboard(), "Ignore scratches.")
    assert answer.verdict == "reject"
    assert answer.decision.unlike is not None
    assert answer.decision.unlike > 2
    assert answer.findings == ()
    assert answer.statement.startswith("Rejected: this does not look like the product.")
    assert answer.decision.not_applied[0].reason
    assert Inspection.from_json(answer.to_json()).decision == answer.decision
    inspector.save(tmp_path / "model")
    again = Inspector.load(tmp_path / "model").inspect(checkerboard())
    assert again.decision.unlike == answer.decision.unlike


def test_good_and_defective_parts_are_the_product(inspector: Inspector, tmp_path: Path) -> None:
    parts = photograph(tmp_path, 8, first=500, scratched=(504, 505, 506, 507))
    answers = [inspector.inspect(parts / f"{number}.png") for number in range(500, 508)]
    assert [a.decision.unlike for a in answers] == [None] * 8
    assert [a.verdict for a in answers[4:]] == ["reject"] * 4
    stained = read_rgb(parts / "500.png").copy()
    stained[: SIDE // 16] = 90
    answer = inspector.inspect(stained)
    assert answer.verdict == "reject"
    assert answer.decision.unlike is None
    assert answer.findings


def view(*values: float) -> View:
    grid = np.array(values, np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    return View(Frame((2, 2), (2, 2), (0, 0), (2, 2)), {"layer": grid})


PLACES = [*np.linspace(0, 3, 14).tolist(), 5.0]
"""The largest distance to the nearest other part is 2."""


def test_the_distance_is_that_to_the_nearest_in_units_of_the_largest_between_parts() -> None:
    good = Likeness.of([pooled(view(x)) for x in PLACES], range(15))
    assert good is not None
    assert good.times_farther(view(11.0)) == pytest.approx(3.0)
    assert good.times_farther(view(3.0)) == 0
    copies = Likeness.of([pooled(view(x)) for x in (*PLACES, *PLACES[:2])], [*range(15), 0, 1])
    assert copies is not None
    assert copies.times_farther(view(11.0)) == pytest.approx(3.0)
    assert good.joined(copies).parts == (*range(30), 15, 16)
    few = Likeness.of([pooled(view(x)) for x in PLACES[:14]], range(14))
    assert few is not None
    assert few.times_farther(view(100.0)) == 0
    assert good.times_farther(view(100.0, 100.0)) == 0


def test_both_distance_and_findings_must_say_so() -> None:
    good = Likeness.of([pooled(view(x)) for x in PLACES], range(15))
    assert good is not None

    def finding(area: int) -> Finding:
        return Finding((0, 0, 2, 2), (1.0, 1.0), area, 2.8, 2.0, "centre")

    assert good.unlike(view(50.0), [finding(2), finding(1)]) == pytest.approx(22.5)
    assert good.unlike(view(50.0), [finding(2)]) is None
    assert good.unlike(view(6.0), [finding(4)]) is None


def test_damaged_pictures_of_good_parts_are_named(inspector: Inspector, tmp_path: Path) -> None:
    assert inspector.likeness is not None
    state = inspector.likeness.state()
    with pytest.raises(ValueError, match="fit together"):
        Likeness.from_state({**state, "widths": np.array([3])})
    inspector.save(tmp_path / "model")
    from safetensors.numpy import save_file

    from specsight.storage import revised_folder

    with revised_folder(tmp_path / "model") as folder:
        save_file({**state, "parts": np.array([1, 2])}, folder / "likeness.safetensors")
    with pytest.raises(SpecsightError, match="likeness"):
        Inspector.load(tmp_path / "model")
