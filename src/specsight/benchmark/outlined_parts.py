"""Part maps of photographs, whose set draws none: found from the picture on which the specification outlines parts.

In: a specification with outlines, good training pictures. Out: a part map per picture, found as every inspection finds
it (`inspector.part_maps`); none where the picture does not lie as the outlined one does. What is taken for truth must
be exact: parts of objects that lie so are found to 0.89 (mean overlap, MVTec AD bottle), of other pictures to 0.44 and
0.52 (magnetic tile, DeepPCB; docs/parts.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from specsight.detectors import create_detector
from specsight.evaluation.instructions.from_masks import LEAST_PART
from specsight.images import common_bits
from specsight.inspector.part_maps import AGREES, grid_view, learn_parts
from specsight.parts import PartFinder
from specsight.records import Picture, Sample
from specsight.specification import Specification


class OutlinedParts:
    """Finds the parts that a specification outlines; see `learn`."""

    def __init__(
        self, specification: Specification, good: Sequence[Sample], encoder: str, device: str
    ) -> None:
        self._detector = create_detector("patchcore", encoder=encoder, device=device)
        finder = learn_parts(self._detector, specification, good, common_bits(s.image for s in good))
        assert finder is not None
        self._finder: PartFinder = finder
        self._looking = Lock()
        used = self._detector.get_encoder()
        self.fingerprint = f"{used.fingerprint} {used.runtime_fingerprint}"
        """Of the encoder that parts are found with."""

    @classmethod
    def learn(
        cls,
        specification: Specification | None,
        good: Sequence[Sample],
        encoder: str = "bundled",
        device: str = "auto",
    ) -> OutlinedParts | None:
        """The finder of a specification's parts; None where it outlines none.

        `good` are good training pictures, from which it learns how well pictures of the product agree with the outlined
        one. Raises SpecsightError where the outlined picture is missing or has another shape.
        """
        if specification is None or specification.reference is None:
            return None
        return cls(specification, good, encoder, device)

    def find(
        self, rgb: NDArray[np.uint8], circular: bool = False
    ) -> tuple[NDArray[np.uint8], Mapping[int, str]] | None:
        """The part map (H, W) of a picture (H, W, 3), 0 where no part is, and the names of the parts that cover at
        least 3 % of it; None where the picture agrees with the outlined one by less than `AGREES` (cosine 0.6)."""
        picture = Picture(rgb, circular=circular)
        with self._looking:
            (view,) = self._detector.look([picture])
            found = self._finder.find(grid_view(self._detector, picture, view), circular)
        if found.parts is None or found.agreement < AGREES:
            return None
        parts = found.parts
        names = {
            value: name for value, name in self._finder.names.items() if np.mean(parts == value) >= LEAST_PART
        }
        return np.asarray(np.where(np.isin(parts, list(names)), parts, 0), np.uint8), names
