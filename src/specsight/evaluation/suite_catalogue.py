"""What the suites are made of: rows of methods, ablations or wordings, and the numbers that their tables show.

In: an `EvaluationConfig`. Out: `Row`s, in the order of the table; `suite_runner.py` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specsight.detectors import detectors
from specsight.detectors.parameters import parameters_of
from specsight.errors import SpecsightError
from specsight.evaluation.config import EvaluationConfig
from specsight.metrics.language_control import KINDS, pairs_name
from specsight.metrics.modalities import TITLES, alone_name
from specsight.metrics.told import CHANGED, SEVERAL, SINGLE, change_name, set_names
from specsight.prompts.rewording import REWORDINGS

PICTURES = ("image_auroc", "detection_rate", "false_reject_rate")
"""How scores rank pictures, and what the calibrated threshold makes of them."""
DETECTION = (*PICTURES, "pixel_auroc", "aupro_30", "iou", "pixel_precision", "pixel_recall")
"""Metrics of a comparison of detection; the last three at the calibrated threshold, too."""
TYPING = (
    *PICTURES,
    "type_pixel_auroc",
    "type_pixel_ap",
    "type_miou",
    "type_miou_with_good",
    "type_image_ap",
    "type_f1",
    "type_accuracy_detected",
    "exact_set",
    "exact_set_without_good",
    "several_types_type_image_ap",
    "several_types_type_f1",
    "several_types_exact_set",
)
"""Detection, and numbers by type, macro over types; the last three over the pictures with two or more types alone."""


ANSWERED = ("clauses", "text")
"""How a method is told: the true clauses, or the raw text."""
INSTRUCTIONS = (
    *PICTURES,
    *(pairs_name(kind, way) for way in ANSWERED for kind in (*KINDS, "")),
    *(f"verdicts_{way}" for way in ANSWERED),
    *(f"sentences_unread_{kind}" if kind else "sentences_unread" for kind in (*KINDS, "")),
    *(f"{name}_{way}" for name in ("part_auroc", "scope_drop", "scope_compliance") for way in ANSWERED),
    *(f"control_gap_{kind}" if kind else "control_gap" for kind in (*KINDS, "")),
    *(f"{name}_{way}" for name in ("names_typed", "unseen_found", "unseen_named") for way in ANSWERED),
    *("wording_change_max", "wording_change_mean", "wording_changed", "wording_flipped"),
)
"""Whether words decide: matched pairs, then what scopes, random words and other wordings do to scores."""


LANGUAGE = (
    *DETECTION[: DETECTION.index("iou")],
    *set_names(SINGLE),
    *set_names(SEVERAL),
    *(
        "grounding",
        "hallucination_rate",
        "good_hallucination_rate",
        "defective_hallucination_rate",
        "omission_rate",
    ),
    *("unsupported_rate", "rejected_rewrites_rate"),
    *map(change_name, CHANGED),
)
"""Detection and map, types as sets, statements, and what other descriptions change."""


FUSION = (*DETECTION[: DETECTION.index("iou")], *map(alone_name, TITLES))
"""Detection and map, and pictures whose defects show in depth or in colours alone."""


@dataclass(frozen=True)
class Row:
    """One line of a suite: a method, how it differs from its defaults, and how many good pictures it learns from."""

    name: str
    detector: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    shots: int | None = None
    """None: as many as the run's."""
    group: str = "methods"
    rewording: str | None = None
    encoder: str | None = None
    """None: the run's."""
    defects: int | None = None
    """None: as many as the run's."""
    published: str = ""
    """The value in the paper, with its shots: never comparable with a run's."""
    taught: bool = False
    """Whether every second defect type is left out of the specification, for instructions to teach."""
    instructions: bool = False
    """Whether the matched pairs of instructions are judged as well."""
    compared_with: str = ""
    """Name of the row of the same detector under the words as written, of whose numbers the change is told; empty:
    nothing is compared. Its types have other names, so that no number about names is its own."""
    shows_map: bool = False
    """Whether the page shows its map and curves beside those of the methods: an ablation that draws its map in another
    way, one of several baselines."""


def slug(name: str) -> str:
    """What the folder of a row is called."""
    words = "".join(c if c.isalnum() or c in ".+" else " " for c in name.casefold())
    return "-".join(words.split())


