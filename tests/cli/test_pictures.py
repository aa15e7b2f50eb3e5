"""What the verbs say of how pictures were read, and the limit that they take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner, Result

from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.images import max_megapixels, set_max_megapixels


@pytest.fixture(autouse=True)
def _usual_limit() -> Iterator[None]:
    yield
    set_max_megapixels(100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    for seed in range(6):
        values = np.random.default_rng(seed).normal(1600, 100, (40, 50)).astype(np.uint16)
        tifffile.imwrite(folder / f"{seed}.tif", values)
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_twelve_bits_are_told_once_by_every_verb(folder: Path, tmp_path: Path) -> None:
    fitted = run(
        "fit", "--good", folder, "-o", tmp_path / "model", "--encoder", "filters", "--resolution", 40
    )
    judged = run("inspect", tmp_path / "model", folder, "-o", tmp_path / "out")
    for said in (fitted.output, judged.output):
        assert said.count("16-bit files hold 12-bit data: 4095 is white (6 pictures, such as") == 1, said


def test_the_limit_is_named_and_can_be_moved(folder: Path, tmp_path: Path) -> None:
    refused = run("check", folder, "--max-megapixels", "0.001")
    assert "more than the limit of 1,000" in " ".join(refused.output.split())
    assert max_megapixels() == 0.001
    assert "the limit" not in run("check", folder, "--max-megapixels", "0.002").output
    for wrong in ("0", "-1", "nan", "inf"):
        result = run("check", folder, "--max-megapixels", wrong)
        assert isinstance(result.exception, SpecsightError), wrong
        assert "must be above 0" in str(result.exception)
