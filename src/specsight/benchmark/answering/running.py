"""One answerer over the items of a benchmark → a folder of answers, which a killed run goes on with.

Each answer is appended as it comes. What goes wrong with one item (a picture that is gone, a time-out) is noted in its
answer; only what keeps all items from being answered ends the run (`CannotAnswer`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from io import FileIO
from itertools import chain, groupby
from pathlib import Path

from specsight.benchmark.answering.contract import Answerer, CannotAnswer, Question, Reply, question_of
from specsight.benchmark.answering.few_shot import FewShotLists, few_shot_lists
from specsight.benchmark.answering.parsing import parse
from specsight.benchmark.answering.rotating import original_answer, original_letter, rotate
from specsight.benchmark.answering.selecting import Selection
from specsight.benchmark.answering.workers import call_in_threads
from specsight.benchmark.answers import ANSWERS, RUN, Answer, Run
from specsight.benchmark.files import ITEMS, Benchmark, cut_torn_line, line_of, read_lines, write_lines
from specsight.benchmark.records import Item
from specsight.engine import LOCAL, Engine
from specsight.errors import SpecsightError, excerpt
from specsight.progress import track
from specsight.storage import only_writer, parse_json, read_text, sha256, write_json
from specsight.storage.files import cannot_write

LONGEST_RAW = 20_000
"""Characters of a model's words that are kept, from their end, which is what is read of them."""


@dataclass
class Tally:
    """What came of a run."""

    answered: int = 0
    """Answers that lie in the folder, those of earlier calls included."""
    before: int = 0
    """Of them, those of earlier calls."""
    invalid: int = 0
    """Words without an answer in them."""
    failed: Counter[str] = field(default_factory=Counter)
    """Why there is no answer → how often."""
    tokens_read: int = 0
    tokens_written: int = 0
    cost: float | None = None
    uncounted: int = 0
    """Answers whose tokens are not known: where others cost something, these did, too."""

    def add(self, answer: Answer) -> None:
        """Count one answer."""
        self.answered += 1
        if answer.error is not None:
            self.failed[answer.error] += 1
        elif answer.given is None:
            self.invalid += 1
        if answer.error is None and None in (answer.tokens_read, answer.tokens_written):
            self.uncounted += 1
        self.tokens_read += answer.tokens_read or 0
        self.tokens_written += answer.tokens_written or 0
        if answer.cost is not None:
            self.cost = (self.cost or 0.0) + answer.cost


@dataclass(frozen=True)
class RunConfig:
    """How a benchmark is asked. Raises SpecsightError for numbers below 1."""

    selection: Selection = field(default_factory=Selection)
    rotations: int = 1
    """In how many orders the options of an item are shown; never more than it has options."""
    shots: int = 0
    """Good parts of the train split that are shown with every question, beside the references that it has itself."""
    workers: int = 1
    """Questions under way at once, where the answerer can."""
    retry: bool = False
    """Ask again what failed in an earlier call."""

    def __post_init__(self) -> None:
        if self.rotations < 1 or self.workers < 1 or self.shots < 0:
            raise SpecsightError("rotations and workers must be at least 1, and shots at least 0")


