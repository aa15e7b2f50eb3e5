"""Prompt sensitivity: the same pictures, and words that are said otherwise: TGAD's first scenario (arXiv 2606.01992).

In: an inspector, or how to fit one to a specification, and tested samples. Out: by edit, the image AUROC and how it
differs from that under the plain words. Two kinds of words are edited: the prompt that comes with a picture (`EDITS`,
none of which calls for another verdict), and the specification that a detector reads (`SPECIFICATION_EDITS`). Every
picture is looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.metrics.image import image_auroc
from specsight.metrics.language_control import decision_ranks
from specsight.prompts.rewording import reword
from specsight.records import Sample
from specsight.runs.instructed import Answer
from specsight.specification import Specification
from specsight.specification.vocabulary import as_words

PLAIN = "plain"
Edit = Callable[[Specification], str]


def _listed(specification: Specification) -> str:
    return ", ".join(as_words(defect.name) for defect in specification.defects)


def _contradictory(specification: Specification) -> str:
    """Looks for every type and ignores the same types."""
    if not specification.defects:
        return "Inspect the whole product. Do not inspect the whole product."
    return f"Look for {_listed(specification)} only. Ignore {_listed(specification)}."


EDITS: Mapping[str, Edit] = {
    PLAIN: lambda said: f"Inspect the {said.product} for defects.",
    "paraphrase": lambda said: f"Please check whether anything is wrong with this {said.product}.",
    "synonyms": lambda said: f"Examine the {said.product} for flaws.",
    "noun removed": lambda _: "Inspect it for defects.",
    "wrong noun": lambda _: "Inspect the banana for defects.",
    "defects listed": lambda said: (
        f"Inspect the {said.product} for defects. Known defects: {_listed(said)}."
        if said.defects
        else f"Inspect the {said.product} for defects."
    ),
    "foreign defect ignored": lambda said: f"Inspect the {said.product} for defects. Ignore insect bites.",
    "contradictory": _contradictory,
}
"""Name of an edit → the prompt that it makes for a product. None of them calls for another verdict."""


def _without_defects(specification: Specification) -> Specification:
    return Specification(product=specification.product, appearance=specification.appearance)


SPECIFICATION_EDITS: Mapping[str, Callable[[Specification], Specification]] = {
    PLAIN: lambda said: said,
    "paraphrase": partial(reword, how="paraphrase"),
    "truncation": partial(reword, how="truncation"),
    "noun removed": partial(reword, how="noun removed"),
    "wrong noun": partial(reword, how="wrong noun"),
    "defect list removed": _without_defects,
    "wrong defect list": partial(reword, how="wrong defect list"),
    "one word": partial(reword, how="one word"),
    "full prose": partial(reword, how="full prose"),
}
"""Name of an edit → the specification that it makes; those of the suite `words`, and one without defects."""


@dataclass(frozen=True)
class Sensitivity:
    """What words make of the same pictures."""

    words: str
    """The prompt; empty for a specification."""
    auroc: float
    """Of defective pictures against good ones; by score less threshold where there is one."""
    change: float
    """AUROC less that under the plain words."""
    flipped: float
    """Share of pictures with another verdict than under the plain words, [0, 1]; 0 without thresholds."""


def prompt_sensitivity(
    inspector: Inspector,
    samples: Sequence[Sample],
    specification: Specification,
    edits: Mapping[str, Edit] = EDITS,
) -> dict[str, Sensitivity]:
    """The samples judged under every prompt, by name of edit.

    Raises SpecsightError where `edits` lack the plain prompt, or the samples are not both good and defective.
    """
    prompts = {name: edit(specification) for name, edit in edits.items()}
    return _compared(samples, {name: (inspector, prompt) for name, prompt in prompts.items()})


def specification_sensitivity(
    fit: Callable[[Specification], Inspector],
    samples: Sequence[Sample],
    specification: Specification,
    edits: Mapping[str, Callable[[Specification], Specification]] = SPECIFICATION_EDITS,
) -> dict[str, Sensitivity]:
    """The samples judged without a prompt by what `fit` makes of every edited specification, by name of edit.

    What it makes must look at pictures in the same way whatever the specification says. Raises SpecsightError as
    `prompt_sensitivity` does, and where it does not.
    """
    return _compared(samples, {name: (fit(edit(specification)), "") for name, edit in edits.items()})


def _compared(samples: Sequence[Sample], ways: Mapping[str, tuple[Inspector, str]]) -> dict[str, Sensitivity]:
    """The samples judged in every way: by an inspector, under a prompt (empty: none)."""
    labels = np.array([sample.label == "defective" for sample in samples], bool)
    if PLAIN not in ways or labels.all() or not labels.any():
        raise SpecsightError(
            "sensitivity to words compares good and defective pictures under edits of plain words: "
            "one of the three is missing"
        )
    answers: dict[str, list[Answer]] = {name: [] for name in ways}
    for sample in samples:
        seen = ways[PLAIN][0].look(sample)
        for name, (inspector, prompt) in ways.items():
            answers[name].append(Answer.of(inspector.judge(seen, prompt or None)))
    aurocs = {name: _auroc(labels, given) for name, given in answers.items()}
    plain = [answer.verdict for answer in answers[PLAIN]]
    return {
        name: Sensitivity(
            ways[name][1],
            aurocs[name],
            aurocs[name] - aurocs[PLAIN],
            float(np.mean([answer.verdict != verdict for answer, verdict in zip(given, plain, strict=True)])),
        )
        for name, given in answers.items()
    }


def _auroc(labels: NDArray[np.bool_], answers: Sequence[Answer]) -> float:
    ranks = decision_ranks(
        [answer.verdict == "reject" for answer in answers], [answer.margin for answer in answers]
    )
    return float(image_auroc(labels, ranks))
