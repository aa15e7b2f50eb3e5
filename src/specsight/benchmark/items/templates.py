"""The words of questions: templates in YAML, one file per task, each kind of question in at least five paraphrases.

In: `templates/TASK.yaml`. Out: `Variant`s, whose placeholders are filled with words. A file that does not fit is
refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from specsight.benchmark.tasks import TASKS, Task
from specsight.errors import SpecsightError
from specsight.specification.vocabulary import with_article

FOLDER = Path(__file__).parent / "templates"
LEAST = 5
"""Paraphrases of each kind of question."""
SLOTS = frozenset(
    {"product", "a_product", "part", "type", "a_type", "types", "note", "limit", "feature", "rules"}
)
"""Placeholders that templates may have."""

Paraphrase = Annotated[str, Field(min_length=8, max_length=600)]


class Variant(BaseModel):
    """One kind of question of a task, and the words that its options need."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    questions: Annotated[tuple[Paraphrase, ...], Field(min_length=LEAST)]
    options: Mapping[str, str] = Field(default_factory=dict)
    """Answer → the words it is offered in, for answers that are no names."""
    answers: Mapping[str, str] = Field(default_factory=dict)
    """Reference texts of free answers, by name."""

    @field_validator("questions")
    @classmethod
    def _well_formed(cls, questions: tuple[str, ...]) -> tuple[str, ...]:
        for text in questions:
            problem = malformed(text)
            if problem:
                raise ValueError(f"'{text}' {problem}")
        if len(set(questions)) < len(questions):
            raise ValueError("a paraphrase stands there twice")
        return questions


class TemplateFile(BaseModel):
    """All templates of one task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Task
    variants: Annotated[Mapping[str, Variant], Field(min_length=1)]

    @model_validator(mode="after")
    def _same_slots(self) -> TemplateFile:
        """All paraphrases of one kind need the same words: none may say more than another."""
        for name, variant in self.variants.items():
            needed = {frozenset(_slots(text)) - {"product", "a_product"} for text in variant.questions}
            if len(needed) > 1:
                raise ValueError(f"paraphrases of '{name}' have different placeholders")
        return self


def malformed(text: str) -> str | None:
    """What is wrong with the form of a sentence or several; None: nothing."""
    unknown = set(_slots(text)) - SLOTS
    if unknown:
        return f"has the unknown placeholder {{{sorted(unknown)[0]}}}"
    if text != text.strip() or "  " in text or "\n" in text:
        return "has superfluous white space"
    if not re.match(r"[A-Z{]", text):
        return "does not begin with a capital"
    if text[-1] not in "?.:":
        return "does not end with a question mark, a full stop or a colon"
    if re.search(r"\b(a|an) \{", text, re.IGNORECASE):
        return "has an article before a placeholder: use {a_...}"
    return None


def templates(task: Task) -> Mapping[str, Variant]:
    """The kinds of questions of a task, by name."""
    return _read(task).variants


def fill(text: str, words: Mapping[str, str]) -> str:
    """A template with its words; `a_...` puts an article before them, and a sentence begins with a capital."""
    given = dict(words)
    for name, value in words.items():
        given.setdefault(f"a_{name}", with_article(value))
    filled = text.format_map(given)
    return filled[0].upper() + filled[1:]


def variant(task: Task, name: str) -> Variant:
    """One kind of question. Raises KeyError for another name."""
    return templates(task)[name]


@cache
def _read(task: Task) -> TemplateFile:
    return read_templates(FOLDER / f"{task}.yaml")


def read_templates(path: Path) -> TemplateFile:
    """The templates of a file. Raises SpecsightError with file and place."""
    from pydantic import ValidationError

    from specsight.storage.reading import parse_yaml, read_text

    try:
        found = TemplateFile.model_validate(parse_yaml(read_text(path)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SpecsightError(f"templates '{path}': {place}: {first['msg']}") from error
    except ValueError as error:
        raise SpecsightError(f"templates '{path}': {error}") from error
    if found.task not in TASKS or path.stem != found.task:
        raise SpecsightError(f"templates '{path}' are those of '{found.task}': name the file after its task")
    return found


def _slots(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]