def run_benchmark(
    benchmark: Benchmark,
    model: str,
    answerer: Answerer,
    out: Path,
    config: RunConfig | None = None,
    engine: Engine = LOCAL,
    again: Callable[[], Answerer] | None = None,
) -> Tally:
    """Ask every chosen item that `out` holds no answer to; see the module.

    Parameters: `model` is the answerer's name as a person gave it. Questions are answered by the workers of `engine`;
    one whose workers are elsewhere needs `again`, which makes the same answerer there. Raises SpecsightError where
    `out` holds answers of another model, benchmark or protocol, and where nothing is chosen; `CannotAnswer` where no
    item can be answered.
    """
    config = config or RunConfig()
    if config.workers > 1 and engine.elsewhere:
        raise SpecsightError("--workers are threads of this process: leave it out with --engine ray")
    if config.workers > 1 and not answerer.parallel:
        raise SpecsightError(
            f"--workers {config.workers}: '{model}' is asked one question at a time: leave it out"
        )
    with only_writer(out):
        _claim(out, _run_of(benchmark, model, answerer, config))
        tally, done = _earlier(out / ANSWERS, config.retry)
        lists = few_shot_lists(benchmark, config.shots, config.selection.seed) if config.shots else None
        todo = _todo(benchmark, answerer, config, lists, done)
        first = next(todo, None)
        if first is None:
            if not tally.answered:
                raise SpecsightError(
                    f"'{benchmark.folder}' has no items that were asked for: see --split and --task"
                )
            return tally
        if engine.elsewhere and again is None:
            raise ValueError("an engine whose workers are elsewhere needs `again`")
        make: Callable[[], Callable[[list[Asked]], list[Answer]]]
        if engine.elsewhere and again is not None:
            make = partial(_answering, again, benchmark)
        else:
            answerer.prepare(benchmark)
            make = partial(partial, _ask_all, answerer)
        with (out / ANSWERS).open("ab", buffering=0) as file:

            def keep(answer: Answer) -> None:
                _append(file, out / ANSWERS, answer)
                tally.add(answer)

            try:
                if config.workers == 1:
                    asked = _chained(first, todo)
                    for answer in chain.from_iterable(engine.map(make, _chunks(asked, engine.elsewhere))):
                        keep(answer)
                else:
                    calls = (partial(_ask, answerer, *asked) for asked in _chained(first, todo))
                    call_in_threads(calls, config.workers, keep, answerer.stop)
            finally:
                with contextlib.suppress(OSError):
                    os.fsync(file.fileno())
    return tally


def read_run(folder: Path) -> Run:
    """What `folder` says of its answers. Raises SpecsightError where it holds no run."""
    path = folder / RUN
    if not path.is_file():
        raise SpecsightError(f"'{folder}' is no run of a benchmark: it has no {RUN}")
    try:
        return Run.model_validate(parse_json(read_text(path)))
    except ValueError as error:
        raise SpecsightError(f"'{path}' is damaged: {' '.join(str(error).split())}") from error


def _run_of(benchmark: Benchmark, model: str, answerer: Answerer, config: RunConfig) -> Run:
    manifest = benchmark.manifest
    return Run(
        benchmark=manifest.name,
        version=manifest.version,
        digest=sha256(benchmark.folder / ITEMS),
        model=model,
        fingerprint=answerer.fingerprint,
        protocol={
            **answerer.protocol,
            "selection": config.selection.to_json(),
            "rotations": config.rotations,
            "shots": config.shots,
        },
    )


def _claim(out: Path, run: Run) -> None:
    """Note in `out` what it will hold; refuse it where it holds something else."""
    if not (out / RUN).is_file():
        if (out / ANSWERS).exists():
            raise SpecsightError(f"'{out}' has {ANSWERS} and no {RUN}: choose another --out")
        write_json(out / RUN, run.model_dump(mode="json"))
        return
    there = read_run(out).model_dump(mode="json")
    wanted = run.model_dump(mode="json")
    for name in wanted:
        if there[name] != wanted[name]:
            raise SpecsightError(
                f"'{out}' holds answers with another {name} ({excerpt(str(there[name]))}, now "
                f"{excerpt(str(wanted[name]))}): choose another --out"
            )


def _earlier(path: Path, retry: bool) -> tuple[Tally, set[tuple[str, int]]]:
    """Answers of earlier calls: counted, and which they are. A line that a kill cut off is removed."""
    tally, done = Tally(), set()
    if path.is_file():
        cut_torn_line(path)
        if retry:
            kept = (answer for answer in read_lines(path, Answer) if answer.error is None)
            write_lines(path, kept)
        for answer in read_lines(path, Answer):
            done.add((answer.item, answer.rotation))
            tally.add(answer)
    tally.before = tally.answered
    return tally, done


