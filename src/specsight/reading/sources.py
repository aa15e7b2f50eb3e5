"""Where instructions come from: sentences, text files, YAML.

In: what a person passes on. Out: an `Instruction`.
"""

from __future__ import annotations

from pathlib import Path

from specsight.errors import SpecsightError
from specsight.reading.contract import DEFAULT, load_reader
from specsight.specification import Instruction, Specification, load_instruction
from specsight.specification.yaml import read_words

YAML, TEXT = (".yaml", ".yml"), (".txt", ".md")
LONGEST_PATH = 1000
"""Characters; a longer argument holds sentences and is no path."""


def read(text: str, specification: Specification | None = None, reader: str = DEFAULT) -> Instruction:
    """Read sentences as clauses. `specification` tells parts from defects where a sentence may mean either.

    Nothing is dropped: a sentence that is not understood is an `Unread` clause.
    """
    return load_reader(reader).read(text, specification)


def read_instruction(
    given: str, specification: Specification | None = None, reader: str = DEFAULT
) -> Instruction:
    """Read what a person passes on: sentences, or the path of a file with an instruction (.yaml, .yml) or with
    sentences (.txt, .md). Raises SpecsightError for a file that cannot be read, and where there is not one word."""
    path = Path(given) if len(given) < LONGEST_PATH and "\n" not in given else None
    if path is None or path.suffix.lower() not in (*YAML, *TEXT):
        return _read(given, "the instruction", specification, reader)
    if path.suffix.lower() in YAML:
        return load_instruction(path)
    return _read(read_words(path), f"'{path}'", specification, reader)


def _read(text: str, source: str, specification: Specification | None, reader: str) -> Instruction:
    """Read sentences; whoever passes on none, as a shell does for a variable without a value, would believe that they
    count."""
    instruction = read(text, specification, reader)
    if not instruction.clauses:
        raise SpecsightError(f"there is no word in {source}: write a sentence, or give no instruction")
    return instruction
