"""Where instructions come from: sentences, text files, PDFs, YAML, and operators' notes in data sets.

In: what a person passes on. Out: an `Instruction`.
"""

from __future__ import annotations

from pathlib import Path

from specsight.errors import SpecsightError
from specsight.reading.contract import DEFAULT, load_reader
from specsight.reading.pdf import read_pdf
from specsight.records import OPERATOR_NOTE
from specsight.specification import Instruction, Specification, load_instruction
from specsight.specification.yaml import read_words

YAML, TEXT, PDF, NOTES = (".yaml", ".yml"), (".txt", ".md"), (".pdf",), (".jsonl", ".csv")
DOCUMENTS = (
    *(".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".ods", ".ppt", ".pptx"),
    *(".html", ".htm", ".json", ".xml"),
)
"""Endings of documents that are not read."""
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
    sentences and tables (.txt, .md, .pdf). Raises SpecsightError for a file that cannot be read, and where there is not
    one word."""
    path = _path(given, *YAML, *TEXT, *PDF)
    if path is None:
        _refuse_file(given)
        return _read(given, "the instruction", specification, reader)
    if path.suffix.lower() in YAML:
        return load_instruction(path)
    text = read_pdf(path) if path.suffix.lower() in PDF else read_words(path)
    return _read(text, f"'{path}'", specification, reader)


def read_notes(
    given: str, specification: Specification | None = None, reader: str = DEFAULT
) -> dict[str, Instruction] | None:
    """What operators wrote of single pictures: name of a sample → its instruction; None where `given` is no manifest
    (.jsonl, .csv). Raises SpecsightError for a manifest without a note, and for one that cannot be read."""
    path = _path(given, *NOTES)
    if path is None:
        return None
    from specsight.datasets import load_dataset

    written = {sample.id: sample.text.get(OPERATOR_NOTE) for sample in load_dataset(path).samples}
    notes = {name: note for name, note in written.items() if note}
    if not notes:
        raise SpecsightError(
            f"no sample of '{path}' has a note: operators' words stand in text.{OPERATOR_NOTE}"
        )
    read_note = load_reader(reader).read
    return {name: read_note(note, specification) for name, note in notes.items()}


def _path(given: str, *endings: str) -> Path | None:
    """The path of a file with one of these endings; None for sentences."""
    path = Path(given) if len(given) < LONGEST_PATH and "\n" not in given else None
    return path if path is not None and path.suffix.lower() in endings and not _is_prose(given) else None


def _refuse_file(given: str) -> None:
    """Raise SpecsightError for the path of a file or folder that is not read: its name would be taken for words."""
    path = (
        Path(given) if len(given) < LONGEST_PATH and given.strip() and not set("\n\0") & set(given) else None
    )
    if path is None or not (path.suffix or len(path.parts) > 1 or path.is_absolute()):
        return
    try:
        there = path.exists()
    except OSError:  # too long for a name
        return
    if there or (" " not in given and path.suffix.lower() in DOCUMENTS):
        raise SpecsightError(
            f"'{given}' is {'a folder' if path.is_dir() else 'no file that instructions are read from'}: give a file "
            f"of {', '.join((*TEXT, *PDF, *YAML))}, or sentences"
        )


def _is_prose(given: str) -> bool:
    """Whether words end like the name of a file, and no such file is there: "Use the limits of cap.md"."""
    return " " in given and not Path(given).exists() and not Path(given).parent.is_dir()


def _read(text: str, source: str, specification: Specification | None, reader: str) -> Instruction:
    """Read sentences; whoever passes on none, as a shell does for a variable without a value, would believe that they
    count."""
    instruction = read(text, specification, reader)
    if not instruction.clauses:
        raise SpecsightError(f"there is no word in {source}: write a sentence, or give no instruction")
    return instruction