Asked = tuple[Item, Question | SpecsightError, int]
"""An item, the question or why there is none, and by how much its options are shifted."""


def _todo(
    benchmark: Benchmark,
    answerer: Answerer,
    config: RunConfig,
    lists: FewShotLists | None,
    done: set[tuple[str, int]],
) -> Iterator[Asked]:
    sample = lru_cache(maxsize=8)(benchmark.sample)
    total = _count(benchmark, config)
    for item in track(config.selection.items(benchmark), "questions", total):
        for rotation in range(min(config.rotations, max(1, len(item.options)))):
            if (item.id, rotation) in done:
                continue
            try:
                question = question_of(item, sample(item.sample), benchmark, answerer)
                shown = lists.images(item.category) if lists else ()
            except SpecsightError as error:
                yield item, error, rotation
                continue
            yield (
                item,
                replace(
                    question,
                    options=rotate(item.options, rotation),
                    references=(*shown, *question.references),
                ),
                rotation,
            )


def _count(benchmark: Benchmark, config: RunConfig) -> int | None:
    """How many items there are, for the progress bar; None where counting them is a pass of its own."""
    counts, selection = benchmark.manifest.counts, config.selection
    return counts.get("items") if selection.split is None and not selection.tasks else None


def _chunks(asked: Iterator[Asked], by_sample: bool) -> Iterator[list[Asked]]:
    """One question at a time, or all neighbouring ones about a sample, whose picture is then looked at once."""
    if by_sample:
        yield from (list(of) for _, of in groupby(asked, key=lambda one: one[0].sample))
    else:
        yield from ([one] for one in asked)


def _answering(again: Callable[[], Answerer], benchmark: Benchmark) -> Callable[[list[Asked]], list[Answer]]:
    """In a worker elsewhere: what answers its questions."""
    answerer = again()
    answerer.prepare(benchmark)
    return partial(_ask_all, answerer)


def _ask_all(answerer: Answerer, chunk: list[Asked]) -> list[Answer]:
    return [_ask(answerer, *asked) for asked in chunk]


def _chained(first: Asked, rest: Iterator[Asked]) -> Iterator[Asked]:
    yield first
    yield from rest


def _ask(answerer: Answerer, item: Item, question: Question | SpecsightError, rotation: int) -> Answer:
    """One answer; whatever goes wrong is noted in it."""
    start = time.perf_counter()
    try:
        if isinstance(question, SpecsightError):
            raise question
        answer = _answer(item, question, rotation, answerer.answer(question))
    except CannotAnswer:
        raise
    except (
        Exception
    ) as error:  # a picture or an endpoint may provoke anything; the other items are still asked
        words = " ".join(str(error).split())
        reason = words if isinstance(error, SpecsightError) else f"{type(error).__name__}: {words}"
        answer = Answer(item=item.id, rotation=rotation, error=_written(excerpt(reason)))
    return answer.model_copy(update={"seconds": round(time.perf_counter() - start, 4)})


def _answer(item: Item, question: Question, rotation: int, reply: Reply) -> Answer:
    given = parse(reply.words, question.form, question.options)
    if given is not None and question.options:
        given = original_answer(given, item.options, rotation)
    likelihoods = reply.likelihoods
    if likelihoods is not None:
        likelihoods = {
            original_letter(letter, item.options, rotation): value for letter, value in likelihoods.items()
        }
    return Answer(
        item=item.id,
        raw=_written(reply.words[-LONGEST_RAW:]),
        given=None if given is None else _written(given),
        rotation=rotation,
        likelihoods=likelihoods,
        tokens_read=reply.tokens_read,
        tokens_written=reply.tokens_written,
        cost=reply.cost,
    )


def _written(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate, which a model's words or a file's name may have, is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _append(file: FileIO, path: Path, answer: Answer) -> None:
    """Hand a line to the operating system: it survives this process."""
    line = memoryview(line_of(answer).encode("utf-8"))
    try:
        while line:
            line = line[file.write(line) :]
    except OSError as error:
        raise cannot_write(path, error) from error
