"""Verb for questions: `ask` one about pictures, or hold a conversation in the terminal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from specsight import screen
from specsight.cli.options import PATH, loading
from specsight.errors import SpecsightError, excerpt

if TYPE_CHECKING:
    from specsight.asking import Answer, Conversation
    from specsight.inspector import Inspector
    from specsight.inspector.pictures import PictureLike
    from specsight.records import Sample
    from specsight.specification import Instruction, Specification

LONGEST_LINE = 100_000
"""Characters of one line of input that are kept; a question of that length is refused anyway."""
ENDINGS = ("quit", "exit", "bye", "q")
"""Lines that end a conversation."""
PROMPT = "? "


@click.command()
@click.argument("model", type=PATH)
@click.argument("words", nargs=-1, metavar="PICTURE... [QUESTION]")
@click.option("--spec", type=PATH, help="Another specification than the model's (YAML).")
@click.option("--say", help="What to inspect this time: plain sentences, or a file (.yaml, .txt, .md, .pdf).")
@click.option(
    "--note", default="", help="What an operator wrote: it can be asked for, and nothing follows it."
)
@click.option("--reference", type=PATH, help="Picture of a good part, to compare with.")
@click.option(
    "--data",
    type=PATH,
    help="Set with a manifest that the pictures are from: PICTURE may be the id of a sample.",
)
@click.option(
    "--ontology", "knowledge", type=PATH, multiple=True, help="YAML with further types; may be given again."
)
@click.option(
    "--language-model", help="For questions no rule knows and to reword answers; see: list language-models."
)
@loading
@click.option(
    "--json", "as_json", is_flag=True, help="Print each answer as one line of JSON, with its evidence."
)
def ask(
    model: Path,
    words: tuple[str, ...],
    spec: Path | None,
    say: str | None,
    note: str,
    reference: Path | None,
    data: Path | None,
    knowledge: tuple[Path, ...],
    language_model: str | None,
    encoder: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Answer questions about pictures from what a saved model finds.

    Without a question, questions are read line by line until "quit"; "it", "the second one" and "and on the rim?"
    refer to what was said before. Numbers, names and verdicts come from findings, specification and knowledge file;
    where they do not say, the answer says what would be needed.

    \b
    specsight ask models/cap new/7.png "Is anything wrong with the rim?"
    specsight ask models/cap new/7.png new/8.png "Which picture is worse?"
    specsight ask models/cap new/7.png "Would it pass if stains up to 3 mm were acceptable?"
    """
    from specsight.asking import Conversation, check_question
    from specsight.language import load_language_model

    samples = _samples(data) if data else {}
    names, question = _split(words, samples)
    if question is not None:
        check_question(question)
    inspector = _inspector(model, spec, knowledge, encoder, device)
    conversation = Conversation(
        inspector,
        [_picture(name, samples, data) for name in names],
        _instruction(say, inspector.specification),
        note,
        _picture(str(reference), samples, data) if reference else None,
        load_language_model(language_model, device, words_alone=True) if language_model else None,
    )
    for skipped in conversation.unreadable:
        screen.say(f"skipped: {skipped.reason}", err=True)
    if question is not None:
        _show(conversation.ask(question), as_json)
        return
    _converse(conversation, as_json)


def _inspector(
    model: Path, spec: Path | None, knowledge: Sequence[Path], encoder: str | None, device: str
) -> Inspector:
    """The saved model, under another specification and with further knowledge of types where they are given."""
    from specsight.inspector import Inspector
    from specsight.ontology import load_ontology
    from specsight.specification import load_specification

    # Mistakes in these are told before a model is loaded.
    specification = load_specification(spec) if spec is not None else None
    ontology = load_ontology(extend=knowledge) if knowledge else None
    inspector = Inspector.load(model, encoder, device)
    if specification is not None:
        inspector = inspector.under(specification)
    if ontology is not None:
        inspector.ontology = ontology
    return inspector


