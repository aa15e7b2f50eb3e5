"""The scenarios of TGAD (arXiv 2606.01992) as items: words varied over the same pictures (S1), one component inspected
(S2), panels composed of several parts (S3, `evaluation.instructions.panels`). Their numbers are "TGAD-style": its own
prompts and panels are not public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from specsight.benchmark.items.asking import Asker, Candidate, NotMade, Wording
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.part_scope import home_part, inspect_only
from specsight.benchmark.records import BenchmarkSample, Instructed, Item, ItemScope
from specsight.evaluation.instructions.panels import PRODUCT
from specsight.evaluation.instructions.prompt_edits import EDITS, PLAIN
from specsight.records import Verdict

MOST_PROMPTED = 50
"""Good, and defective, test pictures of one product that are asked about under every prompt."""
VERDICT_OF: Mapping[str, Verdict] = {
    "good": "accept",
    "defective": "reject",
    "accept": "accept",
    "reject": "reject",
}


def is_panel(sample: BenchmarkSample) -> bool:
    """Whether a sample is a composed panel: it is asked about in the third scenario alone."""
    return sample.product == PRODUCT and bool(sample.part_names)


class Prompted(Asker):
    """S1: a verdict under each prompt of `prompt_edits.EDITS`, none of which calls for another one."""

    task = "anomaly"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each test picture."""
        if sample.split == "test" and context.specification is not None:
            yield Candidate("prompted", sample.label, (sample.product,))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Good and defective."""
        return Grouping((2,))

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """One item per prompt; question and letters are the same in all."""
        if context.specification is None or not self._among(candidate, sample, context):
            return
        wording = Wording(EDITS[PLAIN](context.specification), {})
        plain = self.judged(candidate, wording, VERDICT_OF[sample.label], sample, context)
        for name, edit in EDITS.items():
            prompt = edit(context.specification)
            yield plain.model_copy(update={"instruction": prompt, "scenario": f"S1/{name}"})

    def _among(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> bool:
        """Whether a picture is among those that are asked under all prompts, which are spread over the set."""
        pool = self.pool(candidate)
        group = context.group(pool, candidate.right, self.grouping(candidate, sample, context), sample)
        rate = min(1.0, MOST_PROMPTED / group.sets.quota(candidate.right))
        return context.balance.keeps((*pool, sample.label, "prompted"), rate, 0.0)


class Component(Asker):
    """S2: a verdict on one part; defects elsewhere, and good pictures, are to be accepted."""

    task = "anomaly"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """The part that a defect is on, and one that none touches."""
        names = sorted(set(sample.part_names.values()))
        if len(names) < 2 or (sample.label != "good" and not sample.masks_known):
            return
        key, home = (sample.product, sample.split), home_part(sample)
        if home is not None and home in names:
            yield Candidate("scoped", "reject", (*key, home))
        touched = {part for instance in sample.instances for part in instance.parts}
        clean = [name for name in names if name not in touched]
        if clean:
            part = clean[int(context.generator(sample, "S2").integers(len(clean)))]
            yield Candidate("scoped", "accept", (*key, part))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Accept and reject."""
        return Grouping((2,))

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """One question for a verdict."""
        wording = inspect_only(candidate.pool[-1], context.generator(sample, *self.pool(candidate), "words"))
        yield self.judged(candidate, wording, VERDICT_OF[candidate.right], sample, context, scenario="S2")


class _Panel(Asker):
    """S3: the matched pairs that panels are composed with, which name a place, or a type at a place."""

    variant_name: ClassVar[str]
    kind: ClassVar[str]

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """All pairs of a kind."""
        if is_panel(sample):
            for name in sorted({one.pair for one in sample.instructions if one.kind == self.kind}):
                yield Candidate(self.variant_name, name, (sample.product,))

    def _asked(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        given = {one.verdict: one for one in sample.instructions if one.pair == candidate.right}
        if set(given) == {"accept", "reject"}:
            both = (_wording(given["reject"]), _wording(given["accept"]))
            generator = context.generator(sample, *self.pool(candidate), candidate.right)
            yield from self.paired(candidate, both, sample, context, generator, scenario="S3")


class PanelPlaces(_Panel):
    """Which of the pictures of a panel is inspected."""

    task, variant_name, kind = "part_scope", "one", "scope"


class PanelTypes(_Panel):
    """Which type counts in one of the pictures of a panel."""

    task, variant_name, kind = "tolerance", "only", "knowledge"


def _wording(given: Instructed) -> Wording:
    clause = given.clause
    scope = ItemScope(parts=tuple(clause.get("scope", ())), types=tuple(clause.get("only", ())))
    return Wording(given.text, clause, scope)
