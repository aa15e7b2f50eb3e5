"""What words require is looked for on the way of every picture, from the fit to the statement."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from specsight.inspector import Inspector
from specsight.records import Inspection
from specsight.specification import Instruction, Requirement, Specification, Tolerance

SPECIFICATION = Specification(
    product="cap",
    requirements=(Requirement(feature="yellow dot", text="A yellow dot is required."),),
)
PAINTS = {"yellow": (230, 190, 40), "red": (200, 40, 30)}


def cap(seed: int, *dots: tuple[str, int, int]) -> NDArray[np.uint8]:
    """A grey cap of 64 × 96 pixels with dots (colour, x, y)."""
    pixels = np.full((64, 96, 3), 90.0) + np.random.default_rng(seed).normal(0, 4, (64, 96, 3))
    rows, columns = np.mgrid[:64, :96]
    for colour, x, y in dots:
        pixels[np.hypot(columns - x, rows - y) <= 5] = PAINTS[colour]
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("required")
    (folder / "ok").mkdir()
    rng = np.random.default_rng(0)
    for seed in range(16):
        dot = ("yellow", int(rng.integers(10, 86)), int(rng.integers(10, 54)))
        Image.fromarray(cap(seed, dot)).save(folder / "ok" / f"{seed:02d}.png")
    fitted = Inspector.fit(
        folder / "ok", detector="patchcore", encoder="filters", resolution=64, specification=SPECIFICATION
    )
    fitted.save(folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def inspector(model: Path) -> Inspector:
    return Inspector.load(model)


def test_a_missing_feature_rejects_although_nothing_looks_wrong(inspector: Inspector) -> None:
    assert inspector.good_pictures is not None
    there, missing = inspector.inspect(cap(50, ("yellow", 30, 30))), inspector.inspect(cap(51))
    assert "Looked for: yellow dot found at the left." in there.statement
    assert (missing.verdict, missing.statement.startswith("Rejected: no yellow dot (required).")) == (
        "reject",
        True,
    )
    (looked_for,) = missing.decision.required
    assert (looked_for.clause, looked_for.count) == (SPECIFICATION.requirements[0], 0)
    again = Inspection.from_json(json.loads(json.dumps(there.to_json())))
    assert again.decision.required == there.decision.required
    assert there.decision.required[0].boxes


def test_an_instruction_may_require_what_good_pictures_never_show(inspector: Inspector) -> None:
    red = Instruction(requirements=(Requirement(feature="red dot"),))
    observation = inspector.look(cap(52, ("yellow", 60, 20)))
    assert inspector.judge(observation, red).statement.startswith(
        "Rejected: no red dot (required): a yellow one is in its place."
    )
    both = inspector.judge(inspector.look(cap(53, ("yellow", 60, 20), ("red", 20, 40))), red)
    assert [one.count for one in both.decision.required] == [1, 1]


def test_an_accepted_lack_does_not_reject(inspector: Inspector) -> None:
    accepted = Instruction(tolerances=(Tolerance(defect="missing dot"),))
    observation = inspector.look(cap(54))
    assert inspector.judge(observation).verdict == "reject"
    decision = inspector.judge(observation, accepted).decision
    assert decision.verdict == "accept"
    assert decision.required == ()


def test_a_picture_is_measured_once_however_often_it_is_judged(inspector: Inspector) -> None:
    observation = inspector.look(cap(55, ("yellow", 60, 20)))
    first, second = inspector.judge(observation), inspector.judge(observation)
    assert first.decision.required[0] is second.decision.required[0]


def test_damaged_files_are_refused(model: Path, tmp_path: Path) -> None:
    from specsight.errors import SpecsightError
    from specsight.inspector import saved

    kept = saved.read(model)
    assert kept.good_pictures is not None
    saved.write(tmp_path, kept)
    (tmp_path / saved.PRESENCE).write_text('{"parts": [null], "colours": ["red"]}', "utf-8")
    with pytest.raises(SpecsightError, match="is damaged"):
        saved.read(tmp_path)
