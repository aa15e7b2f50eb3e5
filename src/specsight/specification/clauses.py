"""What words can demand of one inspection, as typed clauses that a person can see, correct and save as YAML.

A clause keeps the sentence it was read from and how sure the reader was. Clauses come from a specification (which holds
for every picture of a product) and from an `Instruction` (which holds for the pictures it is given with).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError, model_validator
from typing_extensions import Self

from specsight.errors import did_you_mean
from specsight.specification.fields import Limit, Model, Name
from specsight.specification.terms import DefectType

Confidence = Annotated[float, Field(ge=0, le=1)]


class Clause(Model):
    """One demand. `text` is the sentence it stands for, `confidence` in [0, 1] how sure its reader was."""

    kind: ClassVar[str]
    short_form: ClassVar[str] = ""
    """The field that a plain name in place of a mapping stands for."""

    text: str = ""
    confidence: Confidence = 1.0

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        """A plain name where a clause needs nothing else; a defect type where one is taught."""
        if isinstance(value, str) and cls.short_form:
            return {cls.short_form: (value,) if cls.short_form == "parts" else value}
        if isinstance(value, DefectType) and not isinstance(value, cls):
            return value.model_dump()
        return value

    @property
    def words(self) -> str:
        """The sentence, or what the clause says where it was not read from one."""
        return self.text or self._in_words()

    @abstractmethod
    def _in_words(self) -> str:
        """What the clause says, where it was not read from a sentence."""


class Scope(Clause):
    """Inspect these parts only, or (`exclude`) everything but these parts."""

    kind = "scope"
    short_form = "parts"

    parts: Annotated[tuple[Name, ...], Field(min_length=1)]
    exclude: bool = False

    def _in_words(self) -> str:
        parts = ", ".join(self.parts)
        return f"inspect everything but {parts}" if self.exclude else f"inspect only {parts}"


class Tolerance(Clause):
    """A defect that is acceptable up to a limit (longest extent), everywhere or on one part.

    Limit 0: it never is. Without limit: it always is, as an `Ignore`. What holds for one part goes before what holds
    everywhere.
    """

    kind = "tolerance"

    defect: Name
    up_to_mm: Limit | None = None
    part: Name | None = None

    def _in_words(self) -> str:
        where = f" on {self.part}" if self.part else ""
        if self.up_to_mm == 0:
            return f"no {self.defect}{where} is acceptable"
        limit = f" up to {self.up_to_mm:g} mm" if self.up_to_mm is not None else ""
        return f"{self.defect}{limit}{where} is acceptable"


class Ignore(Clause):
    """A type of defect that does not count, everywhere or on one part, whatever its size."""

    kind = "ignore"
    short_form = "defect"

    defect: Name
    part: Name | None = None

    def _in_words(self) -> str:
        return f"ignore {self.defect}{f' on {self.part}' if self.part else ''}"


class Only(Clause):
    """A type of defect that counts while types without such a clause do not."""

    kind = "only"
    short_form = "defect"

    defect: Name

    def _in_words(self) -> str:
        return f"look for {self.defect} only"


class Requirement(Clause):
    """Something that must be there, `count` times: its absence is an anomaly although nothing looks wrong."""

    kind = "requirement"

    feature: Name
    part: Name | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1

    def _in_words(self) -> str:
        count = f"{self.count} × " if self.count > 1 else ""
        return f"{count}{self.feature}{f' on {self.part}' if self.part else ''} is required"


class Knowledge(Clause, DefectType):
    """A type of defect to look for, described by its name and phrases alone: everywhere, or on one part."""

    kind = "knowledge"
    short_form = "name"

    part: Name | None = None

    @property
    def defect(self) -> DefectType:
        """The type that it teaches."""
        return DefectType(**self.model_dump(exclude={"text", "confidence", "part"}))

    def _in_words(self) -> str:
        return f"known defect: {self.name}{f' on {self.part}' if self.part else ''}"


class Unread(Clause):
    """A sentence that was given and not understood, and why, where its reader can tell."""

    kind = "unread"
    short_form = "text"

    text: Annotated[str, Field(min_length=1)]
    reason: str = ""

    def _in_words(self) -> str:
        return self.text


KINDS: Mapping[str, type[Clause]] = {
    cls.kind: cls for cls in (Scope, Tolerance, Ignore, Only, Requirement, Knowledge, Unread)
}


def clause_to_json(clause: Clause) -> dict[str, Any]:
    """The fields that were set, and `kind`."""
    return {"kind": clause.kind, **clause.model_dump(mode="json", exclude_defaults=True)}


def clause_from_json(values: Mapping[str, Any]) -> Clause:
    """Read what `clause_to_json` gave. Raises ValueError, in one line, for anything else."""
    if not isinstance(values, Mapping):
        raise ValueError(f"a clause must be a mapping, got {type(values).__name__}")
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"unknown kind of clause {kind!r}: {did_you_mean(str(kind), KINDS)}")
    try:
        return KINDS[kind].model_validate({name: value for name, value in values.items() if name != "kind"})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{kind} clause: {place}: {first['msg']}") from error


class Instruction(Model):
    """What to inspect this time. Empty fields change nothing."""

    text: str = ""
    """The words that the clauses were read from."""
    scope: tuple[Scope, ...] = ()
    """Parts to inspect; empty: all of them."""
    only: tuple[Only, ...] = ()
    """Defect types that count; empty: all of them."""
    ignore: tuple[Ignore, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    known_defects: tuple[Knowledge, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """All clauses, in the order of the fields."""
        return (
            *self.scope,
            *self.only,
            *self.ignore,
            *self.tolerances,
            *self.requirements,
            *self.known_defects,
            *self.unread,
        )

    @property
    def words(self) -> str:
        """The text that it was read from, else its clauses in words."""
        return self.text or "; ".join(clause.words for clause in self.clauses)

    @classmethod
    def of(cls, clauses: Iterable[Clause], text: str = "") -> Self:
        """The instruction that consists of these clauses; `text` are the words they were read from."""
        by_kind: dict[str, list[Clause]] = {}
        for clause in clauses:
            by_kind.setdefault(FIELDS[clause.kind], []).append(clause)
        return cls.model_validate({"text": text, **{name: tuple(group) for name, group in by_kind.items()}})


FIELDS = {
    "scope": "scope",
    "only": "only",
    "ignore": "ignore",
    "tolerance": "tolerances",
    "requirement": "requirements",
    "knowledge": "known_defects",
    "unread": "unread",
}
"""Kind of clause → field of `Instruction`."""


def as_knowledge(types: Iterable[DefectType]) -> tuple[Knowledge, ...]:
    """Defect types as clauses that teach them."""
    return tuple(Knowledge.model_validate(type_) for type_ in types)
