"""Inspectors as answerers: a picture is looked at once, judged under each instruction, and `rules` answer from it.

`detector:NAME` fits one inspector per product on the good parts of the train split; `model:FOLDER`, or the folder
alone, is a saved one. Masks, conditions and words of a sample are never read; its part map only with `--part-maps`.
Causes and actions are those that the benchmark's ontology knows of the type that was found.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.benchmark.answering.contract import (
    Answerer,
    AnswererConfig,
    CannotAnswer,
    Question,
    Reply,
    answerers,
)
from specsight.benchmark.answering.few_shot import few_shot_lists
from specsight.benchmark.answering.rules import (
    Answered,
    Case,
    Product,
    answer,
    rules_protocol,
)
from specsight.benchmark.files import ONTOLOGY, SPECIFICATION, Benchmark
from specsight.benchmark.records import BenchmarkSample
from specsight.errors import SpecsightError, did_you_mean
from specsight.records import Decision, Inspection, Sample
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import product_form
from specsight.storage import CHECKSUMS, sha256

if TYPE_CHECKING:
    from specsight.benchmark.answering.beliefs import Beliefs
    from specsight.inspector import Inspector, Observation
    from specsight.ontology import Ontology

KEPT = 4
"""Pictures whose observations are kept: items come in the order of their samples."""
UNINSTRUCTED = frozenset({"severity"})
"""Tasks whose instruction restricts nothing: it says the rules of severity, which stand in the specification too."""


class InspectorAnswerer(Answerer):
    """Answers from what an inspector finds."""

    takes = frozenset({"device", "encoder", "part_maps", "clauses"})

    def __init__(self, config: AnswererConfig) -> None:
        self.config = config
        self.part_maps, self.clauses = config.part_maps, config.clauses
        self.specification: Specification | None = None
        self._ontology: Ontology | None = None
        self._shows: dict[str, Counter[str]] = defaultdict(Counter)
        self._looked: OrderedDict[tuple[str, Path], Observation] = OrderedDict()
        self._judged: dict[tuple[str, Path, str], Inspection] = {}

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The rules, and what was handed over besides pictures and words."""
        return {
            **rules_protocol(),
            "part_maps": self.part_maps,
            "clauses": self.clauses,
            "shots": self.config.shots,
            "seed": self.config.seed,
            "encoder": self.config.encoder,
            "resolution": self.config.resolution,
            "parameters": dict(self.config.settings),
        }

    @abstractmethod
    def inspector(self, product: str) -> Inspector:
        """The inspector of a product. Raises SpecsightError where there is none."""

    @abstractmethod
    def products(self) -> list[str]:
        """Names of the products that there are inspectors of."""

    def prepare(self, benchmark: Benchmark) -> None:
        """Read what is known of the product and of types, and of the train split its good parts and what they show."""
        path = benchmark.folder / SPECIFICATION
        if path.is_file():
            from specsight.specification.yaml import load_specification

            self.specification = load_specification(path)
        types = benchmark.folder / ONTOLOGY
        if types.is_file():
            from specsight.ontology import read_ontology

            self._ontology = read_ontology(types)
        for sample in benchmark.samples():
            if sample.split == "train" and sample.label == "good":
                self._shows[sample.product].update(set(sample.part_names.values()))
                self._learn(sample, benchmark)

    def _learn(self, sample: BenchmarkSample, benchmark: Benchmark) -> None:
        """Note a good part of the train split."""

    def answer(self, question: Question) -> Reply:
        """By the rules; the reply says what was found, and where it was guessed."""
        closest = [] if question.category else self._closest(question)
        product = closest[0] if closest else question.category or self.products()[0]
        beliefs = self._beliefs(question, product)
        known = Product(self.inspector(product).specification, self._shows.get(product, {}))
        case = Case(question, beliefs, known, self.config.seed, self._known, closest)
        answered = answer(case)
        if question.form in ("text", "report"):
            return Reply(answered.answer)
        given, why = self._untold(question, product, answered) if answered.among else (answered.answer, "")
        return Reply(f"{beliefs.inspection.statement}{why} <answer>{given}</answer>")

    def _untold(self, question: Question, product: str, answered: Answered) -> tuple[str, str]:
        """The answer where nothing that was found tells it, and what is said of that."""
        return answered.answer, " Guessed, for nothing found tells it."

    def _known(self, type_: str, product: str) -> Mapping[str, tuple[str, ...]]:
        """What the benchmark's ontology knows of a type, whatever picture shows it."""
        entry = self._ontology.find(type_, product) if self._ontology else None
        if entry is None:
            return {}
        return {"cause": entry.causes, "consequence": (entry.consequence,), "action": (entry.action,)}

    def _beliefs(self, question: Question, product: str) -> Beliefs:
        from specsight.benchmark.answering.beliefs import beliefs_of

        words: str | Instruction | None = None
        if question.instruction and question.task not in UNINSTRUCTED:
            words = (
                Instruction.model_validate(dict(question.clause)) if question.clause else question.instruction
            )
        inspector = self.inspector(product)
        key = (product, question.picture.image, str(words))
        if key not in self._judged:
            observation = self._look(question, product)
            self._judged[key] = inspector.judge(observation, words)
        return beliefs_of(self._judged[key], inspector.specification, words is not None)

    def _look(self, question: Question, product: str) -> Observation:
        """The observation of the picture, made once; those of earlier pictures are forgotten."""
        shown, key = question.picture, (product, question.picture.image)
        if key not in self._looked:
            while len(self._looked) >= max(KEPT, len(self.products())):
                gone, _ = self._looked.popitem(last=False)
                self._judged = {one: kept for one, kept in self._judged.items() if one[:2] != gone}
            sample = Sample(
                id=question.id,
                image=shown.image,
                product=product,
                depth=shown.depth,
                parts=shown.part_map,
                part_names=shown.part_names,
                mm_per_px=shown.mm_per_px,
                circular=shown.circular,
            )
            self._looked[key] = self.inspector(product).look(sample)
        return self._looked[key]

    def _closest(self, question: Question) -> list[str]:
        """Offered products, or all where none are, the likeliest first: by how far the picture lies from their good
        parts, in multiples of what those do, or, where there are too few to say, by the score in multiples of the
        threshold. Empty where there is one inspector for all."""
        offered = set(map(product_form, question.options.values()))
        known = self.products()
        products = [one for one in known if product_form(one) in offered] or known
        if len(products) < 2:
            return []
        looked = {one: (self.inspector(one), self._look(question, one)) for one in products}
        distances = {
            one: inspector.likeness.times_farther(observation.view) if inspector.likeness else 0.0
            for one, (inspector, observation) in looked.items()
        }
        if not all(distances.values()):
            decisions = {
                one: inspector.judge(observation).decision for one, (inspector, observation) in looked.items()
            }
            distances = {one: _times_threshold(decision) for one, decision in decisions.items()}
        return sorted(products, key=lambda one: (distances[one], one))


