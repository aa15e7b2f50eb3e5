"""Invented plates, and a model of them: what servers are asked with."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from specsight.inspector import Inspector

NAME = "plate"
GOOD = 30
FITTED = ("--folds", "0", "--holdout", "12", "--false-reject-rate", "0.3")


def plate(number: int, side: int, scratched: bool = False) -> bytes:
    """A picture of a plate as PNG; a scratched one has a dark line."""
    noise = np.random.default_rng(number).normal(0, 4, (side, side))
    pixels = np.sin(np.arange(side) / 3)[:, None] * 20 + 120 + noise
    if scratched:
        pixels[side // 3 : side // 3 + max(4, side // 16), side // 2 : side // 2 + side // 8] = 60
    rgb = np.repeat(pixels[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def make_models(folder: Path, side: int, encoder: str = "bundled", int8: str = "") -> Path:
    """A folder of models with one of plates of `side` pixels, PatchCore on an encoder; `int8`: the runtime for which it
    is exported in whole numbers."""
    good = folder / "good"
    good.mkdir(parents=True)
    for number in range(GOOD):
        (good / f"{number}.png").write_bytes(plate(number, side))
    model = folder / "models" / NAME
    fitted = folder / "fitted" if int8 else model
    specsight("fit", "--good", good, "-o", fitted, "--encoder", encoder, "--resolution", side, *FITTED)
    if int8:
        specsight("export", fitted, "--to", int8, "--int8", "--good", good, "-o", model)
    return folder / "models"


def specsight(*words: object) -> str:
    """What a verb of the command line prints."""
    command = [sys.executable, "-m", "specsight.cli", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Pictures:
    """Pictures, and what the bare inspector says of each under each version: (verdict, score)."""

    content: tuple[bytes, ...]
    expected: Mapping[str, tuple[tuple[str | None, float], ...]]

    def wrong(self, index: int, answer: Mapping[str, object]) -> bool:
        """Whether an answer is not that of the version that it names."""
        verdict, score = self.expected[str(answer["version"])][index]
        given = answer["score"]
        close = isinstance(given, float) and abs(given - score) <= 1e-5 * max(1.0, abs(score))
        return answer["verdict"] != verdict or not close


def pictures(versions: Mapping[str, Path], side: int, count: int = 24) -> Pictures:
    """New plates, every third of them scratched; `versions`: version → its saved model."""
    content = tuple(plate(1000 + n, side, n % 3 == 2) for n in range(count))
    expected = {}
    for version, place in versions.items():
        inspector = Inspector.load(place)
        found = [inspector.inspect(one) for one in content]
        expected[version] = tuple((one.decision.verdict, one.score) for one in found)
    return Pictures(content, expected)
