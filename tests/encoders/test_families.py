"""Encoders of other distributions: by their name, or recognised by what they are; checkpoints are the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import specsight
from specsight.encoders import BUNDLED, FILTERS, encoder_names, encoders

MODULE = '''
from pathlib import Path

import numpy as np
from specsight.encoders import Encoder, EncoderFamily, Layer

class Grey(Encoder):
    """Means of 8 x 8 pixels."""

    multiple = 8
    available = (Layer("stride8", 8, 1),)
    default_layers = ("stride8",)

    def __init__(self, name, fingerprint):
        self.name, self.fingerprint = name, fingerprint

    def layers(self, images, which=None):
        self.check_images(images)
        count, height, width, _ = images.shape
        cells = images.reshape(count, 1, height // 8, 8, width // 8, 24).mean((3, 5), np.float32)
        return [cells for _ in which or self.default_layers]

    def embed_images(self, images, inside=None):
        return self.layers(images)[0].mean((2, 3))

def load(name, device):
    """means of pixels

    More about them.
    """
    return Grey(name, "0" * 64)

def is_grey(name):
    return (Path(name) / "grey.txt").is_file()

FAMILY = EncoderFamily("means of pixels from a folder", lambda name, device: Grey(name, "1" * 64), is_grey)
'''


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """An installed distribution with two families of encoders, and one that is none."""
    (tmp_path / "grey.py").write_text(MODULE)
    info = tmp_path / "grey-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: grey\nVersion: 1.0\n")
    entries = ("grey = grey:load", "grey-folder = grey:FAMILY", "wrong = grey:Grey")
    (info / "entry_points.txt").write_text("\n".join(["[specsight.encoders]", *entries, ""]))
    return tmp_path


def run(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with `path` in front of everything that is installed."""
    search = os.pathsep.join([str(path), str(Path(specsight.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": search, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False
    )


def test_our_own_come_first_and_checkpoints_last() -> None:
    names = list(encoder_names())
    assert names[:2] == list(encoders)[:2] == [BUNDLED, FILTERS]
    assert names[-2:] == ["a folder", "a hub id"]


def test_another_distribution_adds_encoders(distribution: Path) -> None:
    folder = distribution / "weights"
    folder.mkdir()
    (folder / "grey.txt").write_text("")
    code = (
        "import sys; from specsight.encoders import load_encoder\n"
        f"for name in ('grey', {str(folder)!r}):\n"
        "    encoder = load_encoder(name, 'cpu'); print(encoder.name, encoder.fingerprint[0])\n"
        "print('torch' in sys.modules)"
    )
    done = run(distribution, "-c", code)
    assert done.stdout.split("\n")[:3] == ["grey 0", f"{folder} 1", "False"], done.stderr


def test_they_are_listed_with_their_titles(distribution: Path) -> None:
    listing = run(distribution, "-m", "specsight.cli", "list", "encoders")
    assert listing.returncode == 0, listing.stderr
    lines = {line.split()[0]: line for line in listing.stdout.split("\n") if line.strip()}
    assert lines["grey"].rstrip().endswith("means of pixels")
    assert lines["grey-folder"].rstrip().endswith("means of pixels from a folder")
    assert (
        "broken: 'grey:Grey' of distribution 'grey': 'wrong' must be a specsight.encoders.EncoderFamily"
        in (" ".join(listing.stdout.split()))
    )


def test_a_broken_one_is_named(distribution: Path) -> None:
    done = run(distribution, "-m", "specsight.cli", "doctor", "--encoder", "wrong")
    assert "encoder 'wrong' is broken: 'grey:Grey' of distribution 'grey'" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


def test_the_example_of_the_page_is_an_encoder(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "encoders.md").read_text("utf-8")
    _, _, adding = page.partition("## Adding an encoder")
    example = adding.partition("```python\n")[2].partition("```")[0]
    used = (
        "import numpy as np; from specsight.encoders import load_encoder\n"
        "encoder, images = load_encoder('means'), np.full((1, 16, 24, 3), (0, 100, 200), np.uint8)\n"
        "(grid,) = encoder.layers(images)\n"
        "print(grid.dtype, grid.shape, grid[0, :, 1, 2].tolist(), encoder.embed_images(images).round(3).tolist())"
    )
    done = run(tmp_path, "-c", example + used)
    assert done.stdout == "float32 (1, 3, 2, 3) [0.0, 100.0, 200.0] [[0.0, 100.0, 200.0]]\n", done.stderr