def _split(words: Sequence[str], samples: Collection[str]) -> tuple[list[str], str | None]:
    """The pictures and the question, which is the last of the words unless it names a file, or can only be a file's
    name."""
    from specsight.images import IMAGE_SUFFIXES

    names = list(words)
    question: str | None = None
    if names and names[-1] not in samples and not _names_file(names[-1], IMAGE_SUFFIXES):
        question = names.pop()
    if not names:
        raise SpecsightError(
            f"'{excerpt(question)}' is no picture: name the pictures in front of the question, specsight ask MODEL "
            'PICTURE... "QUESTION"'
            if question
            else 'name a picture, and a question about it: specsight ask MODEL PICTURE... "QUESTION"'
        )
    return names, question


def _names_file(word: str, endings: Collection[str]) -> bool:
    if "\0" in word or len(word) > 1000 or not word.strip():
        return False
    try:
        there = Path(word).exists()
    except OSError:  # too long for a name
        return False
    return there or (Path(word).suffix.lower() in endings and "?" not in word)


def _samples(data: Path) -> dict[str, Sample]:
    """The samples of a set by id, by path and by the name of the picture's file, where that is one picture's."""
    from specsight.datasets import load_dataset

    samples = load_dataset(data).samples
    found: dict[str, Sample] = {}
    twice: set[str] = set()
    for sample in samples:
        name = sample.image.name
        twice |= {name} if name in found else set()
        found.setdefault(name, sample)
    found = {name: sample for name, sample in found.items() if name not in twice}
    return {**found, **{str(one.image.resolve()): one for one in samples}, **{one.id: one for one in samples}}


def _picture(name: str, samples: dict[str, Sample], data: Path | None) -> PictureLike:
    """A picture by its path, or by what a set calls it. Raises SpecsightError for a folder and an unknown name."""
    path = Path(name)
    if "\0" in name:
        raise SpecsightError("the name of a picture has a zero byte in it")
    if samples:
        found = samples.get(name) or samples.get(str(path.resolve()))
        if found is None:
            raise SpecsightError(f"'{excerpt(name)}' is no sample of '{data}': give its id or its path")
        return found
    if path.is_dir():
        raise SpecsightError(
            f"'{name}' is a folder: name the pictures to ask about, or judge all of them with 'specsight inspect'"
        )
    return path


def _instruction(say: str | None, specification: Specification | None) -> Instruction | None:
    """What --say gives; what of it is not understood is told."""
    from specsight.reading import read_instruction

    if say is None:
        return None
    instruction = read_instruction(say, specification)
    for clause in instruction.unread:
        reason = f" ({clause.reason})" if clause.reason else ""
        screen.say(f"not understood: '{excerpt(clause.words)}'{reason}", err=True)
    return instruction


def _show(answer: Answer, as_json: bool) -> None:
    if as_json:
        screen.say(json.dumps(answer.to_json(), ensure_ascii=True))
    else:
        for line in answer.lines:
            screen.say(line)


def _converse(conversation: Conversation, as_json: bool) -> None:
    """Questions line by line until the input or the person ends it; a question that cannot be asked is one line."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    terminal = sys.stdin.isatty()
    if terminal:
        count = len(conversation.seen)
        screen.say(f"{count} picture{'s' if count > 1 else ''} looked at; ask, or 'quit'")
    for line in _lines(sys.stdin, terminal):
        if line.strip().casefold().rstrip(".!") in ENDINGS:
            return
        if not line.strip():
            continue
        try:
            _show(conversation.ask(line), as_json)
        except SpecsightError as error:
            screen.say(f"specsight: {error}", err=True)


def _lines(stream: TextIO, terminal: bool) -> Iterator[str]:
    """The lines of a stream, of long ones the first `LONGEST_LINE` characters."""
    while True:
        if terminal:
            click.echo(PROMPT, nl=False)
        line = stream.readline(LONGEST_LINE)
        if not line:
            return
        rest = line
        while rest and not rest.endswith("\n"):
            rest = stream.readline(LONGEST_LINE)
        yield line.rstrip("\r\n")