def _times_threshold(decision: Decision) -> float:
    """Scores are compared with their own threshold where that is above zero; elsewhere by their distance to it."""
    threshold = decision.threshold or 0.0
    return decision.score / threshold if threshold > 0 else 1 + decision.score - threshold


class FittedAnswerer(InspectorAnswerer):
    """One inspector per product, fitted on the good parts of the train split when it is first needed."""

    takes = InspectorAnswerer.takes | {"resolution", "shots"}

    def __init__(self, detector: str, config: AnswererConfig) -> None:
        from specsight.detectors import create_detector

        super().__init__(config)
        given = {"encoder": config.encoder, "resolution": config.resolution, "device": config.device}
        self._parameters: dict[str, Any] = {k: v for k, v in given.items() if v is not None} | dict(
            config.settings
        )
        self._detector = detector
        made = create_detector(detector, **self._parameters)
        self._encoder = made.get_encoder().fingerprint
        self._listed: frozenset[str] | None = None
        self._good: dict[str, list[Sample]] = defaultdict(list)
        self._fitted: dict[str, Inspector] = {}
        self._failed: dict[str, str] = {}
        """Product → why nothing can be fitted to it."""

    @property
    def fingerprint(self) -> str:
        """Of the encoder."""
        return self._encoder

    def prepare(self, benchmark: Benchmark) -> None:
        """With `shots`, good parts are those of the few-shot lists alone."""
        if self.config.shots:
            lists = few_shot_lists(benchmark, self.config.shots, self.config.seed)
            self._listed = frozenset(id_ for ids in lists.ids.values() for id_ in ids)
        super().prepare(benchmark)

    def _learn(self, sample: BenchmarkSample, benchmark: Benchmark) -> None:
        if self._listed is not None and sample.id not in self._listed:
            return
        self._good[sample.product].append(_train_sample(sample, benchmark, self.part_maps))

    def products(self) -> list[str]:
        """Those with good parts in the train split to which something could be fitted, as far as that was tried."""
        return sorted(set(self._good) - set(self._failed))

    def inspector(self, product: str) -> Inspector:
        """Fitted with the benchmark's specification, or with the product's name alone."""
        if product not in self._good:
            raise SpecsightError(
                f"the train split has no good part of '{product}': {did_you_mean(product, self._good)}"
            )
        if product not in self._fitted and product not in self._failed:
            self._fit(product)
        if product in self._failed:
            # Of several products the others can be answered about.
            all_failed = set(self._failed) == set(self._good)
            raise (CannotAnswer if all_failed else SpecsightError)(self._failed[product])
        return self._fitted[product]

    def _fit(self, product: str) -> None:
        from specsight.inspector import Inspector

        try:
            inspector = Inspector.fit(
                self._good[product],
                detector=self._detector,
                specification=self.specification or Specification(product=product),
                seed=self.config.seed,
                **self._parameters,
            )
        except SpecsightError as error:
            self._failed[product] = f"{self._detector} cannot be fitted to '{product}': {error}"
            return
        if inspector.calibration is None:
            self._failed[product] = (
                f"{len(self._good[product])} good parts of '{product}' give no threshold, and so no verdict: fit on "
                "more (--shots)"
            )
            return
        self._fitted[product] = inspector


