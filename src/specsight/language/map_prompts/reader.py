"""A picture's features and its map → likelihoods of answers and answers, by a language model that reads the map.

In: arrays: grids of the encoder that the model was trained beside, sentences, distances to good patches. Out: maps, and
what the language model makes of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import Self

from specsight.encoders import Features
from specsight.language.map_prompts.model import MapPrompted, load_prompted, prompted_fingerprint
from specsight.language.pointing.heads import Seen
from specsight.language.pointing.packing import Branch, pack
from specsight.language.pointing.pointer import BUNDLED, DEEP, FINE, SUSPICION, YES_NO, Pointer
from specsight.language.pointing.saved import Description
from specsight.language.pointing.windows import stacked, windows_of


class MapReader(Pointer):
    """Answers questions about a picture whose map stands as `SUSPICION` among its features, in logits (1, h, w)."""

    home, ships, made_by = Path(__file__).parent, (BUNDLED,), "specsight train anomalygpt"

    def __init__(self, prompted: MapPrompted, description: Description, name: str, fingerprint: str) -> None:
        super().__init__(prompted.speaker, description, name, fingerprint)
        self.prompted = prompted

    @classmethod
    def _of(cls, folder: Path, name: str, device: torch.device) -> Self:
        model, description = load_prompted(folder, device)
        return cls(model, description, name, prompted_fingerprint(folder))

    def eyes(self, grids: Sequence[Features]) -> dict[str, Features]:
        """What the language model sees of the encoder's grids (C_l, h_l, w_l) besides the map: `FINE` and `DEEP`."""
        adapted = self.adapt(grids)
        return {name: adapted[name] for name in (FINE, DEEP)}

    def maps(
        self,
        grids: Sequence[Features],
        defects: Features,
        good: Features,
        distances: Sequence[Features] | None = None,
    ) -> NDArray[np.float32]:
        """Maps (K, h, w) in logits of K sentences about defects.

        Parameters: `grids` (C_l, h_l, w_l), in the order of `Description.layers`; `defects` (K, D) and `good` (D,):
        unit vectors; `distances`: of each grid's cells to good ones (h_l, w_l), where there are good pictures.
        """
        count = len(defects)
        with torch.inference_mode():
            rows = torch.zeros(count, dtype=torch.int64, device=self.model.device)
            told = self._placed(defects)
            against = self._placed(good)[None].expand(count, -1)
            logits = self.prompted.decoder([self._placed(grid)[None] for grid in grids], rows, told, against)
            if distances is not None:
                far = [self._placed(one)[None].expand(count, -1, -1) for one in distances]
                logits = self.prompted.decoder.with_references(logits, far)
            return np.ascontiguousarray(logits.cpu().numpy())

    def even(self, references: bool) -> float:
        """The logit at which a cell looks as much like a defect as like a good part."""
        return float(self.prompted.decoder.even(references))

    def wrong(self, features: Mapping[str, Features], product: str) -> float:
        """Logit of "Yes" against "No" to the question whether anything is wrong with `product`; of a long picture that
        of its worst window."""
        layout = self.model.layout
        branch = Branch(layout.question(YES_NO.format(product=product)))
        windows = windows_of(self._seen(features))
        with torch.inference_mode():
            begin = self._begin(stacked(windows))
            states = self.model.read(begin, pack([[branch]] * len(windows)).to(self.model.device))
            return float(self.model.yes(states[:, -1]).max())

    def _begin(self, seen: Seen) -> Tensor:
        return self.prompted.begin(seen, seen.suspicion)

    def _seen(self, features: Mapping[str, Features]) -> Seen:
        fine, deep, logits = (self._placed(features[name]) for name in (FINE, DEEP, SUSPICION))
        return Seen(fine[None], deep[None], None, logits)
