"""What a method learns from, as data: its regime and what it needs for a fit.

Command line, evaluation and `specsight list detectors` decide by these values; nobody outside this room asks a
detector for its class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from specsight.errors import SpecsightError
from specsight.records import Sample
from specsight.specification import Specification


class Regime(str, Enum):
    """Which pictures a method has seen before it judges a product."""

    ZERO_SHOT = "zero-shot"
    """None: words are enough. Good pictures are welcome."""
    NORMAL_ONLY = "normal-only"
    """Good pictures of the product; defects at most as synthetic ones, or a few labelled ones besides."""
    SUPERVISED = "supervised"
    """Labelled defects of the product."""
    CROSS_SET = "cross-set"
    """Labelled pictures of other products; of this one words, and good pictures where there are any."""


@dataclass(frozen=True)
class Needs:
    """What a fit must be given, and what else it can use."""

    good_pictures: int = 1
    """Smallest number of good pictures; 0: none is needed, some are used."""
    text: bool = False
    """A specification and, unless a language model reads it, an encoder that reads."""
    language_model: bool = False
    """A vision-language model, named among the parameters."""
    depth: bool = False
    """Depth beside every picture, to fit and to judge."""
    uses: tuple[str, ...] = ()
    """Modalities beside colours ("depth", "normals", "xyz", "ir", ...) that are used where a picture has them. It may
    lack any of them, or its colours: see `Picture.absent`."""
    masks: bool = False
    """Masks of the labelled defects to fit on."""
    other_sets: bool = False
    """Training on labelled pictures of other products, before the fit."""
    takes_defects: bool = False
    """Labelled defective pictures may be among those to fit on."""
    trains: bool = False
    """A fit trains weights step by step, with checkpoints."""

    def check(self, method: str, samples: Sequence[Sample], specification: Specification | None) -> None:
        """Raise SpecsightError, which speaks of `method`, where what a fit is given lacks what it needs."""
        if self.text and specification is None:
            raise SpecsightError(f"{method} needs words: give a specification (--spec)")
        for sample in samples:
            if sample.label == "defective" and not self.takes_defects:
                raise SpecsightError(f"{method} learns from good parts only, and '{sample.id}' is defective")
        if self.depth and samples and all(sample.depth is None for sample in samples):
            raise SpecsightError(
                f"{method} needs depth, and no good part comes with any (the first: '{samples[0].id}'): put depth "
                "beside the pictures (specsight list datasets says how), or take a method that does without"
            )

    def check_enough(self, method: str, count: int, skipped: Sequence[tuple[str, str]] = ()) -> None:
        """Raise SpecsightError, which speaks of `method`, where `count` good pictures are too few.

        `skipped`: (path, reason) of those that could not be read, which are the cause where there are any.
        """
        if count >= self.good_pictures:
            return
        parts = "part" if self.good_pictures == 1 else "parts"
        needed = f"{method} needs at least {self.good_pictures} good {parts} (got {count})"
        if skipped:
            raise SpecsightError(f"{needed}: {len(skipped)} could not be read; the first: {skipped[0][1]}")
        raise SpecsightError(
            f"{needed}: add pictures of good parts" + (", or use patchcore" if self.good_pictures > 1 else "")
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What must be given, in words: "normal images", "text", "depth", "language model", "masks", "other sets"."""
        given = {
            "depth": self.depth,
            "language model": self.language_model,
            "masks": self.masks,
            "normal images": self.good_pictures > 0,
            "other sets": self.other_sets,
            "text": self.text,
        }
        return tuple(name for name, needed in given.items() if needed)

    def __str__(self) -> str:
        """All of it in one line, for a listing."""
        options = [
            f"at least {self.good_pictures} good pictures" if self.good_pictures > 1 else "",
            f"uses {', '.join(self.uses)} where given" if self.uses else "",
            "learns from labelled defects too" if self.takes_defects else "",
            "trains weights" if self.trains else "",
        ]
        extra = ", ".join(filter(None, options))
        return ", ".join(self.names) + (f" ({extra})" if extra else "")
