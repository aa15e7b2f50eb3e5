"""Prompt sensitivity: the same pictures under one prompt in other words, none of which changes what is to be found.

In: an inspector and tested samples. Out: by edit, the image AUROC and how it differs from that under the plain prompt.
The edits are those of TGAD's first scenario (arXiv 2606.01992) as far as they concern what is said with a picture; what
a specification's wording does is measured by the suite `words`. Every picture is looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.metrics.image import image_auroc
from specsight.metrics.language_control import decision_ranks
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


@dataclass(frozen=True)
class Sensitivity:
    """What one prompt makes of the same pictures."""

    prompt: str
    auroc: float
    """Of defective pictures against good ones, by score less threshold."""
    change: float
    """AUROC less that under the plain prompt."""
    flipped: float
    """Share of pictures with another verdict than under the plain prompt, [0, 1]."""


def sensitivity(
    inspector: Inspector,
    samples: Sequence[Sample],
    specification: Specification,
    edits: Mapping[str, Edit] = EDITS,
) -> dict[str, Sensitivity]:
    """The samples judged under every edit, by name of edit.

    Raises SpecsightError where `edits` lack the plain prompt, or the samples are not both good and defective.
    """
    labels = np.array([sample.label == "defective" for sample in samples], bool)
    if PLAIN not in edits or labels.all() or not labels.any():
        raise SpecsightError(
            "prompt sensitivity compares good and defective pictures under edits of a plain prompt: "
            "one of the three is missing"
        )
    prompts = {name: edit(specification) for name, edit in edits.items()}
    answers: dict[str, list[Answer]] = {name: [] for name in prompts}
    for sample in samples:
        seen = inspector.look(sample)
        for name, prompt in prompts.items():
            answers[name].append(Answer.of(inspector.judge(seen, prompt)))
    aurocs = {name: _auroc(labels, given) for name, given in answers.items()}
    plain = [answer.verdict for answer in answers[PLAIN]]
    return {
        name: Sensitivity(
            prompts[name],
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
