"""What a detector answered, held to the contract: a detector of another distribution may answer anything."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from specsight.errors import SpecsightError
from specsight.records import Judgement, Picture


def check_judgement(judgement: Any, picture: Picture, detector: str) -> None:
    """Raise SpecsightError, which names the detector, unless the score is a number and every map (H, W) is the
    picture's own size."""
    if not isinstance(judgement, Judgement):
        raise SpecsightError(
            f"detector '{detector}' gave no Judgement but a {type(judgement).__name__}: mend it"
        )
    score = judgement.score
    if not isinstance(score, numbers.Real) or isinstance(score, bool):
        raise SpecsightError(f"detector '{detector}' gave a score that is no number ({score!r}): mend it")
    for name, map_ in (("map", judgement.map), *judgement.type_maps.items()):
        if not isinstance(map_, np.ndarray) or map_.shape != picture.size or map_.dtype.kind != "f":
            found = f"{map_.shape} {map_.dtype}" if isinstance(map_, np.ndarray) else type(map_).__name__
            raise SpecsightError(
                f"detector '{detector}' gave {found} as its '{name}', not {picture.size} of float32 as the picture: "
                "mend it"
            )
