"""Which pictures a detector learns from, which give the threshold and which are tested; all of it under the seed.

In: the samples of one product and what was asked for. Out: disjoint lists. Test pictures are only ever judged, except
for labelled defects that a run asks for: those are taken out of what it tests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specsight.calibration import parts_needed
from specsight.errors import SpecsightError
from specsight.evaluation.config import EvaluationConfig
from specsight.images import masks_known
from specsight.records import Sample


def split(
    samples: Sequence[Sample], config: EvaluationConfig
) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """(good training pictures, good validation pictures, labelled test pictures)."""
    good = [s for s in samples if s.split == "train" and s.label == "good"]
    validation = [s for s in samples if s.split == "validation" and s.label == "good"]
    test = [s for s in samples if s.split.startswith("test") and s.label != "unknown"]
    if not good and config.shots != 0:
        raise SpecsightError(
            f"'{config.data}' has no good training pictures: "
            f"see what was found with 'specsight check {config.data}'"
        )
    if not test:
        raise SpecsightError(
            f"'{config.data}' has no labelled test pictures: judge unlabelled ones with 'specsight fit' and 'inspect'"
        )
    return good, validation, test


def learned(
    config: EvaluationConfig, good: Sequence[Sample], validation: Sequence[Sample], seed: int
) -> tuple[list[Sample], list[Sample]]:
    """(good pictures to learn from, further good pictures for the threshold).

    With few shots the detector learns from exactly that many; the threshold then comes from other good training
    pictures, for a promise about false rejects cannot be made from a handful.
    """
    if config.shots is None:
        return list(good), list(validation)
    if config.shots > len(good):
        raise SpecsightError(
            f"{config.shots} shots were asked for, but there are {len(good)} good training pictures"
        )
    order = np.random.default_rng(seed).permutation(len(good)).tolist()
    wanted = config.holdout or parts_needed(config.false_reject_rate, config.confidence)
    rest = [good[i] for i in order[config.shots :][:wanted]]
    return [good[i] for i in sorted(order[: config.shots])], list(validation) or rest


def holdout(config: EvaluationConfig, held: Sequence[Sample]) -> int | None:
    """How many of the pictures to learn from to hold out: none where there are others, and none of few shots."""
    if held:
        return None
    return 0 if config.shots is not None else config.holdout


def labelled_defects(
    samples: Sequence[Sample], test: Sequence[Sample], count: int, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """(`count` defective pictures of every type with known masks, what is left to test).

    They come from the training split where it has labelled defects, else from the test split, whole physical objects
    at a time: whatever shows the same part leaves the test with it.
    """
    if not count:
        return [], list(test)
    order = np.random.default_rng((seed, 1)).permutation(len(samples))
    pool = [samples[i] for i in order if samples[i].label == "defective" and masks_known(samples[i])]
    pool.sort(key=lambda s: s.split.startswith("test"))
    chosen: list[Sample] = []
    for type_ in sorted({t for s in pool for t in s.types}):
        have = sum(type_ in s.types for s in chosen)
        more = [s for s in pool if type_ in s.types and s not in chosen][: max(0, count - have)]
        if have + len(more) < count:
            raise SpecsightError(
                f"{count} labelled defects of every type were asked for, but '{type_}' has {have + len(more)}"
            )
        chosen += more
    taken = {s.id for s in chosen} | {f"group:{s.group}" for s in chosen if s.group}
    rest = [s for s in test if s.id not in taken and f"group:{s.group}" not in taken]
    if not any(s.label == "defective" for s in rest) or not any(s.label == "good" for s in rest):
        raise SpecsightError(
            f"with {count} labelled defects of every type to learn from, no good or no defective picture is left "
            "to test: ask for fewer"
        )
    return chosen, rest
