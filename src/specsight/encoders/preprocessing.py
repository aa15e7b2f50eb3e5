"""How a checkpoint wants its pixels, from the file that stands beside its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.storage import parse_json, read_text


@dataclass(frozen=True)
class Preprocessing:
    """How a checkpoint wants its pixels: (rgb * scale - mean) / deviation, each per colour channel."""

    scale: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


def read_preprocessing(folder: Path) -> Preprocessing:
    """Scale, mean and deviation from the checkpoint's own preprocessor file (ImageNet's where it has none)."""
    path = folder / "preprocessor_config.json"
    try:
        content = parse_json(read_text(path)) if path.is_file() else {}
        # Processors save image settings at the top level or, since v5, below "image_processor".
        settings = content.get("image_processor", content)
        scale = float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0
        plain = not settings.get("do_normalize", True)
        mean = (0.0,) * 3 if plain else settings.get("image_mean", (0.485, 0.456, 0.406))
        deviation = (1.0,) * 3 if plain else settings.get("image_std", (0.229, 0.224, 0.225))
        (r, g, b), (dr, dg, db) = map(float, mean), map(float, deviation)
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise SpecsightError(f"'{path}' is damaged: get the checkpoint anew") from error
    if min(dr, dg, db) <= 0:
        raise SpecsightError(f"'{path}': image_std must be positive, got {deviation}")
    return Preprocessing(scale, (r, g, b), (dr, dg, db))
