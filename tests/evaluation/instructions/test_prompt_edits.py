"""Prompts that say nothing change nothing; one that does is seen to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import specsight as ss
from specsight.errors import SpecsightError
from specsight.evaluation.instructions.prompt_edits import (
    EDITS,
    PLAIN,
    SPECIFICATION_EDITS,
    prompt_sensitivity,
    specification_sensitivity,
)
from specsight.records import Sample
from specsight.specification import parse_specification

PLATE = parse_specification("{product: plate, defects: [{name: scratch, phrases: [a scratch]}]}")


def samples_in(folder: Path) -> list[Sample]:
    rng = np.random.default_rng(0)
    made = []
    for k in range(24):
        pixels = rng.integers(120, 136, (64, 64, 3)).astype(np.uint8)
        if k >= 16:
            pixels[20 + k : 26 + k, 10:50] = 0
        Image.fromarray(pixels).save(folder / f"{k}.png")
        label = "good" if k < 16 else "defective"
        made.append(Sample(str(k), folder / f"{k}.png", "plate", label=label))  # type: ignore[arg-type]
    return made


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[ss.Inspector, list[Sample]]:
    samples = samples_in(tmp_path_factory.mktemp("plates"))
    inspector = ss.Inspector.fit(
        samples[:12], detector="patchcore", specification=PLATE, encoder="filters", resolution=64, folds=3
    )
    return inspector, samples[12:]


def test_prompts_that_say_nothing_change_nothing(fitted: tuple[ss.Inspector, list[Sample]]) -> None:
    found = prompt_sensitivity(*fitted, PLATE)
    assert list(found) == list(EDITS)
    assert found[PLAIN].auroc == 1.0
    for name, one in found.items():
        assert (one.change, one.flipped) == (0.0, 0.0), name
    assert found["noun removed"].words == "Inspect it for defects."
    assert found["contradictory"].words == "Look for scratch only. Ignore scratch."


def test_a_prompt_that_decides_is_seen(fitted: tuple[ss.Inspector, list[Sample]]) -> None:
    """No plate has a yellow dot: the four good ones of twelve are rejected now, above those with a line."""
    edits = {PLAIN: EDITS[PLAIN], "other clauses": lambda _: "A yellow dot is required."}
    one = prompt_sensitivity(*fitted, PLATE, edits)["other clauses"]
    assert (one.auroc, one.change, one.flipped) == (0.0, -1.0, pytest.approx(4 / 12))


def test_both_kinds_of_pictures_are_needed(fitted: tuple[ss.Inspector, list[Sample]]) -> None:
    inspector, samples = fitted
    with pytest.raises(SpecsightError, match="good and defective pictures"):
        prompt_sensitivity(inspector, samples[:3], PLATE)


@pytest.mark.long
def test_the_words_of_a_specification_change_what_reads_them(
    fitted: tuple[ss.Inspector, list[Sample]],
) -> None:
    pytest.importorskip("torch", reason="an encoder that reads: needs the extra 'models'")
    # Labels that no detector can know: how pictures are ranked, and so the AUROC, is a matter of words alone.
    samples = [replace(s, label="defective" if k % 2 else "good") for k, s in enumerate(fitted[1])]
    found = specification_sensitivity(
        lambda said: ss.Inspector.fit([], detector="phrases", specification=said, resolution=64),
        samples,
        PLATE,
    )
    assert list(found) == list(SPECIFICATION_EDITS)
    assert found[PLAIN].change == 0.0
    assert len({one.auroc for one in found.values()}) > 1
    for one in found.values():
        assert one.change == pytest.approx(one.auroc - found[PLAIN].auroc)
