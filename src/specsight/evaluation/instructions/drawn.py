"""Which pixels an instruction has inspected, and which findings count under it, as one small picture for the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from specsight import findings
from specsight.decision import Circumstances, with_scope
from specsight.inspector import Inspector, Observation
from specsight.records import Inspection
from specsight.runs.instructed import COUNTED, INSPECTED, LEFT_OUT, OBSERVED
from specsight.specification import Clause
from specsight.specification.vocabulary import Vocabulary


def drawn_pixels(
    inspector: Inspector, observation: Observation, inspection: Inspection, clauses: Sequence[Clause]
) -> NDArray[np.uint8] | None:
    """(H, W): `LEFT_OUT` of the scope, `INSPECTED`, of a finding that is `OBSERVED` alone, or of one that `COUNTED`.

    `clauses` are those that were in force. None where there is no map or no threshold.
    """
    map_, calibration = inspection.map, inspector.calibration
    if map_ is None or calibration is None:
        return None
    words = Vocabulary.of(inspector.specification.parts if inspector.specification else ())
    sample = observation.sample
    circumstances = Circumstances(
        parts=observation.picture.parts, part_names=sample.part_names, part_words=words
    )
    circumstances = with_scope(circumstances, clauses, calibration)
    inside = circumstances.inside
    pixels = np.full(map_.shape, INSPECTED, np.uint8)
    if inside is not None:
        pixels[~inside] = LEFT_OUT
    excused = {one.finding.peak for one in inspection.decision.observed}
    labels = findings.regions(map_, calibration, sample.circular, circumstances.focus)
    for label, box in enumerate(find_objects(labels), 1):
        region = labels[box] == label
        peak = float(map_[box][region].max())
        pixels[box][region] = OBSERVED if peak in excused else COUNTED
    return pixels