@dataclass(frozen=True)
class Suite:
    """A comparison by name."""

    rows: Callable[[EvaluationConfig, Sequence[str]], list[Row]]
    """Of a run, and of the encoders that it is to be compared under besides its own."""
    metrics: tuple[str, ...]
    """Names of the metrics in its table."""
    reference: str = ""
    """Title of a further row, after the first: its run as it was without instructions; empty: none."""


def clad_rows(config: EvaluationConfig, encoders: Sequence[str] = ()) -> list[Row]:
    """The comparison and the ablations of the CLAD paper, the two ways to localise, and other encoders (CNN or ViT)."""
    rows = [
        Row("SPADE", "spade"),
        Row("PaDiM", "padim"),
        Row("PatchCore", "patchcore", published="0.992 (MVTec AD mean, full shot; PatchCore's repository)"),
        Row("WinCLIP, words alone", "winclip", shots=0, published="0.918 (MVTec AD mean, 0 shots; WinCLIP)"),
        Row("WinCLIP+, 1 shot", "winclip", shots=1, published="0.931 (MVTec AD mean, 1 shot; WinCLIP)"),
        Row(
            "CLAD",
            "clad",
            published="0.941 (MVTec AD mean; shots not stated, beside WinCLIP's 1-shot number; CLAD)",
        ),
    ]
    changed = [
        Row(f"CLAD: {name}", "clad", parameters, group="ablations", shows_map="map" in parameters)
        for name, parameters in ABLATIONS.items()
    ]
    others = [
        # Exported models are often called "model": the folder around it tells them apart.
        Row(f"CLAD: encoder {'/'.join(Path(encoder).parts[-2:])}", "clad", group="ablations", encoder=encoder)
        for encoder in encoders
    ]
    return [*rows, *changed, *others]


ABLATIONS: dict[str, dict[str, Any]] = {
    "no contrastive loss": {"contrast": "none"},
    "literal loss": {"contrast": "literal"},
    "general stage alone": {"stages": "general"},
    "no fine-tuning": {"stages": "none"},
    "the paper's losses and score": {"patches": 0.0, "local": 0.0, "score": "similarity"},
    "lambda 0": {"reconstruction": 0.0},
    "lambda 0.01": {"reconstruction": 0.01},
    "lambda 0.5": {"reconstruction": 0.5},
    "lambda 1": {"reconstruction": 1.0},
    "Grad-CAM": {"map": "gradcam"},
    "image encoder's last block tuned": {"tune_encoder": True},
    "both encoders' last blocks tuned": {"tune_encoder": True, "tune_text_encoder": True},
}
"""What each ablation changes of the defaults."""


def words_rows(config: EvaluationConfig, encoders: Sequence[str] = ()) -> list[Row]:
    """Every rewording of the specification under the run's detector; under all that read if it does not."""
    if config.learning.specification is None:
        raise SpecsightError("the suite 'words' rewords a specification: give one with --spec")
    _one_encoder("words", encoders)
    reading = _reading(config)
    return [
        Row(f"{name}, {how}", name, shots=_fewest(name), group=name, rewording=how)
        for name in ([config.detector.name] if config.detector.name in reading else reading)
        for how in REWORDINGS
    ]


def types_rows(config: EvaluationConfig, encoders: Sequence[str] = ()) -> list[Row]:
    """Every method that gives a map per type; MultiADS also without its filter, CLAD also with labelled defects."""
    if config.learning.specification is None:
        raise SpecsightError("the suite 'types' compares maps per type: name the types with --spec")
    _one_encoder("types", encoders)
    rows = [Row(name, name, shots=_fewest(name), group=name, defects=0) for name in _reading(config)]
    if config.learning.train_on is not None:
        every = {"product_filter": False}
        rows.append(
            Row("multiads, every type known", "multiads", every, shots=0, group="multiads", defects=0)
        )
    if config.learning.defects:
        rows.append(Row(f"clad, {config.learning.defects} labelled defects per type", "clad", group="clad"))
    return rows


FIRST = ("patchcore", "phrases")
"""Detectors at the head of the suite of instructions: the default, and one that reads."""