class SavedAnswerer(InspectorAnswerer):
    """A saved model, whatever the product."""

    def __init__(self, folder: Path, config: AnswererConfig) -> None:
        from specsight.inspector import Inspector

        super().__init__(config)
        config.check_settings(f"model:{folder}", {})
        self._inspector = Inspector.load(folder, config.encoder, config.device)
        self._digest = sha256(folder / CHECKSUMS)

    @property
    def fingerprint(self) -> str:
        """Of the model's checksums."""
        return self._digest

    def products(self) -> list[str]:
        """The product of its specification."""
        return [self._inspector.specification.product if self._inspector.specification else ""]

    def inspector(self, product: str) -> Inspector:
        """The one there is."""
        return self._inspector


def _train_sample(sample: BenchmarkSample, benchmark: Benchmark, part_maps: bool) -> Sample:
    """A good part as detectors learn from it."""
    with_parts = part_maps and sample.parts is not None
    return Sample(
        id=sample.id,
        image=benchmark.picture(sample.image),
        product=sample.product,
        split="train",
        label="good",
        depth=benchmark.picture(sample.depth) if sample.depth else None,
        parts=benchmark.picture(str(sample.parts)) if with_parts else None,
        part_names=sample.part_names if with_parts else {},
        group=sample.group,
        mm_per_px=sample.mm_per_px,
        circular=sample.circular,
    )


@answerers.register("detector")
def fitted(rest: str, config: AnswererConfig) -> Answerer:
    """`detector:NAME`."""
    return FittedAnswerer(rest, config)


@answerers.register("model")
def saved_model(rest: str, config: AnswererConfig) -> Answerer:
    """`model:FOLDER`."""
    return SavedAnswerer(Path(rest), config)
