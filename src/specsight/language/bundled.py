"""Language models that point, by name: `bundled`, the one that ships, and `pointing:FOLDER`."""

from __future__ import annotations

from specsight.errors import SpecsightError
from specsight.language.contract import LanguageModel, language_models

NAME = "bundled"


@language_models.register(NAME)
def bundled(name: str, device: str) -> LanguageModel:
    """`bundled`."""
    from specsight.language.pointing.speaking import PointingLanguageModel

    if name:
        raise SpecsightError(f"language model '{NAME}:{name}': there is one; write {NAME} alone")
    return PointingLanguageModel(NAME, device)


@language_models.register("pointing")
def pointing(name: str, device: str) -> LanguageModel:
    """`pointing:FOLDER`."""
    from specsight.language.pointing.speaking import PointingLanguageModel

    if not name:
        raise SpecsightError(
            "language model 'pointing:': name the folder, such as pointing:runs/language/model"
        )
    return PointingLanguageModel(name, device)
