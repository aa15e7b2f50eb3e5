"""Answerers whose inspectors are at hand: `detector:NAME` fits one per product on the good parts of the train split,
`model:FOLDER`, or the folder alone, is a saved one.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.benchmark.answering.contract import Answerer, AnswererConfig, CannotAnswer, answerers
from specsight.benchmark.answering.few_shot import few_shot_lists
from specsight.benchmark.answering.inspecting import InspectorAnswerer
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample
from specsight.errors import SpecsightError, did_you_mean
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import CHECKSUMS, sha256

if TYPE_CHECKING:
    from specsight.inspector import Inspector


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
