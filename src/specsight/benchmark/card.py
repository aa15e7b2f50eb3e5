"""The card of a benchmark: Croissant 1.1 JSON-LD, a datasheet in Markdown, and the table of licences.

In: a benchmark's folder. Out: `card.json` and `datasheet.md` in it. What is shipped is text and paths; pictures stay
with whoever gave them; text derived from pictures under non-commercial or share-alike terms inherits these.

Sources: Croissant 1.1 (MLCommons, 2026; written and validated by `mlcroissant`, its reference implementation), Gebru et
al., "Datasheets for datasets", CACM 2021.
"""

from __future__ import annotations

import datetime
import logging
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from specsight.benchmark.files import CARD, DATASHEET, ITEMS, SAMPLES, Benchmark
from specsight.benchmark.tasks import TASKS
from specsight.errors import SpecsightError, require
from specsight.storage.files import sha256, write_json, write_text
from specsight.storage.tables import markdown_table, markdown_text

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
NON_COMMERCIAL = ("-nc", "non-commercial", "noncommercial", "by-nc", "by nc")
SHARE_ALIKE = ("-sa", "share-alike", "sharealike", "nc sa", "nc-sa")
ITEM_FIELDS: Mapping[str, tuple[str, bool]] = {
    "id": ("unique name", False),
    "task": ("what is asked, one of sixteen tasks", False),
    "form": ("how the answer looks", False),
    "sample": ("id of the sample", False),
    "category": ("product", False),
    "images": ("pictures asked about, relative to the data folder", True),
    "question": ("what is asked", False),
    "answer": ("the answer, in the form of the item", False),
    "licence": ("terms of pictures and text", False),
    "split": ("train, validation or test", False),
    "version": ("of the benchmark", False),
}
"""Name → (description, whether it holds several)."""


def write_card(benchmark: Benchmark, date: datetime.date | None = None) -> tuple[Path, Path]:
    """Write `card.json` and `datasheet.md` into the benchmark's folder; returns both paths.

    `date`: of publication, as both say it; None: it is not published yet. Raises SpecsightError where the extra
    "benchmark" is missing, or where the card does not validate.
    """
    facts = Facts(benchmark)
    card = croissant(benchmark, facts, date)
    write_json(benchmark.folder / CARD, card)
    validate(benchmark.folder / CARD)
    write_text(benchmark.folder / DATASHEET, datasheet(benchmark, facts, date))
    return benchmark.folder / CARD, benchmark.folder / DATASHEET


