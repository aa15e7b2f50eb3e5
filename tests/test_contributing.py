"""The five files of CONTRIBUTING.md, put into a copy of the package, are found and used without a further edit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import specsight

ROOT = Path(__file__).parents[1]
FILE = re.compile(r"^`src/specsight/(\w+/\w+\.py)`.*?^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Path below the package → source, as the page has them."""
    return dict(FILE.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8")))


@pytest.fixture(scope="module")
def extended(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package that holds the page's files too."""
    folder = tmp_path_factory.mktemp("extended")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(specsight.__file__).parent, folder / "specsight", ignore=ignored)
    for path, source in files.items():
        target = folder / "specsight" / path
        assert not target.exists()
        target.write_text(source, "utf-8")
    return folder


@pytest.fixture(scope="module")
def caps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey plates named by their verdict, the defective ones with a dark stain."""
    folder = tmp_path_factory.mktemp("data") / "cap"
    folder.mkdir()
    for number in range(20):
        generator = np.random.default_rng(number)
        image = generator.normal(130, 4, (64, 80, 3))
        stained = number >= 15
        image[20:36, 30:50] -= 70 * stained
        name = f"NG_{number:04d}_stain.png" if stained else f"OK_{number:04d}.png"
        assert cv2.imwrite(str(folder / name), np.clip(image, 0, 255).astype(np.uint8))
    return folder


def run(extended: Path, *words: object, folder: Path = ROOT) -> str:
    """What `python -m words` prints with the copy in front of the installed package."""
    environment = {**os.environ, "PYTHONPATH": str(extended), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_adds_one_of_each(files: dict[str, str]) -> None:
    rooms = [Path(path).parts[0] for path in files]
    assert rooms == ["detectors", "datasets", "encoders", "metrics", "language"]


@pytest.fixture(scope="module")
def listed(extended: Path) -> dict[str, str]:
    """What `specsight list` prints of each kind, by one process: it imports the copy once."""
    kinds = ("detectors", "datasets", "encoders", "metrics", "language-models")
    code = "from specsight.cli import cli\n"
    code += "\n".join(f"cli(['list', '{what}'], standalone_mode=False); print('\\f')" for what in kinds)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(extended), "COLUMNS": "200"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(kinds, done.stdout.split("\f")))


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("detectors", "nearest_mean"),
        ("datasets", "named_verdicts"),
        ("encoders", "cell_moments"),
        ("metrics", "image_strict_detection"),
        ("language-models", "echo"),
    ],
)
def test_it_is_listed(listed: dict[str, str], what: str, name: str) -> None:
    assert name in listed[what]
    assert "broken" not in listed[what]


@pytest.mark.long
def test_all_of_them_work_together(extended: Path, caps: Path, tmp_path: Path) -> None:
    options = ["--detector", "nearest_mean", "--encoder", "cell_moments", "--resolution", 64]
    words = ["--data", caps, *options, "--holdout", 4, "--resamples", 20, "--out", tmp_path / "run"]
    run(extended, "specsight.cli", "evaluate", *words)
    numbers = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))
    assert numbers["image_strict_detection"]["value"] == 1
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "Found with no false reject" in page
    assert "stain" in page

    good = tmp_path / "good"
    good.mkdir()
    for image in caps.glob("OK_*"):
        shutil.copy(image, good)
    fit = ["--good", good, "-o", tmp_path / "model", *options, "--set", "sigma=2", "--holdout", 4]
    assert "saved:" in run(extended, "specsight.cli", "fit", *fit)
    judged = run(extended, "specsight.cli", "inspect", tmp_path / "model", caps, "-o", tmp_path / "out")
    assert "20 judged" in judged
    assert len(re.findall(r"^NG_\d+_stain\.png: Rejected", judged, re.MULTILINE)) == 5


@pytest.mark.long
def test_the_detector_keeps_the_contract(extended: Path) -> None:
    words = ["-p", "no:cacheprovider", "tests/detectors/test_contract.py", "-k", "nearest_mean"]
    passed = run(extended, "pytest", *words)
    assert re.search(r"\d\d passed", passed)
    assert "failed" not in passed


def test_the_language_model_keeps_the_contract(extended: Path) -> None:
    pytest.importorskip("torch", reason="the contract's own examples need the extra 'models'")
    words = ["-p", "no:cacheprovider", "tests/language/test_contract.py", "-k", "echo"]
    passed = run(extended, "pytest", *words)
    assert re.search(r"\d passed", passed)
    assert "failed" not in passed


def test_the_files_keep_the_style(files: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    for path, source in files.items():
        copy = tmp_path / Path(path).name
        copy.write_text(source, "utf-8")
    ruff: list[str | Path] = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--config",
        ROOT / "pyproject.toml",
        "--no-cache",
        tmp_path,
    ]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
