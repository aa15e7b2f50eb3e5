"""What methods that compare pictures with sentences hold and draw: the words they were fitted with, and maps by type.

In: a specification and an encoder that reads; then instructions, and maps on grids over the frame. Out: anchors of a
judgement's words, and judgements with a map per type of defect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from specsight import images
from specsight.detectors.parameters import parameter
from specsight.encoders import Encoder
from specsight.features import grids
from specsight.prompts import prompt_bank
from specsight.prompts.anchors import Anchors, PhraseBook, Reader
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

IMAGE = "image"
"""Name of the pooled embedding (D, 1, 1) in a view."""
SAME = 1 - 1e-5
"""Cosine from which on two types are one to an encoder."""
LONGEST_QUOTED = 60
"""Characters of a phrase that is named."""


@dataclass(frozen=True)
class Words:
    """What a product was specified as, and the sentences about it, each embedded once."""

    specification: Specification
    book: PhraseBook

    @classmethod
    def of(cls, specification: Specification, reader: Reader) -> Self:
        """Start an empty book of sentences; `reader`: an encoder that reads, or its text tower after training."""
        return cls(specification, PhraseBook(reader))

    def anchors(self, instruction: Instruction | None = None) -> Anchors:
        """Return the anchors of the specification's types and of what an instruction adds, singles out or ignores."""
        return self.book.anchors(prompt_bank(self.specification, instruction))


def word_doubts(specification: Specification, encoder: Encoder) -> list[str]:
    """Lines about words of a product that `encoder`, which must read, does not read or does not tell apart."""
    words = [
        specification.product,
        *(word for defect in specification.defects for word in (defect.name, *defect.phrases)),
    ]
    lines = [
        f"the encoder does not read '{_short(word)}' as it stands ({reason}): say it in other words"
        for word, reason in encoder.misread(list(dict.fromkeys(words))).items()
    ]
    anchors = Words.of(specification, encoder).anchors()
    alike = anchors.defects @ anchors.defects.T > SAME
    named = [(k, name) for k, name in enumerate(anchors.types) if name is not None]
    lines += [
        f"'{second}' reads the same as '{first}': their findings go by the name of the first; say one in other words"
        for k, first in named
        for other, second in named
        if k < other and alike[k, other]
    ]
    return lines


def _short(words: str) -> str:
    return words if len(words) <= LONGEST_QUOTED else f"{words[: LONGEST_QUOTED - 3]}..."


class TypeMaps(Mapping[str, NDArray[np.float32]]):
    """Maps (H, W) by type, each made at the first access: most judgements are read for few of them.

    Parameters: `types`, in their order; `make` gives the map of one of them.
    """

    def __init__(self, types: Iterable[str], make: Callable[[str], NDArray[np.float32]]) -> None:
        self._types, self._make = dict.fromkeys(types), make
        self._made: dict[str, NDArray[np.float32]] = {}

    def __getitem__(self, type_: str) -> NDArray[np.float32]:
        if type_ not in self._types:
            raise KeyError(type_)
        if type_ not in self._made:
            self._made[type_] = self._make(type_)
        return self._made[type_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


def temperature_parameter() -> float:
    """Declare the temperature of methods that compare without training."""
    return parameter(
        0.07, "Divides cosines between pictures and sentences; fixed a priori (WinCLIP's).", low=1e-3, high=10
    )


def judgement_of_types(
    score: float,
    maps: NDArray[np.float32],
    types: Sequence[str | None],
    cells: images.Cells,
    frame: images.Frame,
    sigma: float,
    combined: NDArray[np.float32] | None = None,
) -> Judgement:
    """Make a judgement of maps (K, h, w) on `cells`, one per type; None stands for damage of no particular kind.

    The map is `combined` (h, w), by default the largest of `maps`, cell by cell; `sigma` smooths, in pixels of the
    framed picture.
    """
    named = {name: maps[k] for k, name in enumerate(types) if name is not None}
    drawn = grids.on_picture(maps.max(0) if combined is None else combined, cells, frame, sigma)
    of_types = TypeMaps(named, lambda name: grids.on_picture(named[name], cells, frame, sigma))
    return Judgement(score, drawn, of_types)


def judgement_without_types(frame: images.Frame) -> Judgement:
    """Make the judgement of an instruction that lets no type of defect count: score and map are zero."""
    return Judgement(0.0, np.zeros(frame.native, np.float32))