def instructions_rows(config: EvaluationConfig, encoders: Sequence[str] = ()) -> list[Row]:
    """Every detector that can be fitted on the set, with the matched pairs that its pictures bring."""
    if config.learning.specification is None:
        raise SpecsightError(
            "the suite 'instructions' reads sentences about a product: describe it with --spec"
        )
    _one_encoder("instructions", encoders)
    names = [
        name
        for name, kind in detectors.items()
        # What cannot do without depth reads nothing either: the suite of fusion compares it.
        if not kind.needs.depth and (not kind.needs.other_sets or config.learning.train_on is not None)
    ]
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    rows = [Row(name, name, instructions=True) for name in names]
    taught = Row("phrases, half of the types taught", "phrases", instructions=True, taught=True)
    return [*rows[: len(FIRST)], taught, *rows[len(FIRST) :]]


DESCRIPTIONS = (
    "paraphrase",
    "truncation",
    "wrong noun",
    "wrong defect list",
    "full prose",
    "no words",
)
"""Rewordings under which the suite of language judges the same pictures again."""


def language_rows(config: EvaluationConfig, encoders: Sequence[str] = ()) -> list[Row]:
    """The run's detector where it reads, else `llava-ads`; `phrases` beside it; and the first under other words."""
    if config.learning.specification is None:
        raise SpecsightError("the suite 'language' judges by words: describe the product with --spec")
    _one_encoder("language", encoders)
    named = config.detector.name
    first = named if not config.detector.chosen and detectors[named].needs.text else POINTING
    shots = {name: _fewest(name) if config.learning.shots is None else None for name in (first, PHRASES)}
    beside = [] if first == PHRASES else [Row(PHRASES, PHRASES, shots=shots[PHRASES])]
    return [
        Row(first, first, shots=shots[first]),
        *beside,
        *(
            Row(
                f"{first}, {how}",
                first,
                shots=shots[first],
                group="descriptions",
                rewording=how,
                compared_with=first,
            )
            for how in DESCRIPTIONS
        ),
    ]


BASELINES = {"BTF": "btf", "M3DM-like": "m3dm", "CFM": "cfm"}
SHOWN_OF_FUSION = ("M3DM-like", "CFM", "max")
"""Baselines and the rule of late fusion, its default, whose maps and curves the page shows."""


def fusion_rows(config: EvaluationConfig, encoders: Sequence[str] = ()) -> list[Row]:
    """Colours alone, depth alone, baselines that use both, every rule of late fusion, and `fusion`."""
    _one_encoder("fusion", encoders)
    rules = parameters_of(detectors["late_fusion"])["rule"].choices
    return [
        Row("colours alone", "patchcore", group="one modality", shows_map=True),
        Row("depth alone", "depth_patchcore", group="one modality", shows_map=True),
        *(
            Row(title, name, group="baselines", shows_map=title in SHOWN_OF_FUSION)
            for title, name in BASELINES.items()
        ),
        *(
            Row(
                f"late, {rule}",
                "late_fusion",
                {"rule": rule},
                group="late fusion",
                shows_map=rule in SHOWN_OF_FUSION,
            )
            for rule in rules
        ),
        Row("fusion", "fusion", shots=_fewest("fusion")),
    ]


POINTING, PHRASES = "llava-ads", "phrases"


def _one_encoder(suite: str, others: Sequence[str]) -> None:
    if others:
        raise SpecsightError(f"the suite '{suite}' compares its rows on one encoder: give one --encoder")


def _reading(config: EvaluationConfig) -> list[str]:
    """Detectors that read words by the encoder; those that learn from another set only where the run names one."""
    reading = [name for name, kind in detectors.items() if kind.needs.text and not kind.needs.language_model]
    if config.learning.train_on is None:
        reading = [name for name in reading if not detectors[name].needs.other_sets]
    return reading


def _fewest(detector: str) -> int | None:
    """No good pictures for a detector that can do without."""
    return None if detectors[detector].needs.good_pictures else 0


SUITES = {
    "clad": Suite(clad_rows, DETECTION),
    "words": Suite(words_rows, DETECTION),
    "types": Suite(types_rows, TYPING),
    "language": Suite(language_rows, LANGUAGE),
    "fusion": Suite(fusion_rows, FUSION),
    "instructions": Suite(instructions_rows, INSTRUCTIONS, reference="words ignored"),
}
