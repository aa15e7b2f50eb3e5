"""What all detectors that read have in common: a specification, the encoder's joint space, words that may change.

In: a specification when fitting (good pictures are welcome, none is needed), an instruction when judging. Out: the
anchors of that judgement's words. Sub-classes say what they look at and how anchors become maps.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors.contract import SPECIFICATION, Detector, State, View
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter
from specsight.encoders import Encoder, Features
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.prompts import prompt_bank
from specsight.prompts.anchors import Anchors, PhraseBook
from specsight.records import Judgement, Picture, Sample
from specsight.specification import Instruction, Specification, load_specification, save_yaml

IMAGE = "image"
"""Name of the pooled embedding (D, 1, 1) in a view."""


@dataclass
class ReadingDetector(Detector):
    """A detector that compares pictures with sentences."""

    needs: ClassVar[Needs] = Needs(good_pictures=0, text=True)
    regime: ClassVar[Regime] = Regime.ZERO_SHOT

    temperature: float = parameter(
        0.07, "Divides cosines between pictures and sentences; fixed a priori (WinCLIP's).", low=1e-3, high=10
    )
    sigma: float = parameter(
        4.0, "Smoothing of the map, in pixels of the framed picture.", low=0, high=100, unit="px"
    )

    specification_: Specification | None = field(default=None, init=False, repr=False)
    phrases_: PhraseBook | None = field(default=None, init=False, repr=False)

    @abstractmethod
    def _see(self, encoder: Encoder, pixels: NDArray[np.uint8]) -> Mapping[str, Features]:
        """What a view of framed pixels (1, H, W, 3) holds, each (D, h, w)."""

    def _look(self, picture: Picture) -> View:
        encoder = self.get_encoder()
        pixels, frame = self._frame(picture, encoder.multiple)
        return View(frame, self._see(encoder, pixels[None]))

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return ()

    def _check_needs(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        super()._check_needs(samples, specification)
        encoder = self.get_encoder()
        if not encoder.reads:
            raise SpecsightError(
                f"{self.name} compares pictures with words, and encoder '{encoder.name}' has no text tower: "
                "choose one that reads (bundled, or a CLIP or SigLIP checkpoint) with --encoder"
            )

    def _take_words(self, specification: Specification | None) -> None:
        """Keep what was specified; `_check_needs` has made sure that there is something."""
        if specification is None:
            raise self._not_fitted()
        self.specification_ = specification
        self.phrases_ = PhraseBook(self.get_encoder())

    def _known_words(self) -> tuple[PhraseBook, Specification]:
        """What was fitted. Raises SpecsightError where nothing was."""
        if self.specification_ is None or self.phrases_ is None:
            raise self._not_fitted()
        return self.phrases_, self.specification_

    def _anchors(self, instruction: Instruction | None) -> Anchors:
        book, specification = self._known_words()
        return book.anchors(prompt_bank(specification, instruction))

    def _judgement(
        self,
        score: float,
        maps: NDArray[np.float32],
        types: Sequence[str | None],
        view: View,
        combined: NDArray[np.float32] | None = None,
    ) -> Judgement:
        """From maps (K, h, w) over the frame, one per type: the map is `combined` (h, w), else their largest, cell by
        cell; no types, no map above zero."""
        if not types:
            return Judgement(score, np.zeros(view.frame.native, np.float32))
        named = {name: maps[k] for k, name in enumerate(types) if name is not None}
        drawn = grids.on_picture(maps.max(0) if combined is None else combined, view.frame, self.sigma)
        return Judgement(score, drawn, TypeMaps(named, view.frame, self.sigma))

    def save(self, folder: Path) -> None:
        """Write parameters, learned state and, once fitted, the specification into an existing folder."""
        super().save(folder)
        if self.specification_ is not None:
            save_yaml(self.specification_, folder / SPECIFICATION)

    def restore(self, folder: Path) -> None:
        """Take what `save` wrote, the specification first; see `Detector.restore`."""
        if (folder / SPECIFICATION).exists():
            self._take_words(load_specification(folder / SPECIFICATION))
        super().restore(folder)

    def _state(self) -> State:
        if self.specification_ is None:
            raise self._not_fitted()
        return {}

    def _restore(self, state: State) -> None:
        if self.specification_ is None:
            raise KeyError(SPECIFICATION)


class TypeMaps(Mapping[str, NDArray[np.float32]]):
    """Maps (H, W) by type, drawn on the picture when they are asked for: most judgements are asked for few of them."""

    def __init__(self, cells: Mapping[str, NDArray[np.float32]], frame: images.Frame, sigma: float) -> None:
        self._cells, self._frame, self._sigma = cells, frame, sigma
        self._drawn: dict[str, NDArray[np.float32]] = {}

    def __getitem__(self, type_: str) -> NDArray[np.float32]:
        if type_ not in self._drawn:
            self._drawn[type_] = grids.on_picture(self._cells[type_], self._frame, self._sigma)
        return self._drawn[type_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


def shown(frame: images.Frame, grid: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a grid (h, w) over the frame that show the picture; around a seam, all columns do."""
    cells = frame.shows_picture(grid)
    rows = np.flatnonzero(cells.any(1))
    columns = np.arange(grid[1]) if frame.circular else np.flatnonzero(cells.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def framed(
    maps: NDArray[np.float32], cells: tuple[slice, slice], grid: tuple[int, int]
) -> NDArray[np.float32]:
    """Maps (K, h', w') over the cells that show the picture → (K, h, w) over the frame, edges continued."""
    (top, bottom), (left, right) = ((c.start, size - c.stop) for c, size in zip(cells, grid))
    return np.pad(maps, ((0, 0), (top, bottom), (left, right)), mode="edge")
