"""Verb for words: `read` shows what is understood of an instruction, before any picture is judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import PATH
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.specification import Instruction, Specification


@click.command()
@click.argument("words", metavar="WORDS|FILE")
@click.option(
    "--spec", type=PATH, help="Specification of the product (YAML): its names of parts and defects."
)
@click.option("--reader", default="grammar", show_default=True, help="See: list readers.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects in place of the table.")
@click.option(
    "--yaml", "as_yaml", is_flag=True, help="Print YAML to edit, and to pass to inspect with --say."
)
def read(words: str, spec: Path | None, reader: str, as_json: bool, as_yaml: bool) -> None:
    """Show what is understood of an instruction: its clauses, each with its sentence and a confidence.

    WORDS are sentences, or the path of a file (.txt, .md, .yaml, .pdf, or a manifest .jsonl with operators' notes).
    What is not understood is listed as unread, with the reason where there is one; clauses that contradict each other
    are named.

    \b
    specsight read "Inspect the rim only. Stains up to 2 mm are fine." --spec cap.yaml
    specsight read requirements.pdf --spec cap.yaml --yaml > say.yaml
    """
    import json

    from specsight.reading import as_objects, read_instruction, read_notes
    from specsight.specification import dump_yaml, load_specification

    specification = load_specification(spec) if spec else None
    notes = read_notes(words, specification, reader)
    if notes is not None:
        _notes(notes, specification, as_json, as_yaml)
        return
    instruction = read_instruction(words, specification, reader)
    if as_json:
        screen.say(*json.dumps(as_objects(instruction), indent=2, ensure_ascii=False).split("\n"))
    elif as_yaml:
        screen.say(*dump_yaml(instruction).rstrip("\n").split("\n"))
    else:
        screen.clauses(instruction, specification)


def _notes(
    notes: Mapping[str, Instruction], specification: Specification | None, as_json: bool, as_yaml: bool
) -> None:
    """What operators wrote of single pictures, by sample."""
    import json

    from specsight.reading import as_objects

    if as_yaml:
        raise SpecsightError(
            "each picture has a note of its own, which makes no one instruction: leave --yaml out"
        )
    if as_json:
        objects = [{"sample": name, **one} for name, note in notes.items() for one in as_objects(note)]
        screen.say(*json.dumps(objects, indent=2, ensure_ascii=False).split("\n"))
        return
    for name, note in notes.items():
        screen.say(f"{name}:")
        screen.clauses(note, specification)
