"""Language models that point, by name: `bundled`, and `pointing:NAME` of another that ships or of a folder."""

from __future__ import annotations

from specsight.errors import SpecsightError
from specsight.language.contract import LanguageModel, language_models

NAME = "bundled"


@language_models.register(NAME)
def bundled(name: str, device: str) -> LanguageModel:
    """`bundled`: the small one that ships, which speaks of a picture that it is shown and of nothing else."""
    from specsight.language.pointing.speaking import PointingLanguageModel

    if name:
        raise SpecsightError(f"language model '{NAME}:{name}': there is one; write {NAME} alone")
    return PointingLanguageModel(NAME, device)


@language_models.register("pointing")
def pointing(name: str, device: str) -> LanguageModel:
    """`pointing:NAME`: another of its kind that ships, or the folder that `specsight train language` exported."""
    from specsight.language.pointing.speaking import PointingLanguageModel

    if not name:
        raise SpecsightError(
            "language model 'pointing:': name one, such as pointing:smollm2 or pointing:runs/language/model"
        )
    return PointingLanguageModel(name, device)
