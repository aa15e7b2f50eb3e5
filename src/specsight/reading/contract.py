"""The contract of readers: text and a specification → an `Instruction`.

In: sentences, and the names of a product. Out: typed clauses that keep their sentence, with a confidence; what was not
understood is a clause too. A reader is one file: a module of this package that registers one is found by itself, and
another distribution names it as an entry point of the group "specsight.readers".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from specsight.errors import SpecsightError
from specsight.registry import Registry
from specsight.specification import Clause, Instruction, Specification, Unread

LONGEST_TEXT = 200_000
"""Characters of text that are read at most: some 30,000 words."""
DEFAULT = "grammar"


class Reader(ABC):
    """Reads sentences as clauses. Deterministic; clauses depend on the text and the specification alone."""

    name: str

    def read(self, text: str, specification: Specification | None = None) -> Instruction:
        """The clauses of a text, in its order.

        Nothing is dropped: what is not understood, and what stands behind `LONGEST_TEXT` characters, is an `Unread`
        clause. Text is data: it can give clauses and nothing else.
        """
        # What a shell passes on may be no Unicode; nothing else of it could be written or compared.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        clauses = self._clauses(text[:LONGEST_TEXT], specification)
        if len(text) > LONGEST_TEXT:
            clauses.append(Unread(text=f"(everything after {LONGEST_TEXT} characters)"))
        return Instruction.of(clauses, text=text)

    @abstractmethod
    def _clauses(self, text: str, specification: Specification | None) -> list[Clause]: ...


ReaderType = Callable[[], Reader]


def _adopt(name: str, plugin: Any) -> ReaderType:
    """A reader that another distribution brings."""
    if not callable(plugin):
        raise SpecsightError(f"'{name}' must be a class of Reader, got {plugin!r}")
    made: ReaderType = plugin
    return made


readers: Registry[ReaderType] = Registry(
    "reader", "specsight.reading", group="specsight.readers", first=("grammar",), adopt=_adopt
)
"""Name of a reader → its class."""


def load_reader(name: str = DEFAULT) -> Reader:
    """The reader of a name. Raises SpecsightError for a name that there is not."""
    made = readers[name]()
    if not isinstance(made, Reader):
        raise SpecsightError(f"reader '{name}' is no Reader but {type(made).__name__}")
    return made
