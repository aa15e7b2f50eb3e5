"""The contract of answerers: a question without its truth → words.

In: a `Question`, made of an `Item` and its sample, which holds nothing that the answer could be read from. Out: a
`Reply`, whose words `parsing` turns into an answer in the item's form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.tasks import TOLD_BY_PRODUCT, Form, Task
from specsight.errors import SpecsightError
from specsight.registry import Registry


class CannotAnswer(SpecsightError):
    """What keeps an answerer from answering any item at all: a run ends with it, instead of noting it of each item."""


@dataclass(frozen=True)
class Shown:
    """A picture as an answerer gets it: pixels, and what a camera knows of itself."""

    image: Path
    depth: Path | None = None
    mm_per_px: float | None = None
    circular: bool = False
    part_map: Path | None = None
    """Where the set draws the parts; only handed to answerers that were allowed to see it."""
    part_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What is asked. It knows neither answer, slots, masks, conditions nor where the item came from."""

    id: str
    """For seeds and messages; a language model never sees it, nor any path."""
    task: Task
    form: Form
    category: str
    """The product; empty where the answer follows from it."""
    text: str
    options: Mapping[str, str]
    instruction: str | None
    picture: Shown
    more_images: tuple[Path, ...] = ()
    """Further pictures that the item asks about, in its order; a depth map is among them."""
    references: tuple[Path, ...] = ()
    """Good parts of the train split."""
    clause: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `specification.Instruction` that the instruction stands for; only handed to answerers that were allowed
    to see it."""
    truth: Item | None = None
    """Only for the oracle."""

    @property
    def images(self) -> tuple[Path, ...]:
        """The pictures that are asked about."""
        return (self.picture.image, *self.more_images)


@dataclass(frozen=True)
class Reply:
    """An answerer's words, and what they cost."""

    words: str
    likelihoods: Mapping[str, float] | None = None
    """Letter as shown → log-likelihood."""
    tokens_read: int | None = None
    tokens_written: int | None = None
    cost: float | None = None


class Answerer(ABC):
    """Answers questions one by one. Deterministic; a reply depends on its question and on what `prepare` read alone."""

    needs_truth: ClassVar[bool] = False
    takes: ClassVar[frozenset[str]] = frozenset()
    """Fields of `AnswererConfig` that act on it besides `seed` and `settings`; others are refused where given."""
    parallel: ClassVar[bool] = False
    """Whether `answer` may be called by several threads at once."""
    part_maps: bool = False
    """Whether it is handed the part maps of the set."""
    clauses: bool = False
    """Whether it is handed an instruction's typed clauses beside its words."""

    @property
    @abstractmethod
    def protocol(self) -> Mapping[str, Any]:
        """Everything that its answers depend on besides the benchmark, as JSON values."""

    @property
    def fingerprint(self) -> str:
        """Digest of the weights or the model; empty where there are none."""
        return ""

    def prepare(self, benchmark: Benchmark) -> None:  # noqa: B027 (most have nothing to learn)
        """Learn what it needs from the benchmark's train split, once, before the first question."""

    def stop(self) -> None:  # noqa: B027 (most answer at once)
        """Begin nothing more: called where a run ends early, by another thread than those that `answer`.

        What is under way may still be answered; what would wait for another attempt raises `CannotAnswer`.
        """

    @abstractmethod
    def answer(self, question: Question) -> Reply:
        """Answer one question.

        Raises SpecsightError where this question cannot be answered (a picture that is gone, a time-out), and
        `CannotAnswer` where none can.
        """


@dataclass(frozen=True)
class AnswererConfig:
    """What a person may say about answerers; each takes what concerns it. Raises SpecsightError for sizes too small."""

    seed: int = 0
    device: str = "auto"
    max_tokens: int = 256
    image_size: int = 512
    """Longer side in pixels of the pictures that a language model is shown, at most."""
    part_maps: bool = False
    clauses: bool = False
    shots: int = 0
    """Good parts of each product that a detector is fitted on; 0: all of the train split."""
    encoder: str | None = None
    resolution: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further options by name: hyper-parameters of a detector, prices of an endpoint. An answerer refuses what it does
    not know."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.image_size < 32:
            raise SpecsightError("max_tokens must be at least 1, and image_size at least 32 pixels")

    def check_settings(self, who: str, known: Mapping[str, str]) -> None:
        """Raise SpecsightError for a setting that is not among `known` (name → what it is)."""
        for name in self.settings:
            if name not in known:
                listed = ", ".join(known) or "none"
                raise SpecsightError(f"--set {name}: '{who}' has no such setting; it has: {listed}")


Maker = Callable[[str, AnswererConfig], Answerer]
"""What makes an answerer of what stands behind "NAME:" and a configuration."""

answerers: Registry[Maker] = Registry(
    "answerer", "specsight.benchmark.answering", group="specsight.answerers"
)
"""Name → what makes such answerers. A module of this package that registers one is found by itself."""


def question_of(item: Item, sample: BenchmarkSample, benchmark: Benchmark, answerer: Answerer) -> Question:
    """The question that an item asks, without what the answer could be read from.

    Raises SpecsightError for a path that leaves the data folder.
    """
    images = [benchmark.picture(name) for name in item.images]
    own = bool(images) and item.images[0] == sample.image
    shown = Shown(
        image=images[0] if images else benchmark.picture(sample.image),
        depth=benchmark.picture(sample.depth) if own and sample.depth else None,
        mm_per_px=sample.mm_per_px if own else None,
        circular=own and sample.circular,
    )
    if answerer.part_maps and own and sample.parts:
        shown = replace(shown, part_map=benchmark.picture(sample.parts), part_names=sample.part_names)
    return Question(
        id=item.id,
        task=item.task,
        form=item.form,
        category="" if item.task in TOLD_BY_PRODUCT else item.category,
        text=item.question,
        options=item.options,
        instruction=item.instruction,
        picture=shown,
        more_images=tuple(images[1:]),
        references=tuple(benchmark.picture(name) for name in item.reference_images),
        clause=item.clause if answerer.clauses else {},
        truth=item if answerer.needs_truth else None,
    )
