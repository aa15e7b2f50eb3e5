"""A small line of parts for the verbs of a factory: pictures of good and scratched parts, and what a verb prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image

from specsight import cli
from specsight.errors import SpecsightError

SIDE = 64
FITTED = ("--encoder", "filters", "--resolution", 64, "--folds", 0)


def photograph(folder: Path, count: int, first: int = 0, scratched: tuple[int, ...] = ()) -> Path:
    """Write `count` pictures of parts, `first`.png and so on; those in `scratched` have a short dark scratch."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        noise = np.random.default_rng(number).normal(0, 4, (SIDE, SIDE))
        pixels = np.sin(np.arange(SIDE) / 3)[:, None] * 20 + 120 + noise
        if number in scratched:
            pixels[20:24, 30:38] = 60
        rgb = np.repeat(pixels[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(folder / f"{number}.png")
    return folder


def run(*words: object) -> Result:
    """A verb, as the command line runs it."""
    return CliRunner().invoke(cli.cli, [str(word) for word in words], standalone_mode=False)


def specsight(*words: object) -> str:
    """What a verb that ends well prints."""
    result = run(*words)
    assert result.exception is None, result.exception
    return result.output


def refused(*words: object) -> str:
    """The line that a verb is refused with."""
    error = run(*words).exception
    assert isinstance(error, SpecsightError), error
    return str(error)
