"""What detectors share whose judgement takes a language model that points in: which one it is, and that it stays it.

In: the parameter `language_model` of a detector. Out: the model, held to the encoder that it was trained beside, and
its fingerprint in the detector's folder.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector
from specsight.detectors.saving import damaged
from specsight.errors import SpecsightError
from specsight.storage import parse_json, read_text, write_json

if TYPE_CHECKING:
    from specsight.language.pointing.pointer import Pointer

TOP = 0.01
"""Share of the cells whose mean is the map's say in the score."""
FINGERPRINT = "language_model.json"
P = TypeVar("P", bound="Pointer")


class PointingDetector(Detector, Generic[P]):
    """A detector with a language model that points."""

    language_model: str

    @abstractmethod
    def _load_pointer(self) -> P:
        """The language model by its name. Raises SpecsightError where there is none or its files are damaged."""

    @cached_property
    def pointer(self) -> P:
        """The language model. Raises SpecsightError where it was trained beside another encoder."""
        pointer = self._load_pointer()
        pointer.description.check_encoder(
            f"language model '{self.language_model}'",
            self.get_encoder(),
            "choose that one with --encoder, or train a language model beside it",
        )
        return pointer

    def _save_words(self, folder: Path) -> None:
        super()._save_words(folder)
        write_json(folder / FINGERPRINT, {"fingerprint": self.pointer.fingerprint})

    def _restore_words(self, folder: Path) -> None:
        super()._restore_words(folder)
        path = folder / FINGERPRINT
        try:
            fingerprint = dict(parse_json(read_text(path)))["fingerprint"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise damaged(path) from error
        if fingerprint != self.pointer.fingerprint:
            raise SpecsightError(
                f"'{folder}' was fitted with another language model than '{self.language_model}' is now: fit again, or "
                "put that one back"
            )


def explained(ignored: NDArray[np.float32]) -> NDArray[np.float32]:
    """What ignored types explain, of their logits (K, ...): what looks more like one of them is no defect of another.

    Zero where nothing is ignored.
    """
    return np.asarray(np.logaddexp(0, ignored).max(0) if len(ignored) else 0.0, np.float32)
