"""The tyre line's matched pairs: with findings that see everything, decisions are those of the truth, on every pair.

The tyre line says for each picture what an inspector who sees everything would answer under two instructions that
differ in one thing. Here the findings are that inspector's (the true defects and marks), so that whatever is wrong is
wrong in the decision.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from specsight.calibration import Calibration
from specsight.decision import Circumstances, clauses_in_force, decide
from specsight.records import Finding, Judgement
from specsight.specification import Instruction, Specification
from specsight.synthetic.tyres import render, sample_tyre_scene
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.geometry import PART_NAMES
from specsight.synthetic.tyres.instructions import matched_pairs
from specsight.synthetic.tyres.product import specification
from specsight.synthetic.tyres.rendering import Rendered

CALIBRATION = Calibration(1.0, 1.0, 0.5, 60, 0.05, 0.05, 0.95)
ACCEPTABLE = {"demoulding mark", "spew", "chalk mark"}
PICTURES = 160


def perfect_findings(picture: Rendered, features: set[str]) -> list[Finding]:
    """One finding per defect, per mark that may be too large, and per feature that an instruction asks for."""
    things = [(d.type, d.part, d.size_mm) for d in picture.defects]
    things += [(m.kind, m.part, m.size_mm) for m in picture.marks if m.kind in ACCEPTABLE | features]
    return [
        Finding((0, 0, 1, 1), (0.0, 0.0), 1, size, 2.0, "centre", type_, part=part, length_mm=size)
        for type_, part, size in things
    ]


def verdict(picture: Rendered, instruction: Instruction, product: Specification) -> str | None:
    features = {clause.feature for clause in instruction.requirements}
    found = perfect_findings(picture, features)
    map_ = np.zeros(picture.parts.shape, np.float32)
    types = {f.type for f in found if f.type} | features | ACCEPTABLE | {d.name for d in product.defects}
    circumstances = Circumstances(
        types=types, parts=picture.parts, part_names=PART_NAMES, scale_known=True, follows_words=True
    )
    clauses = clauses_in_force(instruction, product)
    return decide(Judgement(2.0 if found else 0.0, map_), found, CALIBRATION, clauses, circumstances).verdict


def test_every_pair_is_decided_as_the_truth_says() -> None:
    pytest.importorskip("cv2")
    model = MODELS["winter"]
    product = Specification.model_validate(specification(model))
    # The requirements of the specification hold for whole tyres; pairs are about crops.
    product = product.model_copy(update={"requirements": ()})
    names = sorted(KINDS)
    right, total = Counter[str](), Counter[str]()
    for seed in range(PICTURES):
        wanted = () if seed % 3 else (names[seed // 3 % len(names)],)
        picture = render(sample_tyre_scene((seed,), model="winter", size=96, wanted=wanted), wanted)
        for one in matched_pairs(np.random.default_rng(seed), picture, PART_NAMES):
            instruction = Instruction.model_validate({**one.clause, "text": one.text})
            total[one.kind] += 1
            right[one.kind] += verdict(picture, instruction, product) == one.verdict
    assert right == total
    assert min(total.values()) >= 10
    assert set(total) == {"scope", "tolerance", "requirement", "knowledge"}
