"""A conversation about pictures: looked at once, asked as often as one likes.

In: an inspector, pictures, questions. Out: `Answer`s. Words of questions and notes are data: pictures are judged under
the specification and the instruction that is given as one, and under nothing else.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from specsight.asking.answer import Answer, Sentence
from specsight.asking.answering import answer_query
from specsight.asking.context import Context
from specsight.asking.judged_picture import JudgedPicture, judge_picture
from specsight.asking.limits import not_understood
from specsight.asking.memory import Memory, completed, remembered
from specsight.asking.names import names_of
from specsight.asking.query import Kind, Query
from specsight.asking.understanding import ParsedQuestion, understand
from specsight.asking.wording import kind_by_model, reworded
from specsight.errors import SpecsightError, UnreadableFile, excerpt
from specsight.inspector import Inspector
from specsight.inspector.observation import Skipped
from specsight.inspector.pictures import PictureLike
from specsight.inspector.words import instruction_of
from specsight.language import LanguageModel
from specsight.ontology import Ontology, load_ontology
from specsight.records import OPERATOR_NOTE, Check, Sample
from specsight.specification import Instruction

MOST_PICTURES = 50
"""Pictures of one conversation: all of them stay in memory."""


@dataclass
class Conversation:
    """Questions about pictures, answered one after the other; "it", "the second one" and "and on the sidewall?" refer
    to what was said before.

    Parameters
    ----------
    inspector: any fitted model; with another specification: `inspector.under(...)`.
    pictures: what `Inspector.look` takes. Those that cannot be read are `unreadable`, and keep their number.
    instruction: what pictures are judged under beside the specification, in sentences or as clauses.
    note: what an operator wrote of the pictures: data, which can be asked for and is never followed.
    reference: a picture of a good part to compare with.
    language_model: tells the kind of questions that no rule knows, and rewords answers; None: rules and templates.

    Raises SpecsightError where no picture can be read, or the reference cannot.
    """

    inspector: Inspector
    pictures: Sequence[PictureLike]
    instruction: str | Instruction | None = None
    note: str = ""
    reference: PictureLike | None = None
    language_model: LanguageModel | None = None
    seen: list[JudgedPicture] = field(init=False, default_factory=list)
    """The pictures that could be read, judged."""
    unreadable: list[Skipped] = field(init=False, default_factory=list)
    """The others, each with the reason."""
    memory: Memory = field(init=False, default_factory=Memory)

    def __post_init__(self) -> None:
        if not self.pictures:
            raise SpecsightError("there is no picture to ask about: name one")
        if len(self.pictures) > MOST_PICTURES:
            raise SpecsightError(
                f"{len(self.pictures):,} pictures are too many to talk about at once: give at most {MOST_PICTURES}, or "
                "judge all of them with 'specsight inspect'"
            )
        self._given = instruction_of(self.instruction, self.inspector.specification)
        self._names = names_of(self.inspector.specification)
        self._ontology = _knowledge(self.inspector)
        for number, picture in enumerate(self.pictures, 1):
            try:
                observation = self.inspector.look(_with_note(picture, self.note, self.inspector))
            except UnreadableFile as error:
                self.unreadable.append(Skipped(str(getattr(picture, "image", picture))[:300], str(error)))
                continue
            self.seen.append(judge_picture(self.inspector, observation, number, self._given))
        if not self.seen:
            raise UnreadableFile("; ".join(one.reason for one in self.unreadable))
        self._reference = None
        if self.reference is not None:
            self._reference = judge_picture(
                self.inspector, self.inspector.look(self.reference), 0, self._given
            )

    def ask(self, question: str) -> Answer:
        """Answer a question. Raises SpecsightError for an empty one and for one that is too long."""
        start = time.perf_counter()
        understood = understand(question, self._names)
        failures: list[str] = []
        queries, by = self._by_model(question, understood, failures)
        sentences: list[Sentence] = []
        answered: list[Query] = []
        for asked in queries:
            query = completed(asked, self.memory)
            context = self._context()
            answers = answer_query(query, self.seen, context)
            self.memory = remembered(self.memory, query, answers, self.seen, context)
            sentences += [one for one in answers if one not in sentences]
            answered.append(query)
        answer = Answer(
            question=question,
            queries=tuple(answered),
            sentences=tuple(sentences or [not_understood()]),
            pictures=tuple(one.id for one in self.seen),
            remarks=tuple(_remarks(understood, answered, left=by == "rules")),
            understood_by=by,
        )
        if self.language_model is not None and not answer.abstained and not failures:
            with _noted(failures):
                told = reworded(self.language_model, answer, self._names, self._claims)
                answer = replace(answer, reworded=told)
        answer = replace(answer, remarks=(*answer.remarks, *failures))
        return replace(answer, seconds=time.perf_counter() - start)

    def _by_model(
        self, question: str, understood: ParsedQuestion, failures: list[str]
    ) -> tuple[tuple[Query, ...], str]:
        """The queries; where no rule knows the question, of the kind that the language model finds the likeliest."""
        first = understood.queries[0]
        if (
            self.language_model is None
            or len(understood.queries) > 1
            or first.kind != "unknown"
            or first.bare
        ):
            return understood.queries, "rules"
        kind: Kind = "unknown"
        with _noted(failures):
            kind = kind_by_model(self.language_model, question)
        if kind == "unknown":
            return understood.queries, "rules"
        return (replace(first, kind=kind),), self.language_model.name

    def _claims(self, text: str) -> tuple[Check, ...]:
        """What a text claims of the only picture, held against its evidence; of several, nothing is read."""
        if len(self.seen) > 1:
            return ()
        return self.inspector.explainer.check(text, self.seen[0].inspection)

    def _context(self) -> Context:
        return Context(
            self.inspector,
            self._names,
            self._ontology,
            lambda seen, instruction: judge_picture(
                self.inspector, seen.observation, seen.number, instruction
            ),
            self._given,
            self._reference,
            self.memory.focus,
            self.memory.listed,
        )


def ask(
    inspector: Inspector,
    pictures: PictureLike | Sequence[PictureLike],
    question: str,
    *,
    instruction: str | Instruction | None = None,
    note: str = "",
    reference: PictureLike | None = None,
    language_model: LanguageModel | None = None,
) -> Answer:
    """The answer to one question about one picture or several; parameters as in `Conversation`."""
    several: Sequence[PictureLike] = (
        [pictures] if isinstance(pictures, str | Path | bytes | np.ndarray | Sample) else pictures
    )
    return Conversation(inspector, several, instruction, note, reference, language_model).ask(question)


def _knowledge(inspector: Inspector) -> Ontology:
    """What is known of types, in the names of the specification."""
    ontology, specification = inspector.ontology or load_ontology(), inspector.specification
    return ontology.with_specification(specification, specification.product) if specification else ontology


def _with_note(picture: PictureLike, note: str, inspector: Inspector) -> PictureLike:
    """The picture with an operator's note, where one is given."""
    if not note:
        return picture
    if isinstance(picture, Sample):
        return replace(picture, text={**picture.text, OPERATOR_NOTE: note})
    if isinstance(picture, str | Path):
        product = inspector.specification.product if inspector.specification else ""
        return Sample(Path(picture).stem, Path(picture), product, text={OPERATOR_NOTE: note})
    raise SpecsightError(
        "a note goes with a picture that is a file or a sample: write the picture to a file first"
    )


@contextlib.contextmanager
def _noted(failures: list[str]) -> Iterator[None]:
    """A language model that fails costs no answer: what it said of that becomes a remark."""
    try:
        yield
    except SpecsightError as error:
        failures.append(
            f"The language model gave no answer ({excerpt(str(error))}): this one is told without it."
        )


def _remarks(understood: ParsedQuestion, queries: Sequence[Query], *, left: bool) -> list[str]:
    """What of a question was set aside, and which words were taken for others."""
    found = []
    if understood.orders:
        words = " ".join(understood.orders)
        found.append(
            f"What the question orders (“{excerpt(words)}”) is no instruction, and nothing follows it: give "
            "instructions with --say."
        )
    if left and understood.left and any(query.kind != "unknown" for query in queries):
        found.append(f"Not understood: “{excerpt(' '.join(understood.left))}”.")
    guessed = dict(pair for query in queries for pair in query.guessed)
    if guessed:
        read = ", ".join(f"“{word}” for “{meant}”" for word, meant in guessed.items() if word != meant)
        found += [f"Taken: {read}."] if read else []
    return found