def croissant(benchmark: Benchmark, facts: Facts, date: datetime.date | None = None) -> dict[str, Any]:
    """The benchmark as Croissant 1.1: its files with digests, the fields of items, and what responsible use asks."""
    require("mlcroissant", "benchmark")
    import mlcroissant as mlc
    from mlcroissant._src.core.context import CroissantVersion

    manifest = benchmark.manifest
    context = mlc.Context(conforms_to=CroissantVersion.V_1_1)
    files = [
        mlc.FileObject(
            ctx=context,
            id=name,
            name=name,
            content_url=name,
            encoding_formats=["application/jsonlines"],
            sha256=sha256(benchmark.folder / name),
        )
        for name in (SAMPLES, ITEMS)
    ]
    fields = [
        mlc.Field(
            ctx=context,
            id=f"items/{name}",
            name=name,
            description=text,
            data_types=[mlc.DataType.TEXT],
            **({"is_array": True, "array_shape": "-1"} if several else {}),
            source=mlc.Source(ctx=context, file_object=ITEMS, extract=mlc.Extract(ctx=context, column=name)),
        )
        for name, (text, several) in ITEM_FIELDS.items()
    ]
    licences = list(manifest.licences) or ["unknown"]
    metadata = mlc.Metadata(
        ctx=context,
        name=_identifier(manifest.name),
        description=_summary(benchmark, facts),
        conforms_to=[CONFORMS_TO],
        cite_as=f"{manifest.title or manifest.name}, version {manifest.version}",
        date_published=datetime.datetime(date.year, date.month, date.day) if date else None,
        license=[derived_terms(one) for one in licences],
        version=manifest.version,
        creators=[mlc.Organization(ctx=context, name="the makers of this benchmark")],
        distribution=files,
        record_sets=[mlc.RecordSet(ctx=context, id="items", name="items", key=["items/id"], fields=fields)],
        data_collection=facts.collection,
        data_collection_type=["Synthetic" if manifest.synthetic else "Secondary data analysis"],
        data_annotation_protocol=[facts.annotation],
        data_biases=[facts.biases],
        data_use_cases=[facts.uses],
        data_limitations=[facts.limits],
        personal_sensitive_information=["none: pictures of industrial products"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content: dict[str, Any] = metadata.to_json()
    return content


def validate(path: Path) -> None:
    """Raise SpecsightError where `mlcroissant` finds an error in a card."""
    require("mlcroissant", "benchmark")
    import mlcroissant as mlc

    # What is recommended and not there yet (a date before it is published) is no news to anyone.
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        issues = mlc.Dataset(jsonld=str(path)).metadata.ctx.issues
    except mlc.ValidationError as error:
        raise SpecsightError(f"'{path}' is no valid Croissant card: {error}") from error
    if issues.errors:
        raise SpecsightError(f"'{path}' is no valid Croissant card: {'; '.join(sorted(issues.errors))}")


def derived_terms(licence: str) -> str:
    """The terms of text that was derived from pictures under `licence`: those of the pictures, said as such."""
    lower = licence.lower()
    words = [
        word
        for word, signs in (("non-commercial use only", NON_COMMERCIAL), ("shared alike", SHARE_ALIKE))
        if any(sign in lower for sign in signs)
    ]
    return f"{licence}; derived text: {' and '.join(words)}" if words else licence


def datasheet(benchmark: Benchmark, facts: Facts, date: datetime.date | None = None) -> str:
    """Questions and answers about a benchmark, in Markdown, for people."""
    manifest = benchmark.manifest
    tasks = [
        (info.title, info.asks, f"{manifest.counts.get(f'items/{task}', 0):,}")
        for task, info in TASKS.items()
    ]
    products = [
        (name, f"{count[0]:,}", f"{count[1]:,}", f"{count[2]:,}") for name, count in facts.products.items()
    ]
    licences = [(name, derived_terms(name), f"{count:,}") for name, count in facts.licences.items()]
    sections = {
        "What it is": _summary(benchmark, facts),
        "Tasks": _table(("task", "what is asked", "items"), tasks),
        "Products": _table(("product", "samples", "good", "defective"), products),
        "How pictures came about": facts.collection,
        "How truth and words came about": facts.annotation,
        "Where sentences of the items come from": _table(
            ("source", "items"), [(name, f"{count:,}") for name, count in sorted(facts.sources.items())]
        ),
        "Licences": "Text and paths are shipped; pictures are not. Text derived from a picture is under its terms.\n\n"
        + _table(("pictures", "text derived from them", "items"), licences),
        "Meant for": facts.uses,
        "What it cannot tell": facts.limits,
        "Known biases": facts.biases,
        "Checks that failed when it was released": "\n".join(f"- {one}" for one in manifest.forced) or "none",
        "How it was built": _table(("option", "value"), [(k, str(v)) for k, v in manifest.build.items()]),
    }
    published = date.isoformat() if date else "not published yet"
    head = f"# {markdown_text(manifest.title or manifest.name)}\n\nVersion {manifest.version}, {published}.\n"
    return head + "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())


class Facts:
    """What reading a benchmark through once tells."""

    def __init__(self, benchmark: Benchmark) -> None:
        manifest = benchmark.manifest
        self.products: dict[str, list[int]] = {}
        self.licences: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        conditions: Counter[str] = Counter()
        for sample in benchmark.samples():
            count = self.products.setdefault(sample.product, [0, 0, 0])
            count[0] += 1
            count[1] += sample.label == "good"
            count[2] += sample.label == "defective"
            conditions.update(list(sample.conditions))
        for item in benchmark.items():
            self.licences[item.licence] += 1
            self.sources.update({one.source for one in item.provenance})
        kind = (
            "rendered (synthetic): no photographs"
            if manifest.synthetic
            else "of an existing set, taken as they are"
        )
        varied = (
            f" Conditions that are known of pictures: {', '.join(sorted(conditions))}." if conditions else ""
        )
        self.collection = f"Pictures are {kind}; layout '{manifest.layout}'.{varied}"
        self.annotation = (
            "Masks and types are the set's own. Instances, cells, sizes and severity are computed from them; questions "
            "and answers are made by rules from these, in several phrasings; each item names its sources. Items that "
            "people accepted, edited or rejected are listed in the changelog."
        )
        self.uses = (
            "Comparing detectors and vision-language models on inspection by instruction. Not for training on its test "
            "split."
        )
        few = [name for name, count in self.products.items() if count[2] < 10]
        self.limits = "Answers can be no finer than the set's masks and types." + (
            f" Fewer than ten defective pictures: {', '.join(few)}." if few else ""
        )
        good = sum(count[1] for count in self.products.values())
        total = max(1, sum(count[0] for count in self.products.values()))
        self.biases = (
            f"{good / total:.0%} of the pictures are good, as on no production line; wordings are English and made by "
            "rules."
        )


def _summary(benchmark: Benchmark, facts: Facts) -> str:
    manifest = benchmark.manifest
    kind = "synthetic " if manifest.synthetic else ""
    return (
        f"{manifest.title or manifest.name}: {manifest.counts.get('items', 0):,} questions about "
        f"{manifest.counts.get('samples', 0):,} {kind}pictures of {len(facts.products)} products, with pixel masks, "
        "inspection instructions and checkable answers."
    )


def _identifier(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name) or "benchmark"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return markdown_table(tuple(head), [[markdown_text(one) for one in row] for row in rows])
