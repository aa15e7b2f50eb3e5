"""A distribution outside the repository adds a detector, a reader and a language model; all of it just works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import specsight

TESTS = Path(__file__).parent
PACKAGE = TESTS / "plugin_package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which the package is installed."""
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("plugin")
    # A build leaves files beside its sources.
    shutil.copytree(PACKAGE, folder / "source")
    words = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *words, "--target", folder / "site", folder / "source"],
        check=True,
        capture_output=True,
    )
    path = os.pathsep.join([str(folder / "site"), str(Path(specsight.__file__).parents[1])])
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "160"}


def run(installed: dict[str, str], *words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        env=installed,
        capture_output=True,
        text=True,
        check=False,
        cwd=TESTS.parent,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_it_adds_is_listed(installed: dict[str, str]) -> None:
    """By one process, which looks for what is installed once."""
    lists = ("detectors", "detectors depth_gaussian", "datasets", "language-models")
    code = "from specsight.cli import cli\n"
    code += "\n".join(f"cli('list {what}'.split(), standalone_mode=False); print('\\f')" for what in lists)
    done = subprocess.run(
        [sys.executable, "-c", code], env=installed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    detectors, detector, datasets, language_models, _ = done.stdout.split("\f")
    assert "depth_gaussian" in detectors
    assert "Needs: depth, normal images." in detectors
    assert "broken" not in detectors
    assert "0.1" in detector
    assert "Captures with depth" in datasets
    assert "repeats the last message" in language_models


@pytest.mark.long
def test_its_detector_keeps_the_contract(installed: dict[str, str]) -> None:
    passed = run(
        installed,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/detectors/test_contract.py",
        "-k",
        "depth_gaussian",
    )
    assert "failed" not in passed
    assert "skipped" not in passed


@pytest.mark.long
def test_parts_are_inspected_with_its_reader_and_its_detector(
    installed: dict[str, str], tmp_path: Path
) -> None:
    good, new = captures(tmp_path / "good", [False] * 8), captures(tmp_path / "new", [False, True])
    model, out = tmp_path / "model", tmp_path / "out"
    fit = ("fit", "--good", good, "-o", model, "--detector", "depth_gaussian", "--encoder", "filters")
    assert "saved:" in run(installed, "specsight.cli", *fit, "--resolution", 64, "--holdout", 2)
    shown = run(installed, "specsight.cli", "inspect", model, new, "-o", out)
    assert "2 judged: 1 rejected, 1 accepted" in shown


def test_its_language_model_answers(installed: dict[str, str]) -> None:
    code = "from specsight.language import *; model = load_language_model('parrot'); "
    code += "print(model.generate([Message('user', 'good part . or not')], 9, stop=(' .',)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=installed, capture_output=True, text=True, check=False
    )
    assert done.stdout == "good part\n", done.stderr


def captures(folder: Path, dented: list[bool]) -> Path:
    """Grey plates with depth, some of them with a dent that colours do not show."""
    folder.mkdir()
    lines = ["image,depth,label"]
    for number, dent in enumerate(dented):
        generator = np.random.default_rng(number)
        depth = np.asarray(500 + generator.normal(0, 0.05, (64, 96)), np.float32)
        depth[20:40, 40:64] += 3 * dent
        cv2.imwrite(str(folder / f"{number}.png"), np.full((64, 96, 3), 128, np.uint8))
        cv2.imwrite(str(folder / f"{number}.tiff"), depth)
        lines.append(f"{number}.png,{number}.tiff,{'defective' if dent else 'good'}")
    (folder / "capture.csv").write_text("\n".join(lines) + "\n")
    return folder
