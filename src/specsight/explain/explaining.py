"""An inspection → its explanation: sentences by templates, each with its evidence and the checks of all it claims.

In: an `Inspection` with its map, the product in words, what is known of types. Out: `Explanation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specsight.explain.checking import StatementChecker
from specsight.explain.claims import Saying
from specsight.explain.report import Report, known_of, report_of
from specsight.explain.sentences import knowledge_sentences, sentences
from specsight.explain.terms import Terms
from specsight.ontology import Ontology, load_ontology
from specsight.records import Check, Decision, Explanation, Finding, Inspection, Known, Statement
from specsight.specification import Clause, Specification


class Explainer:
    """Explains inspections of the products of a specification.

    Parameters: `ontology` says what is known of types; None: the shipped knowledge.
    """

    def __init__(self, specification: Specification | None = None, ontology: Ontology | None = None) -> None:
        self.specification = specification
        self.ontology = ontology or load_ontology()
        self._terms: dict[str, Terms] = {}

    def terms(self, product: str) -> Terms:
        """The names that a text about a product may use."""
        if product not in self._terms:
            self._terms[product] = Terms(self.specification, self.ontology, product)
        return self._terms[product]

    def report(self, inspection: Inspection) -> Report:
        """The evidence of an inspection as one record."""
        return report_of(inspection, self.ontology)

    def check(self, text: str, inspection: Inspection) -> tuple[Check, ...]:
        """Every claim of any text against the evidence of an inspection (`StatementChecker.check`)."""
        return self.checker(inspection).check(text)

    def checker(self, inspection: Inspection) -> StatementChecker:
        """What checks several texts about one inspection: its evidence is put together once."""
        return StatementChecker(self.report(inspection), self.terms(inspection.product))

    def explain(self, inspection: Inspection, given: Sequence[Clause] = ()) -> Explanation:
        """The statements of an inspection, in the order of its statement, and what is known of the types it rests on.

        `given` are the clauses of the words that the inspection was given.
        """
        report = self.report(inspection)
        check = StatementChecker(report, self.terms(inspection.product)).check
        decision, numbers = _placed(inspection, report)
        statements = [
            Statement(
                one.text,
                one.kind,
                tuple(numbers[id(finding)] for finding in one.findings),
                one.clause.words if one.clause else "",
                check(one.text, [Saying(one.aside, "clause")] if one.aside else ()),
            )
            for one in sentences(decision, given)
        ]
        knowledge: dict[str, Known] = {}
        if inspection.verdict == "reject":
            for one in report.counted:
                known = known_of(one.type, inspection.product, self.ontology)
                if one.type and known and one.type not in knowledge:
                    knowledge[one.type] = known
        for type_, known in knowledge.items():
            shown = tuple(one.number for one in report.counted if one.type == type_)
            for text in knowledge_sentences(type_, known):
                statements.append(Statement(text, "knowledge", shown, checks=check(text)))
        return Explanation(tuple(statements), knowledge)


def _placed(inspection: Inspection, report: Report) -> tuple[Decision, dict[int, int]]:
    """The decision with each finding where the report says that it lies, and the numbers of its findings."""
    decision, originals = inspection.decision, list(inspection.findings)
    places = {id(one): k for k, one in enumerate(originals)}
    placed = [replace(one, place=told.place) for one, told in zip(originals, report.findings)]

    def there(finding: Finding) -> Finding:
        return placed[places[id(finding)] if id(finding) in places else originals.index(finding)]

    counted = tuple(map(there, decision.counted))
    observed = tuple(replace(one, finding=there(one.finding)) for one in decision.observed)
    return replace(decision, counted=counted, observed=observed), {id(one): k for k, one in enumerate(placed)}
