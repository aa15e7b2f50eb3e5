"""Inspectors as answerers: a picture is looked at once, judged under each instruction, and `rules` answer from it.

`fitted_inspectors` says which inspectors. Masks, conditions and words of a sample are never read; its part map only
with `--part-maps`. Causes and actions are those that the benchmark's ontology knows of the type that was found.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.benchmark.answering.case import Answered, Case, Product
from specsight.benchmark.answering.contract import Answerer, AnswererConfig, Question, Reply
from specsight.benchmark.answering.rules import answer, rules_protocol
from specsight.benchmark.files import ONTOLOGY, SPECIFICATION, Benchmark
from specsight.benchmark.records import BenchmarkSample
from specsight.records import Decision, Inspection, Sample
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import product_form

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
